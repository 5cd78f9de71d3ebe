"""Models by name and size, and saved models."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any


class Model(StrEnum):
    """Masked models by name."""

    mae = "mae"
    simmim = "simmim"
    swin = "swin"
    maskfeat = "maskfeat"


class Size(StrEnum):
    """Sizes of the networks; tiny is for images of 32 pixels and a CPU."""

    tiny = "tiny"
    small = "small"
    base = "base"
    large = "large"


VIT = {
    Size.tiny: {"image_size": 32, "patch_size": 4, "embed_dim": 128, "depth": 4, "num_heads": 4},
    Size.small: {"embed_dim": 384, "depth": 12, "num_heads": 6},
    Size.base: {"embed_dim": 768, "depth": 12, "num_heads": 12},
    Size.large: {"embed_dim": 1024, "depth": 24, "num_heads": 16},
}
DECODER = {
    Size.tiny: {"decoder_dim": 64, "decoder_depth": 2, "decoder_heads": 4},
    Size.small: {"decoder_dim": 256, "decoder_depth": 4, "decoder_heads": 8},
    Size.base: {},
    Size.large: {},
}
SWIN: dict[Size, dict[str, Any]] = {
    Size.tiny: {"image_size": 32, "embed_dim": 64, "depths": (2, 2), "num_heads": (2, 4), "window_size": 4},
    Size.small: {"image_size": 192, "embed_dim": 96, "depths": (2, 2, 6, 2), "num_heads": (3, 6, 12, 24)},
    Size.base: {"image_size": 192},
    Size.large: {"image_size": 192, "embed_dim": 192, "num_heads": (6, 12, 24, 48)},
}


def make_model(
    kind: Model,
    size: Size,
    seed: int,
    image_size: int | None = None,
    patch_size: int | None = None,
    normalise_target: bool = False,
) -> Any:
    """A masked model with the random weights of `seed`; sizes None: those of `size`. `normalise_target` is of MAE."""
    from tsrep_vision import MAE, MaskFeat, SimMIM
    from tsrep_vision.seeding import seeded

    given = {"image_size": image_size, "patch_size": patch_size}
    options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    with seeded(seed):
        if kind is Model.mae:
            return MAE(**{**VIT[size], **DECODER[size], "normalise_target": normalise_target, **options})
        if kind is Model.swin:
            return SimMIM(**{"backbone": "swin", **SWIN[size], **options})
        return (SimMIM if kind is Model.simmim else MaskFeat)(**{**VIT[size], **options})


def read_model(path: Path | None, smoke: bool, seed: int) -> Any:
    """The model in a folder or a checkpoint file; a tiny MAE with random weights for a smoke test without one."""
    from tsrep_vision.pretrained import load_vit
    from tsrep_vision.saving import load

    if path is None:
        if not smoke:
            raise ValueError("MODEL is missing; wanted a folder of `tsrep-vision pretrain`, or --smoke")
        return make_model(Model.mae, Size.tiny, seed)
    return load_vit(path) if path.is_file() else load(path)


def channels_of(model: Any) -> int:
    """The channels of the images that a model takes, an encoder or a model around one."""
    return int(getattr(model, "encoder", model).channels)


def with_random_weights(model: Any, seed: int) -> Any:
    """A model of the same sizes, not trained."""
    from tsrep_vision.saving import build, describe
    from tsrep_vision.seeding import seeded

    with seeded(seed):
        return build(describe(model))
