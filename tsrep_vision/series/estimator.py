"""`SeriesImageEncoder`: representations of series by a frozen Vision Transformer that sees them as images.

Nothing is learned from a panel: the network is frozen, and `fit` only notes the panel's channels. So no information can
pass between series. `drawing.py` says how a series becomes an image.

Each channel is an image of its own. Their vectors stand side by side by default ("concatenate"), since a mean of them
cannot say which channel did what; with many channels "mean" keeps the width that of the network.

Departure from TiViT: all blocks of the network are used unless `depth` says fewer.

Shapes: n series, c channels, T steps, S x S pixels; B images, N patches, D width of the network.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from tsrep.base.fitting import atomic
from tsrep.base.output import by_instance
from tsrep.base.panels import Floats, PanelEstimator, RandomState, draw_seed
from tsrep.base.parameters import check_parameters, integer, one_of, out_of_range
from tsrep.base.saving import Folder, Tensors
from tsrep.base.training import initial_weights
from tsrep.data import as_panel
from tsrep.train.runtime import launch
from tsrep_vision.pretrained import encoder_of, load_vit
from tsrep_vision.series.drawing import DRAWINGS, at_places, robust_scale
from tsrep_vision.series.spans import causal_windows, filled, spans
from tsrep_vision.vit import ViT

CONTEXT = integer(0)
RANGES = {
    "image": one_of(*DRAWINGS),
    "image_size": integer(1, none=True),
    "channels": one_of("concatenate", "mean"),
    "pool": one_of("mean", "class"),
    "depth": integer(1, none=True),
    "num_heads": integer(1, none=True),
    "batch_size": integer(1),
}

Reading = Callable[[Tensor, Tensor], Tensor]
"""From the vectors (B, 1 + N, D) of images, the class token first, and the places (B, T, 2) of their steps."""


class SeriesImageEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, PanelEstimator):
    """Representations of series by a frozen Vision Transformer that sees them as images.

    Parameters
    ----------
    backbone : a `ViT`, or a `MAE`, `SimMIM` or `MaskFeat` around one; or the path of a MAE checkpoint or of a ViT of
        timm. None: a small ViT for images of 32 pixels with random weights.
    image : "stacked" or "line".
    image_size : S; None: that of the backbone. Positions are interpolated to another one.
    channels : how the vectors of the channels are joined: "concatenate" or "mean".
    pool : the vector of an image: "mean" of its patches, or that of the "class" token.
    depth : blocks of the network that are used; None: all.
    num_heads : attention heads of a checkpoint; None: of 64 channels each.
    batch_size : images at once.
    device, precision : see `tsrep.TS2Vec`.
    random_state : of the random weights, where `backbone` is None.

    Attributes
    ----------
    encoder_ : the frozen network.
    n_channels_, n_features_in_, n_features_out_ : channels; what scikit-learn counts; width of `transform`.

    Notes
    -----
    `save` writes the network as it was fitted. In an estimator that `tsrep.load` gives, this network is the `backbone`
    if a network was given; the path of a checkpoint stays a path.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(4, 2, 50))
    >>> encoder = SeriesImageEncoder(random_state=0).fit(X)
    >>> encoder.transform(X).shape, encoder.encode(X).shape
    ((4, 256), (4, 50, 256))
    """

    encoder_: ViT

    def __init__(
        self,
        backbone: nn.Module | str | Path | None = None,
        image: str = "stacked",
        image_size: int | None = None,
        *,
        channels: str = "concatenate",
        pool: str = "mean",
        depth: int | None = None,
        num_heads: int | None = None,
        batch_size: int = 64,
        device: str = "auto",
        precision: str = "auto",
        random_state: RandomState = None,
    ):
        self.backbone = backbone
        self.image = image
        self.image_size = image_size
        self.channels = channels
        self.pool = pool
        self.depth = depth
        self.num_heads = num_heads
        self.batch_size = batch_size
        self.device = device
        self.precision = precision
        self.random_state = random_state

    @atomic
    def fit(self, X: Any, y: Any = None) -> Self:
        """Prepares the network for a panel (n, c, T), or anything `tsrep.data.as_panel` takes; `y` is ignored.

        Raises
        ------
        ModelFileError
            `backbone` is a file that cannot be read safely, or holds no ViT.
        ValueError
            A parameter is out of range, or `X` is not a panel.
        """
        check_parameters(self, RANGES)
        launch(self.device, self.precision)  # raises if this machine does not have the device
        self._values(X, reset=True)
        self.encoder_ = self._network()
        return self

    def transform(self, X: Any) -> Floats:
        """One vector per series, (n, n_features_out_)."""
        panel = self._values(X, reset=False)
        Z = torch.empty(*panel.shape[:2], self.encoder_.width)
        for rows, steps in spans(panel):
            Z[torch.from_numpy(rows)] = self._seen(panel[rows][:, :, steps], self._pooled)
        return by_instance(self, X, self._joined(Z))

    def encode(self, X: Any) -> Floats:
        """One vector per step, (n, T, n_features_out_): the patches around where the step is drawn, interpolated.

        NaN before a series' first observed step and after its last.
        """
        panel = self._values(X, reset=False)
        Z = torch.full((*panel.shape, self.encoder_.width), torch.nan)
        for rows, steps in spans(panel):
            Z[torch.from_numpy(rows), :, steps] = self._seen(panel[rows][:, :, steps], at_places)
        return self._joined(Z.transpose(1, 2))

    def encode_causal(self, X: Any, context: int = 200, hide_last: bool = False) -> Floats:
        """One vector per step from that step and the `context` steps before it, (n, T, n_features_out_).

        Each window of `context` + 1 steps is an image of its own, scaled by itself, and the vector is that of its last
        step. Steps before the series are missing. `hide_last` hides every window's last step, for the comparison in
        an anomaly score. Missing steps are drawn from the others of their window, so a missing step has a vector here.

        Raises
        ------
        ValueError
            `context` is no integer of at least 0.
        """
        if not CONTEXT.holds(context):
            raise out_of_range("context", context, CONTEXT.wanted)
        panel = self._values(X, reset=False)
        series, channels, steps = panel.shape
        Z = torch.empty(series, steps, channels, self.encoder_.width)
        for row, values in enumerate(panel):
            for where, windows in causal_windows(values, context, bool(hide_last), self.batch_size):
                Z[row, where] = self._seen(windows, last_step)
        return self._joined(Z)

    @property
    def n_features_out_(self) -> int:
        check_is_fitted(self, "encoder_")
        return self.encoder_.width * (self.n_channels_ if self.channels == "concatenate" else 1)

    @property
    def _n_features_out(self) -> int:
        return self.n_features_out_

    def _values(self, X: Any, reset: bool) -> NDArray[np.float64]:
        """`X` as a panel (n, c, T) that fits what was fitted on, in 64 bit: each series is scaled before it is cast."""
        if not reset:
            check_is_fitted(self, "encoder_")
        panel = as_panel(X, dtype=np.float64)
        self._panel(X, reset, panel)
        order = self._channel_order(X)
        return cast(NDArray[np.float64], panel if order is None else panel[:, order])

    @torch.no_grad()
    def _seen(self, values: NDArray[np.float64], reading: Reading) -> Tensor:
        """What `reading` takes from the images of `values` (n, c, T): (n, c, ...)."""
        fabric = launch(self.device, self.precision)
        network = self.encoder_.to(fabric.device).eval()
        parts = []
        for batch in filled(torch.from_numpy(values)).flatten(0, 1).split(self.batch_size):
            images, places = DRAWINGS[self.image](robust_scale(batch).float(), network.image_size)
            images = images.to(network.class_token)[:, None].expand(-1, network.channels, -1, -1)
            with fabric.autocast():
                z = network(images).float()
            parts.append(reading(z, places).cpu())
        return torch.cat(parts).unflatten(0, values.shape[:2])

    def _pooled(self, z: Tensor, places: Tensor) -> Tensor:
        """(B, 1 + N, D) -> (B, D)."""
        return z[:, 0] if self.pool == "class" else z[:, 1:].mean(1)

    def _joined(self, Z: Tensor) -> Floats:
        """Vectors of channels (..., c, D) as one."""
        return (Z.mean(-2) if self.channels == "mean" else Z.flatten(-2)).numpy()

    def _network(self) -> ViT:
        """The frozen network that the parameters say."""
        if self.backbone is None:
            with initial_weights(draw_seed(self.random_state)):
                vit = ViT(32, 4, 128, 4, 4)
        elif isinstance(self.backbone, str | Path):
            vit = load_vit(self.backbone, num_heads=self.num_heads)
        elif isinstance(self.backbone, nn.Module):
            vit = copy.deepcopy(encoder_of(self.backbone))
        else:
            wanted = "a network, the path of a checkpoint, or None"
            raise ValueError(f"backbone is a {type(self.backbone).__name__}; wanted {wanted}")
        if self.depth is not None:
            if self.depth > len(vit.blocks):
                raise out_of_range("depth", self.depth, f"1 to {len(vit.blocks)}, or None")
            vit.blocks = vit.blocks[: self.depth]
        if self.image_size is not None:
            vit = vit.resized(self.image_size)
        return vit.requires_grad_(False).eval()

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    # On disk

    def _description(self, *without: str) -> dict[str, Any]:
        network_given = isinstance(self.backbone, nn.Module)
        return super()._description(*without, *(("backbone",) if network_given else ()))

    def _fitted_state(self) -> Folder:
        fitted = {
            "sizes": self.encoder_.sizes(),
            "network_given": isinstance(self.backbone, nn.Module),
        }
        return fitted, {"model": self.encoder_.state_dict()}

    def _restore(self, fitted: dict[str, Any], tensors: Tensors) -> None:
        check_parameters(self, RANGES)
        with initial_weights(0):
            vit = ViT(**fitted["sizes"])
        vit.load_state_dict(tensors["model"])
        self.encoder_ = vit.requires_grad_(False).eval()
        if fitted["network_given"]:
            self.backbone = self.encoder_


def last_step(z: Tensor, places: Tensor) -> Tensor:
    """The vector where the last step is drawn: (B, 1 + N, D), (B, T, 2) -> (B, D)."""
    return at_places(z, places[:, -1:])[:, 0]
