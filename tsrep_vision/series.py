"""Series drawn as images and seen by a Vision Transformer: a second view of a panel, to join with another encoder's.

"stacked" cuts a series into windows of about the square root of its length and stacks them as the rows of a grey
image (as TiViT does: Roschmann et al., "Time Series Representations for Classification Lie Hidden in Pretrained Vision
Transformers", 2025): a period near the window's length becomes a vertical pattern. "line" draws a plot.

A series is scaled by itself: minus its median, by its interquartile range, then asinh, which is nearly linear for what
is usual and logarithmic beyond, so that a peak neither is cut off nor flattens the rest. Nothing is learned from a
panel: the network is frozen, and `fit` only notes its channels. So no information can pass between series.

Each channel is an image of its own. Their vectors stand side by side by default ("concatenate"), since a mean of them
cannot say which channel did what; with many channels "mean" keeps the width that of the network.

Departures from TiViT: windows overlap a little where the length is no multiple of them, rather than dropping its rest;
asinh in place of a contrast that depends on the extremes; all blocks of the network are used unless `depth` says fewer.

Shapes: n series, c channels, T steps, S x S pixels, P the side of a patch, D width of the network.
"""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any, NamedTuple, Self, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor, nn

from tsrep.data import as_panel, is_flat
from tsrep.train.runtime import launch
from tsrep_vision.pretrained import encoder_of, load_vit
from tsrep_vision.vit import ViT

Floats = NDArray[np.float32]

WHITE, INK = 2.0, -2.0  # of a line plot: about white and black, as normalised photographs have them
MARGIN = 0.05  # of a line plot, above and below, as a share of the image
LINE = 1.5  # width of a line in pixels


class Drawing(NamedTuple):
    """
    Attributes
    ----------
    images : (n, S, S), normalised grey values.
    places : (n, T, 2), where a step is drawn: x and y, from -1 at the left and top to 1.
    """

    images: Tensor
    places: Tensor


def robust_scale(x: Tensor) -> Tensor:
    """asinh((x - median) / interquartile range) over the last axis; a deviation of 0 stays 0.

    Where the range is 0 the standard deviation stands in for it.
    """
    low, median, high = (quantile(x, share) for share in (0.25, 0.5, 0.75))
    spread = torch.where(high > low, high - low, x.std(-1, keepdim=True, correction=0))
    return torch.asinh((x - median) / torch.where(spread > 0, spread, 1.0))


def quantile(x: Tensor, share: float) -> Tensor:
    """(..., T) -> (..., 1), interpolated linearly. `torch.quantile` refuses more than 16 million values."""
    ordered, place = x.sort(-1).values, share * (x.shape[-1] - 1)
    pair = ordered[..., [math.floor(place)]], ordered[..., [math.ceil(place)]]
    return torch.lerp(*pair, place % 1)


def draw_stacked(x: Tensor, size: int) -> Drawing:
    """Windows of scaled series as rows, resized to S x S pixels (bilinear, antialiased).

    Parameters
    ----------
    x : (n, T).
    size : S.

    Examples
    --------
    >>> x = torch.arange(9.0)[None]
    >>> draw_stacked(x, 3).images[0]
    tensor([[0., 1., 2.],
            [3., 4., 5.],
            [6., 7., 8.]])
    """
    steps = x.shape[1]
    window = max(1, round(math.sqrt(steps)))
    rows = -(-steps // window)
    starts = torch.linspace(0, steps - window, rows).round().long()
    grid = x[:, starts[:, None] + torch.arange(window)]
    images = F.interpolate(grid[:, None], (size, size), mode="bilinear", antialias=True)[:, 0]
    row = torch.searchsorted(starts, torch.arange(steps), right=True) - 1
    column = torch.arange(steps) - starts[row]
    places = torch.stack([(2 * column + 1) / window - 1, (2 * row + 1) / rows - 1], dim=1)
    return Drawing(images, places.to(x).expand(len(x), -1, -1))


def draw_line(x: Tensor, size: int) -> Drawing:
    """Line plots of scaled series, each over the whole height, antialiased.

    A column of pixels is inked between the lowest and the highest point of the line within it, with an edge of one
    pixel. So a plot costs no more for a long series than its points.

    Parameters
    ----------
    x : (n, T).
    size : S.
    """
    steps = x.shape[1]
    low, high = x.amin(1, keepdim=True), x.amax(1, keepdim=True)
    share = torch.where(high > low, (x - low) / torch.where(high > low, high - low, 1.0), 0.5)
    y = size * (1 - MARGIN - (1 - 2 * MARGIN) * share)  # in pixels from the top
    fine = max(4, -(-2 * steps // size))  # points of the line per column
    at = ((torch.arange(size * fine + 1) / (size * fine)) * steps - 0.5).clamp(0, steps - 1)
    left = at.long().clamp(max=max(steps - 2, 0))
    right = (left + 1).clamp(max=steps - 1)
    line = torch.lerp(y[:, left], y[:, right], (at - left).to(y))
    inside = line.unfold(1, fine + 1, fine)  # (n, S, fine + 1), both edges of a column included
    top, bottom = inside.amin(2)[:, None], inside.amax(2)[:, None]
    centre = torch.arange(size).to(y)[:, None] + 0.5
    outside = torch.maximum(top - centre, centre - bottom)  # distance to the line, below 0 within it
    ink = ((LINE + 1) / 2 - outside).clamp(0, 1)
    across = ((2 * torch.arange(steps) + 1) / steps - 1).to(y).expand_as(y)
    return Drawing(WHITE + (INK - WHITE) * ink, torch.stack([across, 2 * y / size - 1], dim=2))


DRAWINGS = {"stacked": draw_stacked, "line": draw_line}
POOLS = ("mean", "class")
JOINS = ("concatenate", "mean")


class SeriesImageEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Representations of series by a frozen Vision Transformer that sees them as images.

    Parameters
    ----------
    backbone : a `ViT`, or a `MAE`, `SimMIM` or `MaskFeat` around one; or the path of a MAE or timm checkpoint. None: a
        small ViT for images of 32 pixels with random weights.
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
    n_channels_, n_features_in_ : channels; what scikit-learn counts.

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
        backbone: Any = None,
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
        random_state: int | None = None,
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

    def fit(self, X: Any, y: Any = None) -> Self:
        """Prepares the network for a panel (n, c, t), or anything `tsrep.data.as_panel` takes; `y` is ignored.

        Raises
        ------
        ModelFileError
            `backbone` is a file that cannot be read safely, or holds no ViT.
        ValueError
            A parameter is out of range, or `X` is not a panel.
        """
        self._check_parameters()
        encoder = self._network()
        self._panel(X, reset=True)
        self.encoder_ = encoder
        return self

    def transform(self, X: Any) -> Floats:
        """One vector per series, (n, n_features_out_)."""
        return self._encoded(X, per_step=False)

    def encode(self, X: Any) -> Floats:
        """One vector per step, (n, t, n_features_out_): the patches around where the step is drawn, interpolated.

        NaN before a series' first observed step and after its last.
        """
        return self._encoded(X, per_step=True)

    @property
    def n_features_out_(self) -> int:
        check_is_fitted(self, "encoder_")
        return self.encoder_.width * (self.n_channels_ if self.channels == "concatenate" else 1)

    @property
    def _n_features_out(self) -> int:
        return self.n_features_out_

    @torch.no_grad()
    def _encoded(self, X: Any, per_step: bool) -> Floats:
        check_is_fitted(self, "encoder_")
        panel = self._panel(X, reset=False)
        series, channels, steps = panel.shape
        fabric = launch(self.device, self.precision)
        network = self.encoder_.to(fabric.device).eval()
        shape = (series, channels, steps) if per_step else (series, channels)
        Z = torch.full((*shape, network.width), torch.nan)
        for rows, inside in groups(panel):
            values = filled(torch.from_numpy(panel[rows][:, :, inside]))
            drawn = values.flatten(0, 1)
            parts = []
            for batch in drawn.split(self.batch_size):
                images, places = DRAWINGS[self.image](robust_scale(batch).float(), network.image_size)
                images = images.to(fabric.device)[:, None].expand(-1, network.channels, -1, -1)
                with fabric.autocast():
                    z = network(images).float()
                parts.append((at_places(z, places) if per_step else self._pooled(z)).cpu())
            found = torch.cat(parts).unflatten(0, (-1, channels))
            if per_step:
                Z[torch.from_numpy(rows), :, inside] = found
            else:
                Z[torch.from_numpy(rows)] = found
        joined = Z.mean(1) if self.channels == "mean" else Z.movedim(1, -2).flatten(-2)
        return cast(Floats, joined.numpy())

    def _pooled(self, z: Tensor) -> Tensor:
        """(B, 1 + N, D) -> (B, D)."""
        return z[:, 0] if self.pool == "class" else z[:, 1:].mean(1)

    def _network(self) -> ViT:
        if self.backbone is None:
            with torch.random.fork_rng(devices=[]):
                seed = self.random_state
                torch.manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
                vit = ViT(32, 4, 128, 4, 4)
        elif isinstance(self.backbone, str | Path):
            vit = load_vit(self.backbone, num_heads=self.num_heads)
        elif isinstance(self.backbone, nn.Module):
            vit = copy.deepcopy(encoder_of(self.backbone))
        else:
            name = type(self.backbone).__name__
            raise ValueError(f"backbone is a {name}; wanted a network, the path of a checkpoint, or None")
        if self.depth is not None:
            if not 1 <= self.depth <= len(vit.blocks):
                raise ValueError(f"depth is {self.depth!r}; wanted 1 to {len(vit.blocks)}, or None")
            vit.blocks = vit.blocks[: self.depth]
        if self.image_size is not None:
            vit = vit.resized(self.image_size)
        return vit.requires_grad_(False).eval()

    def _check_parameters(self) -> None:
        for name, names in (("image", tuple(DRAWINGS)), ("channels", JOINS), ("pool", POOLS)):
            if getattr(self, name) not in names:
                wanted = ", ".join(map(repr, names))
                raise ValueError(f"{name} is {getattr(self, name)!r}; wanted one of {wanted}")
        if not isinstance(self.batch_size, int | np.integer) or self.batch_size < 1:
            raise ValueError(f"batch_size is {self.batch_size!r}; wanted a whole number from 1 on")

    def _panel(self, X: Any, reset: bool) -> NDArray[np.float64]:
        """`X` as a panel (n, c, t) that fits what was fitted on; a table (n, t) fixes the length, as scikit-learn's
        features do.
        """
        panel = as_panel(X, dtype=np.float64)
        table = is_flat(X)
        if reset:
            for name in ("n_features_in_", "feature_names_in_"):
                self.__dict__.pop(name, None)
            self.n_channels_ = panel.shape[1]
            self._fixes_length = table
        if table and self._fixes_length:
            validate_data(self, X, reset=reset, skip_check_array=True)
        if reset and not hasattr(self, "n_features_in_"):
            self.n_features_in_ = panel.shape[2] if table else panel.shape[1]
        if panel.shape[1] != self.n_channels_:
            raise ValueError(
                f"X has {panel.shape[1]} channels, {type(self).__name__} was fitted with {self.n_channels_}"
            )
        return cast(NDArray[np.float64], panel)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def groups(panel: NDArray[Any]) -> list[tuple[NDArray[np.int64], slice]]:
    """Rows of a panel whose series begin and end alike, and these steps: (rows, slice) pairs."""
    observed = ~np.isnan(panel).all(1)
    first = observed.argmax(1)
    end = panel.shape[2] - observed[:, ::-1].argmax(1)
    spans, which = np.unique(np.stack([first, end], axis=1), axis=0, return_inverse=True)
    which = which.reshape(-1)
    return [(np.flatnonzero(which == number), slice(*span)) for number, span in enumerate(spans)]


def filled(x: Tensor) -> Tensor:
    """Missing steps interpolated linearly, per channel; its end values go on, and a channel without any is 0."""
    if not bool(x.isnan().any()):
        return x
    rows = x.flatten(0, -2).numpy().copy()
    steps = np.arange(x.shape[-1])
    for row in rows:
        seen = ~np.isnan(row)
        row[~seen] = np.interp(steps[~seen], steps[seen], row[seen]) if seen.any() else 0.0
    return torch.from_numpy(rows).view_as(x)


def at_places(z: Tensor, places: Tensor) -> Tensor:
    """Vectors of patches (B, 1 + N, D), the class token first, interpolated at `places` (B, T, 2): (B, T, D)."""
    side = math.isqrt(z.shape[1] - 1)
    maps = z[:, 1:].transpose(1, 2).unflatten(2, (side, side))
    grid = places.to(maps)[:, None]
    found = F.grid_sample(maps, grid, "bilinear", padding_mode="border", align_corners=False)
    return found[:, :, 0].transpose(1, 2)
