"""`mask_rcnn_tiny`: a Mask R-CNN small enough to train on a CPU in minutes."""

from __future__ import annotations

from typing import Any

from tsrep_vision.mask_rcnn.resnet import MaskRCNN
from tsrep_vision.mask_rcnn.vit import mask_rcnn_vit

SIZES = {
    "embed_dim": 64,
    "depth": 4,
    "num_heads": 4,
    "patch_size": 8,
}
REST = {
    "channels": 32,
    "hidden_size": 128,
    "window": 4,
    "global_blocks": 2,
    "box_batch_size_per_image": 64,
    "rpn_post_nms_top_n_train": 200,
    "rpn_post_nms_top_n_test": 100,
    "box_detections_per_img": 20,
}


def mask_rcnn_tiny(num_classes: int, image_size: int = 64, **options: Any) -> MaskRCNN:
    """`mask_rcnn_vit` with 0.6 million parameters and few regions per image, for generated shapes and tests.

    Parameters
    ----------
    num_classes : classes, the background included.
    image_size : a multiple of 16.
    options : further arguments of `mask_rcnn_vit`, `backbone` or `mask_loss` for example, in place of those here. The
        sizes of a `backbone` are its own.
    """
    sizes = {} if options.get("backbone") is not None else SIZES
    return mask_rcnn_vit(num_classes, image_size, **{**sizes, **REST, **options})
