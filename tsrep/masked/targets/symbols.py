"""Labels: the SAX word of a patch, and the nearest sub-sequence of a vocabulary.

Shapes: B series, N patches, P steps per patch, C channels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tsrep.masked.targets.series import as_patches, as_series, defined, enough, interpolated
from tsrep.masked.targets.target import Target

LETTERS = 8
WORD = 4  # letters per patch, at most
CONSTANT = 1e-4  # series of a smaller deviation are only centred
SEGMENTS = 64
TRAINING_PATCHES = 10_000  # at most


class Sax(Target):
    """The SAX word of a patch (Lin et al., 2007): (B, N, P, C) -> (B, N, C, min(4, P)), labels from 0 to 7.

    Each series and channel is brought to mean 0 and deviation 1 over its observed values. A letter stands for the mean
    of one of the w = min(4, P) equal parts of a patch (piecewise aggregate approximation, section 3.1; a step that lies
    in two parts counts in both by its share), and the breakpoints cut the normal distribution into 8 parts of equal
    probability (section 3.2). A mean is over the observed steps; a letter is NaN if fewer than half of the steps of its
    part were observed.

    Lin, Keogh, Wei, Lonardi: Experiencing SAX: a novel symbolic representation of time series. Data Mining and
    Knowledge Discovery 15, 2007.
    """

    classes = LETTERS

    def __init__(self, channels: int, patch_length: int):
        super().__init__(channels, patch_length)
        self.width = min(WORD, patch_length)

    def forward(self, frame: Tensor) -> Tensor:
        patches = as_patches(standardised(as_series(frame)), self.patch_length)
        return letters(aggregate(patches, self.width))


class Segment(Target):
    """The nearest of 64 sub-sequences; (B, N, P, C) -> (B, N, C, 1), a label from 0 to 63.

    `fit` finds the vocabulary (64, P) by k-means among the complete patches of all channels of the training series, of
    which it draws at most 10,000. With fewer than 64 distinct patches, rows are repeated; of equal rows, the first one
    is the label. Where no patch is complete, it takes those with at least half of their steps, interpolated. The
    distance is the mean of the squared differences at the observed steps. A patch with fewer than half of its steps is
    NaN.
    """

    classes = SEGMENTS
    vocabulary: Tensor

    def __init__(self, channels: int, patch_length: int):
        super().__init__(channels, patch_length)
        self.width = 1
        self.register_buffer("vocabulary", torch.zeros(SEGMENTS, patch_length))

    def fit(self, frame: Tensor, generator: torch.Generator) -> None:
        patches = frame.transpose(2, 3)
        chosen = patches[~patches.isnan().any(-1)]
        if not len(chosen):
            chosen = as_patches(interpolated(frame), self.patch_length)[enough(frame)]
        if not len(chosen):
            raise ValueError("no training patch has half of its steps observed; wanted at least one")
        order = torch.randperm(len(chosen), generator=generator, device=generator.device)
        self.vocabulary.copy_(cluster_centres(chosen[order[:TRAINING_PATCHES].to(chosen.device)], generator))

    def forward(self, frame: Tensor) -> Tensor:
        return defined(nearest(frame.transpose(2, 3), self.vocabulary).unsqueeze(-1), enough(frame))


def standardised(series: Tensor) -> Tensor:
    """Series (..., T) with mean 0 and deviation 1 over their observed values; one that is constant is 0."""
    observed = ~series.isnan()
    count = observed.sum(-1, keepdim=True).clamp(min=1)
    mean = torch.where(observed, series, 0.0).sum(-1, keepdim=True) / count
    centred = torch.where(observed, series - mean, 0.0)
    variance = centred.square().sum(-1, keepdim=True) / count
    varies = variance > CONSTANT**2
    scaled = torch.where(varies, centred / torch.where(varies, variance, 1.0).sqrt(), 0.0)
    return scaled.masked_fill(~observed, torch.nan)


def aggregate(patches: Tensor, parts: int) -> Tensor:
    """Means of `parts` equal parts over their observed steps, (..., P) -> (..., parts); NaN below half of a part."""
    length = patches.shape[-1]
    step = torch.arange(length, dtype=patches.dtype, device=patches.device).unsqueeze(-1)
    start = torch.arange(parts, dtype=patches.dtype, device=patches.device) * (length / parts)
    share = (torch.minimum(step + 1, start + length / parts) - torch.maximum(step, start)).clamp(min=0)
    observed = ~patches.isnan()
    weight = observed.to(patches.dtype) @ share
    total = torch.where(observed, patches, 0.0) @ share
    few = weight < (0.5 - 1e-4) * length / parts
    return (total / weight.masked_fill(few, 1.0)).masked_fill(few, torch.nan)


def letters(means: Tensor) -> Tensor:
    """The number of breakpoints at or below each mean, from 0 to 7; NaN stays."""
    cut = torch.arange(1, LETTERS, dtype=means.dtype, device=means.device) / LETTERS
    labels = torch.bucketize(torch.where(means.isnan(), 0.0, means), torch.special.ndtri(cut), right=True)
    return labels.to(means.dtype).masked_fill(means.isnan(), torch.nan)


def cluster_centres(patches: Tensor, generator: torch.Generator) -> Tensor:
    """The 64 centres (64, P) of a k-means clustering of complete patches (n, P), repeated if there are fewer."""
    from sklearn.cluster import KMeans

    distinct = torch.unique(patches, dim=0)
    if len(distinct) > SEGMENTS:
        seed = int(torch.randint(2**31 - 1, (), generator=generator, device=generator.device))
        clusters = KMeans(SEGMENTS, n_init=1, random_state=seed).fit(patches.double().cpu().numpy())
        distinct = torch.from_numpy(clusters.cluster_centers_)
    return distinct.repeat(-(-SEGMENTS // len(distinct)), 1)[:SEGMENTS]


def nearest(patches: Tensor, vocabulary: Tensor) -> Tensor:
    """The row of `vocabulary` (M, P) that is nearest to each patch (..., P) at its observed steps; floats."""
    observed = ~patches.isnan()
    known = torch.where(observed, patches, 0.0)
    count = observed.sum(-1, keepdim=True).clamp(min=1)
    distance = observed.to(known.dtype) @ vocabulary.square().T - 2 * known @ vocabulary.T  # less a constant
    first_equal = (vocabulary.unsqueeze(1) == vocabulary).all(-1).to(torch.int8).argmax(-1)
    return first_equal[(distance / count).argmin(-1)].to(patches.dtype)
