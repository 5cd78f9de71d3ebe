"""What a fitted masked model computes besides representations of series: vectors of patches, hidden values, gaps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from tsrep.base.panels import Floats, RandomState, draw_seed
from tsrep.data import as_panel
from tsrep.data.containers import Series
from tsrep.encoding.by_blocks import by_blocks, to_impute_by_blocks
from tsrep.encoding.estimator import SeriesRepresentation
from tsrep.masked.rebuild import as_hidden, draw_hidden, rebuilt, value_head
from tsrep.masked.recipe import mask_of
from tsrep.nn.padding import inside
from tsrep.nn.patch import to_patches


class RebuildingEncoder(SeriesRepresentation):
    """An encoder whose network also predicts values that it does not see.

    Attributes
    ----------
    patch_length_ : steps per patch.
    """

    patch_length_: int
    _window: int  # steps that are rebuilt at once

    def encode_patches(self, X: Any) -> Floats:
        """One vector per patch, (n, N, D), counted from the end of each series; NaN for patches before its begin.

        `encode` repeats a patch's vector over its steps. With an encoder of steps it is the mean over the patch's.
        """
        Z = torch.from_numpy(self.encode(X))
        x = self._series(X)
        within = inside(x)
        steps = torch.arange(x.shape[1])
        last = torch.where(within, steps, -1).amax(1)
        parts = to_patches(Z, self.patch_length_, torch.where(last < 0, x.shape[1] - 1, last))
        return parts.nanmean(2).numpy()

    def reconstruct(self, X: Any, hidden: Any = None, random_state: RandomState = 0) -> NDArray[Any]:
        """The series (n, c, t) with predictions in the places of hidden values; NaN outside a series.

        Parameters
        ----------
        X : panel (n, c, t).
        hidden : (n, c, t) or (n, t) booleans, True where a value is hidden from the encoder; None: drawn by the mask
            of the training. Missing values inside a series are predicted too.
        random_state : seed of a mask that is drawn.

        Raises
        ------
        ValueError
            `hidden` has another shape, or the encoder is a generator that was not trained to predict "values".
        """
        x = self._series(X)
        value_head(self.encoder_)
        order = self._channel_order(X)
        unseen = self._hidden(x, hidden, random_state, order)
        within = inside(x)
        values = self._rebuilt(x, unseen, within)
        kept = (~x.isnan() & ~unseen).transpose(1, 2).numpy()
        predicted = values.masked_fill(~within.unsqueeze(-1), torch.nan).transpose(1, 2).numpy()
        panel = as_panel(X)
        given = slice(None) if order is None else np.argsort(order)  # as the channels stand in `X`
        return np.where(kept[:, given], panel, predicted[:, given]).astype(panel.dtype)

    def impute(self, X: Any, out: str | Path | None = None) -> Any:
        """`X` with its missing values predicted, in the same container; observed values are untouched.

        A lazy panel (`tsrep.data.lazy`) becomes an array in memory, or in the file `out`, see `encode`.

        Raises
        ------
        ValueError
            The encoder is a generator that was not trained to predict "values".
        """
        check_is_fitted(self, "encoder_")
        value_head(self.encoder_)
        if (lazy := to_impute_by_blocks(X, out)) is not None:
            return by_blocks(
                lazy,
                lambda _, block: self.impute(block),
                out,
                network=self.encoder_,
                what="impute",
                as_stored=True,
            )
        series = Series(X)
        x = torch.from_numpy(self._panel(series.source, reset=False, panel=series.panel)).transpose(1, 2)
        series.reorder(self._channel_order(series.source))
        nothing = torch.zeros_like(x, dtype=torch.bool)
        values = self._rebuilt(x, nothing, torch.from_numpy(series.inside))
        return series.put_back(values.transpose(1, 2).double().numpy())

    def plot_reconstruction(
        self, X: Any, instance: int = 0, hidden: Any = None, random_state: RandomState = 0
    ) -> Any:
        """A matplotlib figure of one series: original, visible and rebuilt (after He et al., 2022, figure 2)."""
        from tsrep.plots import plot_reconstruction

        x = self._series(X)[[instance]]
        chosen = None if hidden is None else np.asarray(hidden)[[instance]]
        unseen = self._hidden(x, chosen, random_state, self._channel_order(X))
        rebuilt_values = self._rebuilt(x, unseen, inside(x))
        return plot_reconstruction(x[0].T.numpy(), unseen[0].T.numpy(), rebuilt_values[0].T.numpy())

    @property
    def generator_(self) -> nn.Module:
        """SSGAN's generator, where it is the encoder: `SSGANImputer(start=...)` continues from it."""
        check_is_fitted(self, "encoder_")
        generator = getattr(self.encoder_, "generator", None)
        if generator is None:
            raise AttributeError("generator_: only an encoder of encoder='ssgan' has a generator")
        return generator

    def _hidden(self, x: Tensor, hidden: Any, random_state: RandomState, order: list[int] | None) -> Tensor:
        """(n, T, C) booleans of the argument `hidden`, whose channels `order` puts in that of `x`, or drawn."""
        if hidden is not None:
            given = as_hidden(hidden, x)
            return given if order is None else given[..., order]
        return draw_hidden(x, mask_of(self), self.patch_length_, draw_seed(random_state))

    def _rebuilt(self, x: Tensor, hidden: Tensor, within: Tensor) -> Tensor:
        return rebuilt(self.encoder_, x, hidden, within, self._window, self.device, self.precision)
