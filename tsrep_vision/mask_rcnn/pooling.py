"""Features of regions by RoIPool (Girshick, "Fast R-CNN", ICCV 2015), from the levels of a pyramid.

RoIPool rounds a region and its bins to whole places of the feature map and takes maxima. RoIAlign, torchvision's
`MultiScaleRoIAlign`, rounds nothing and averages bilinear samples: the paper's other key ablation.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchvision.ops import MultiScaleRoIAlign, roi_pool
from torchvision.ops.poolers import LevelMapper

REGION_OPERATIONS = ("align", "pool")


class MultiScaleRoIPool(MultiScaleRoIAlign):
    """`MultiScaleRoIAlign` with RoIPool in place of RoIAlign. Arguments and levels are the same; `sampling_ratio` does
    not matter.
    """

    def forward(
        self, x: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[tuple[int, int]]
    ) -> Tensor:
        """
        Parameters
        ----------
        x : feature maps (B, C, h, w) by name.
        boxes : (regions, 4) per image, corners in pixels.
        image_shapes : height and width per image.

        Returns
        -------
        (regions of all images, C, output height, output width)
        """
        maps = [x[name] for name in self.featmap_names if name in x]
        height = max(shape[0] for shape in image_shapes)
        steps = [round(torch.tensor(height / level.shape[-2]).log2().item()) for level in maps]
        levels = LevelMapper(steps[0], steps[-1], self.canonical_scale, self.canonical_level)(boxes)
        regions = torch.cat([torch.nn.functional.pad(b, (1, 0), value=i) for i, b in enumerate(boxes)])
        pooled = maps[0].new_zeros(len(regions), maps[0].shape[1], *self.output_size)
        for number, (level, step) in enumerate(zip(maps, steps, strict=True)):
            here = levels == number
            found = roi_pool(level.float(), regions[here].float(), self.output_size, 2.0**-step)
            pooled[here] = found.to(pooled.dtype)  # corners in 16 bits would be pixels off
        return pooled


def region_pooling(operation: str, output_size: int, names: tuple[str, ...] = ("0", "1", "2", "3")) -> Any:
    """RoIAlign ("align", two samples per bin and axis) or RoIPool ("pool") from the pyramid's levels `names`.

    Raises
    ------
    ValueError
        The operation is unknown.
    """
    if operation not in REGION_OPERATIONS:
        raise ValueError(f"roi is {operation!r}; wanted one of {', '.join(map(repr, REGION_OPERATIONS))}")
    pooling = MultiScaleRoIAlign if operation == "align" else MultiScaleRoIPool
    return pooling(featmap_names=list(names), output_size=output_size, sampling_ratio=2)
