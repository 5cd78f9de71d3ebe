"""`RepresentationTask`: an estimator on one vector per series, which an encoder gives.

A subclass has the parameters `encoder` and `prefit`, calls `_fit_encoder` in its `fit` and `_represent` after it, and
says what it saves beside the encoder: `_FITTED`, `_tensors` and `_restore`.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from tsrep.base.saving import Folder, SavedEstimator, Tensors, inner_from_folder, inner_to_folder
from tsrep.tasks.representation import check_encoder, fit_encoder


class RepresentationTask(SavedEstimator):
    """An encoder with `fit(X)` and `transform(X)`, and something that is fitted on its representations (n, d)."""

    _FITTED: tuple[str, ...] = ()
    """Fitted attributes that `config.json` holds, where the estimator has them."""

    encoder: Any
    prefit: bool
    encoder_: Any
    n_features_in_: int

    def _fit_encoder(self, X: Any) -> NDArray[Any]:
        """Sets `encoder_`, fitted on `X` unless `prefit`; the representations of `X`."""
        self.encoder_ = self._fitted_encoder(X)
        self._adopt_width()
        return self._represent(X)

    def _fitted_encoder(self, X: Any) -> Any:
        """The encoder to compute with. Raises TypeError if `encoder` has no `fit` or no `transform`."""
        check_encoder(self.encoder, "fit", "transform")
        return fit_encoder(self.encoder, X, prefit=self.prefit)

    def _represent(self, X: Any) -> NDArray[Any]:
        """The representations of `X` by the fitted encoder."""
        check_is_fitted(self, "encoder_")
        return np.asarray(self.encoder_.transform(X))

    def _adopt_width(self) -> None:
        """`n_features_in_` is the encoder's, if it has one."""
        if hasattr(self.encoder_, "n_features_in_"):
            self.n_features_in_ = self.encoder_.n_features_in_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        if hasattr(self.encoder, "fit"):
            taken = get_tags(self.encoder).input_tags
            tags.input_tags.allow_nan, tags.input_tags.sparse = taken.allow_nan, taken.sparse
        return tags

    # On disk

    @abstractmethod
    def _tensors(self) -> Tensors:
        """What is saved beside the encoder and the attributes in `_FITTED`."""

    @abstractmethod
    def _restore(self, tensors: Tensors) -> None:
        """Sets what `_tensors` gave; the encoder and the attributes in `_FITTED` are set already."""

    def _to_folder(self) -> Folder:
        encoder, tensors = inner_to_folder(self.encoder_, "encoder")
        fitted = {name: getattr(self, name) for name in self._FITTED if hasattr(self, name)}
        config = {**self._description("encoder"), "encoder": encoder, "fitted": fitted}
        return config, {**tensors, **self._tensors()}

    @classmethod
    def _from_folder(cls, config: dict[str, Any], tensors: Tensors) -> Self:
        encoder = inner_from_folder(config["encoder"], tensors, "encoder")
        task = cls(encoder, **config["parameters"])
        task.encoder_ = encoder
        task._adopt_width()
        for name in cls._FITTED:
            if name in config["fitted"]:
                setattr(task, name, config["fitted"][name])
        task._restore(tensors)
        return task
