"""The losses of Mask R-CNN's heads, L = L_cls + L_box + L_mask, as functions.

Shapes: R sampled regions of all images, R+ of them with an object, K classes (0 is the background), M the side of a
predicted mask.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import roi_align

BETA = 1 / 9  # where the smooth L1 error turns from square to linear: torchvision's, 1 in Fast R-CNN


def classification_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """L_cls = -1/R sum_i log softmax(scores_i)[label_i].

    Parameters
    ----------
    scores : (R, K).
    labels : (R,), 0 for the background.
    """
    return F.cross_entropy(scores, labels)


def box_loss(offsets: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """L_box = 1/R sum over i with label_i > 0 of smooth_L1(offsets_i[label_i] - targets_i).

    smooth_L1(e) is e^2 / (2 beta) where |e| < beta and |e| - beta / 2 elsewhere, summed over the four coordinates, with
    beta = 1/9. Each class has its own offsets, and only those of the true class are scored.

    Parameters
    ----------
    offsets : (R, 4 K).
    labels : (R,).
    targets : (R, 4), the offsets from a region to its object's box.
    """
    objects = labels > 0
    own = offsets.unflatten(1, (-1, 4))[objects, labels[objects]]
    return F.smooth_l1_loss(own, targets[objects], beta=BETA, reduction="sum") / len(labels)


def sigmoid_mask_loss(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """The paper's L_mask = -1/(R+ M^2) sum_i sum_p [t_ip log s_ip + (1 - t_ip) log(1 - s_ip)], 0 without an object.

    s_i = sigmoid(logits_i[label_i]), the one mask of the true class. The masks of the other classes get no gradient:
    classes do not compete, the box's classifier decides between them.

    Parameters
    ----------
    logits : (R+, K, M, M).
    labels : (R+,), from 1 on.
    targets : (R+, M, M), the share of a pixel that is inside the object.
    """
    if len(labels) == 0:
        return logits.sum() * 0
    return F.binary_cross_entropy_with_logits(of_class(logits, labels), targets)


def softmax_mask_loss(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """The paper's ablation (Table 2b): -1/(R+ M^2) sum_i sum_p [t_ip log q_ip(label_i) + (1 - t_ip) log q_ip(0)].

    q_ip = softmax over the K classes of the logits at pixel p: a pixel has one class, the object's or the background.
    The parameters are those of `sigmoid_mask_loss`.
    """
    if len(labels) == 0:
        return logits.sum() * 0
    log_q = logits.log_softmax(1)
    return -(targets * of_class(log_q, labels) + (1 - targets) * log_q[:, 0]).mean()


def mask_targets(
    masks: Sequence[Tensor], boxes: Sequence[Tensor], matches: Sequence[Tensor], side: int
) -> Tensor:
    """The true masks, cut out at the boxes and resampled with RoIAlign: (R+, M, M), between 0 and 1.

    Parameters
    ----------
    masks : (objects, H, W) per image.
    boxes : (regions with an object, 4) per image, corners x1, y1, x2, y2 in pixels.
    matches : (regions with an object,) per image, which of the image's objects a region has.
    side : M.
    """
    cut = [
        roi_align(mask[:, None].to(box), torch.cat([match[:, None].to(box), box], dim=1), (side, side))[:, 0]
        for mask, box, match in zip(masks, boxes, matches, strict=True)
    ]
    return torch.cat(cut)


def mask_probabilities(logits: Tensor, labels: Tensor, loss: str) -> Tensor:
    """The predicted mask of each region's class, (R, K, M, M) -> (R, 1, M, M), by the loss of the training.

    "sigmoid": the sigmoid of the class's logit. "softmax": q_k / (q_k + the largest other q), the sigmoid of the
    class's lead over the best other one, so that from 0.5 on a pixel is the class's by the largest score.
    """
    own = of_class(logits, labels)
    if loss == "softmax":
        others = logits.scatter(1, labels[:, None, None, None].expand(-1, 1, *logits.shape[2:]), -torch.inf)
        own = own - others.amax(1)
    return own.sigmoid()[:, None]


def of_class(maps: Tensor, labels: Tensor) -> Tensor:
    """(R, K, M, M) and (R,) -> (R, M, M)."""
    return maps[torch.arange(len(labels), device=labels.device), labels]


MASK_LOSSES = {"sigmoid": sigmoid_mask_loss, "softmax": softmax_mask_loss}
