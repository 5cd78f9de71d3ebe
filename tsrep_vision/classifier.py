"""`Classifier`: an encoder, the vector of an image, and a linear layer: what a probe and a fine-tuning give.

MAE (He et al., CVPR 2022) has a batch norm without learned scale in front of a probe's linear layer, and the mean of
the patches with a new LayerNorm behind it, in place of the encoder's own, in fine-tuning. A Swin Transformer keeps its
norm (SimMIM, Xie et al., CVPR 2022).

Shapes: B images of S x S pixels, C channels, D width of the encoder, K classes.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from tsrep.base.parameters import out_of_range
from tsrep.train.hooks import History
from tsrep_vision.seeding import seeded
from tsrep_vision.swin import Swin
from tsrep_vision.vit import EPS, ViT

POOLS = ("mean", "class")
NORMS = ("batch", "layer", "encoder")


class Classifier(nn.Module):
    """Class scores of images.

    Parameters
    ----------
    encoder : a `ViT` or a `Swin`, which becomes part of the classifier.
    classes : names of the K classes.
    pool : "mean" of the patches, or the "class" token of a ViT.
    norm : what stands between pooling and linear layer: "batch", a batch norm without learned scale; "layer", a new
        LayerNorm in place of a ViT's last one; "encoder", nothing but the encoder's own.

    Attributes
    ----------
    head : the linear layer, D to K. Its weights are 0.

    Raises
    ------
    ValueError
        A name is unknown, there are fewer than two classes, or a Swin is asked for a class token.
    """

    def __init__(
        self, encoder: ViT | Swin, classes: Sequence[str], pool: str = "mean", norm: str = "encoder"
    ):
        super().__init__()
        if isinstance(classes, str) or len(classes) < 2:
            raise out_of_range("classes", classes, "two names or more")
        check_pool(pool, encoder)
        if norm not in NORMS:
            raise ValueError(f"norm is {norm!r}; wanted one of {', '.join(map(repr, NORMS))}")
        self.encoder, self.classes, self.pool, self.norm_kind = encoder, list(classes), pool, norm
        self.norm: nn.Module = nn.Identity()
        if norm == "batch":
            self.norm = nn.BatchNorm1d(encoder.width, affine=False, eps=EPS)
        elif norm == "layer" and isinstance(encoder, ViT):
            encoder.norm = nn.Identity()
            self.norm = nn.LayerNorm(encoder.width, eps=EPS)
        with seeded(0):  # weights that are replaced
            self.head = nn.Linear(encoder.width, len(classes))
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, S, S) -> (B, K)."""
        return self.head(self.norm(pooled(self.encoder, images, self.pool)))

    def sizes(self) -> dict[str, Any]:
        """The arguments that make a `Classifier` of these shapes."""
        return {
            "encoder": self.encoder,
            "classes": self.classes,
            "pool": self.pool,
            "norm": self.norm_kind,
        }

    def group_matcher(self, coarse: bool = False) -> dict[str, Any]:
        """Layers from the images on, for timm's layer decay: embedding, blocks, and all that follows."""
        if isinstance(self.encoder, ViT):
            return {
                "stem": r"^encoder\.(?:class_token|patch_embed|relative_bias)",
                "blocks": r"^encoder\.blocks\.(\d+)",
            }
        matcher = self.encoder.network.group_matcher(coarse)
        return {name: _inside("encoder.network.", pattern) for name, pattern in matcher.items()}


class Trained(NamedTuple):
    """What a probe or a fine-tuning gives.

    Attributes
    ----------
    classifier : on the CPU, in evaluation mode.
    accuracy : top-1 on the test images; None without them.
    history : one record per step of a training by gradients.
    """

    classifier: Classifier
    accuracy: float | None
    history: History


def pooled(encoder: ViT | Swin, images: Tensor, pool: str = "mean") -> Tensor:
    """The vector of each image: (B, C, S, S) -> (B, D)."""
    z = encoder(images)
    if isinstance(encoder, Swin):
        return z.flatten(2).mean(2)
    return z[:, 0] if pool == "class" else z[:, 1:].mean(1)


def copied_encoder(model: nn.Module, drop_path: float = 0.0) -> ViT | Swin:
    """A copy of the ViT or Swin in `model`: itself, or the `encoder` of a masked model. All its weights can be trained.

    Parameters
    ----------
    drop_path : stochastic depth of the copy; needs timm unless 0.

    Raises
    ------
    ValueError
        There is none.
    """
    encoder = getattr(model, "encoder", model)
    if not isinstance(encoder, ViT | Swin):
        name = type(encoder).__name__
        raise ValueError(f"model is a {name}; wanted a ViT, a Swin, or a MAE, SimMIM or MaskFeat around one")
    if isinstance(model, Classifier):
        raise ValueError("model is a Classifier; wanted the pre-trained model that it was made from")
    with seeded(0):  # weights that are replaced
        other = type(encoder)(**encoder.sizes(), drop_path=drop_path)
    other.load_state_dict(copy.deepcopy(encoder.state_dict()))
    return other


def check_pool(pool: str, encoder: ViT | Swin) -> None:
    if pool not in POOLS:
        raise ValueError(f"pool is {pool!r}; wanted one of {', '.join(map(repr, POOLS))}")
    if pool == "class" and isinstance(encoder, Swin):
        raise ValueError("pool is 'class'; wanted 'mean' with a Swin, which has no class token")


@torch.no_grad()
def draw_head(classifier: Classifier, std: float, generator: torch.Generator) -> None:
    """Gives the linear layer small random weights."""
    nn.init.trunc_normal_(classifier.head.weight, std=std, generator=generator)


def _inside(prefix: str, pattern: Any) -> Any:
    """A pattern of timm's for the names of a network, for those with `prefix` before them."""
    if isinstance(pattern, str):
        return "^" + prefix.replace(".", r"\.") + pattern.removeprefix("^")
    return [(_inside(prefix, inner), suffix) for inner, suffix in pattern]
