"""Mask R-CNN (He et al., ICCV 2017) on ResNet-50 with a feature pyramid: torchvision's model, with two switches.

Names of weights, settings and outputs are torchvision's `maskrcnn_resnet50_fpn`. The switches are the paper's key
ablations: per-class sigmoid masks or a softmax over classes (Table 2b), RoIAlign or RoIPool (Tables 2c and 2d).

Departure from torchvision: nothing is ever downloaded; a checkpoint is a file or a state dict.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn
from torchvision.models.detection import MaskRCNN as TorchvisionMaskRCNN
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.ops import FrozenBatchNorm2d

from tsrep.train.checkpoint import ModelFileError
from tsrep_vision.checkpoint import read_checkpoint
from tsrep_vision.mask_rcnn.heads import RegionHeads
from tsrep_vision.mask_rcnn.pooling import region_pooling
from tsrep_vision.sizes import check_sizes


class MaskRCNN(TorchvisionMaskRCNN):
    """torchvision's `MaskRCNN` with `RegionHeads`.

    Parameters
    ----------
    backbone : maps "0" to "3" and "pool" from images; has `out_channels`.
    num_classes : classes, the background included; None where `options` have the predictors.
    mask_loss : "sigmoid", the paper's, or "softmax".
    roi : "align", the paper's, or "pool".
    options : further arguments of torchvision's `MaskRCNN`.

    Raises
    ------
    ValueError
        A name is unknown.
    """

    roi_heads: Any

    def __init__(
        self,
        backbone: nn.Module,
        num_classes: int | None = None,
        *,
        mask_loss: str = "sigmoid",
        roi: str = "align",
        **options: Any,
    ):
        options.setdefault("box_roi_pool", region_pooling(roi, 7))
        options.setdefault("mask_roi_pool", region_pooling(roi, 14))
        super().__init__(backbone, num_classes, **options)
        self.roi_heads = RegionHeads.of(self.roi_heads, mask_loss)


def mask_rcnn_resnet50_fpn(
    num_classes: int = 91,
    checkpoint: Mapping[str, Any] | str | Path | None = None,
    *,
    mask_loss: str = "sigmoid",
    roi: str = "align",
    frozen_norm: bool = False,
    norm_eps: float = 1e-5,
    trainable_layers: int = 5,
    **options: Any,
) -> MaskRCNN:
    """Mask R-CNN with the backbone ResNet-50-FPN, random weights or those of `checkpoint`.

    In training it is called with images, a list of (3, H, W) between 0 and 1, and targets, a list of dicts `boxes`
    (objects, 4), `labels` (objects,) and `masks` (objects, H, W), and gives a dict of losses. In evaluation it is
    called with images and gives a list of dicts `boxes`, `labels`, `scores` and `masks` (objects, 1, H, W).

    Parameters
    ----------
    num_classes : classes, the background, 0, included; 91 are COCO's.
    checkpoint : a state dict of torchvision's model or a file of one, all weights of this model.
    mask_loss : "sigmoid" or "softmax".
    roi : "align" or "pool".
    frozen_norm : batch normalisation with fixed statistics and weights, as pre-trained backbones are fine-tuned.
    norm_eps : eps of it where frozen; torchvision's published COCO weights (V1) were made with 0.
    trainable_layers : stages of the backbone that learn, 0 to 5, from its end.
    options : further arguments of torchvision's `MaskRCNN`: `min_size`, `max_size`, `box_detections_per_img`, ...

    Raises
    ------
    ModelFileError
        The checkpoint cannot be read safely, or holds other weights.
    ValueError
        A name is unknown.
    """
    check_sizes(num_classes=num_classes)
    norm = partial(FrozenBatchNorm2d, eps=norm_eps) if frozen_norm else nn.BatchNorm2d
    backbone = resnet_fpn_backbone(
        backbone_name="resnet50", weights=None, norm_layer=norm, trainable_layers=trainable_layers
    )
    model = MaskRCNN(backbone, num_classes, mask_loss=mask_loss, roi=roi, **options)
    if checkpoint is not None:
        try:
            model.load_state_dict(read_checkpoint(checkpoint))
        except RuntimeError as error:
            raise ModelFileError(f"the checkpoint does not fit the model: {error}") from error
    return model
