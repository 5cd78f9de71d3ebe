"""Image models whose ideas `tsrep` carries over to time series: masked pre-training on a Vision Transformer.

    from tsrep_vision import MAE

    model = MAE(image_size=32, patch_size=8, embed_dim=48, depth=3, num_heads=4, decoder_dim=32, decoder_depth=2,
                decoder_heads=4)
    loss = model(images, mask_ratio=0.75).loss          # images (B, 3, 32, 32)
    features = model.encoder(images)                    # (B, 1 + N, D), the class token first

Public names are imported when they are first used, so `import tsrep_vision` itself does not load torch. The package
builds on `tsrep.nn`, `tsrep.train`, `tsrep.report` and `tsrep.plots.style` only. No constructor downloads anything.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = [
    "Classifier",
    "HOG",
    "MAE",
    "MaskFeat",
    "SimMIM",
    "ViT",
    "load",
    "load_vit",
    "mae_vit_base",
    "mae_vit_huge",
    "mae_vit_large",
    "mae_vit_tiny",
    "mask_rcnn_resnet50_fpn",
    "mask_rcnn_vit",
    "save",
]

if TYPE_CHECKING:
    from tsrep_vision.classifier import Classifier
    from tsrep_vision.hog import HOG
    from tsrep_vision.mae import MAE, mae_vit_base, mae_vit_huge, mae_vit_large, mae_vit_tiny
    from tsrep_vision.mask_rcnn import mask_rcnn_resnet50_fpn, mask_rcnn_vit
    from tsrep_vision.maskfeat import MaskFeat
    from tsrep_vision.pretrained import load_vit
    from tsrep_vision.saving import load, save
    from tsrep_vision.simmim import SimMIM
    from tsrep_vision.vit import ViT

_HOME = {
    "Classifier": "tsrep_vision.classifier",
    "HOG": "tsrep_vision.hog",
    "MAE": "tsrep_vision.mae",
    "MaskFeat": "tsrep_vision.maskfeat",
    "SimMIM": "tsrep_vision.simmim",
    "ViT": "tsrep_vision.vit",
    "load": "tsrep_vision.saving",
    "load_vit": "tsrep_vision.pretrained",
    "mae_vit_base": "tsrep_vision.mae",
    "mae_vit_huge": "tsrep_vision.mae",
    "mae_vit_large": "tsrep_vision.mae",
    "mae_vit_tiny": "tsrep_vision.mae",
    "mask_rcnn_resnet50_fpn": "tsrep_vision.mask_rcnn",
    "mask_rcnn_vit": "tsrep_vision.mask_rcnn",
    "save": "tsrep_vision.saving",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
