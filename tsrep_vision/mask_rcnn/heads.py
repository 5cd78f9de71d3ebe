"""The heads on regions: which class, which box, which mask. torchvision's, with the mask loss as a switch.

Everything but the losses and the order of the computation is inherited: matching and sampling of regions, offsets,
non-maximum suppression. Sampling draws from torch's own generator, as torchvision does.
"""

from __future__ import annotations

from typing import Self, cast

import torch
from torch import Tensor
from torchvision.models.detection.roi_heads import RoIHeads

from tsrep_vision.mask_rcnn.losses import (
    MASK_LOSSES,
    box_loss,
    classification_loss,
    mask_probabilities,
    mask_targets,
)

Target = dict[str, Tensor]
Features = dict[str, Tensor]
Sizes = list[tuple[int, int]]


class RegionHeads(RoIHeads):
    """torchvision's `RoIHeads` for boxes and masks, trained with the losses of `losses.py`.

    Attributes
    ----------
    mask_loss : a name in `MASK_LOSSES`.
    """

    mask_loss: str

    @classmethod
    def of(cls, heads: RoIHeads, mask_loss: str) -> Self:
        """The same modules and settings as `heads`.

        Raises
        ------
        ValueError
            The loss is unknown.
        """
        if mask_loss not in MASK_LOSSES:
            raise ValueError(f"mask_loss is {mask_loss!r}; wanted one of {', '.join(map(repr, MASK_LOSSES))}")
        new = cls(
            heads.box_roi_pool,
            heads.box_head,
            heads.box_predictor,
            heads.proposal_matcher.high_threshold,
            heads.proposal_matcher.low_threshold,
            heads.fg_bg_sampler.batch_size_per_image,
            heads.fg_bg_sampler.positive_fraction,
            heads.box_coder.weights,
            heads.score_thresh,
            heads.nms_thresh,
            heads.detections_per_img,
            heads.mask_roi_pool,
            heads.mask_head,
            heads.mask_predictor,
        )
        new.mask_loss = mask_loss
        return new

    def forward(
        self,
        features: Features,
        proposals: list[Tensor],
        image_shapes: Sizes,
        targets: list[Target] | None = None,
    ) -> tuple[list[Target], dict[str, Tensor]]:
        """
        Parameters
        ----------
        features : maps (B, C, h, w) by name.
        proposals : (regions, 4) per image.
        image_shapes : height and width per image.
        targets : `boxes`, `labels` and `masks` per image, in training.

        Returns
        -------
        In training no detections and the losses; else detections per image and no losses.
        """
        if self.training:
            return [], self._losses(features, proposals, image_shapes, targets)
        return self._detections(features, proposals, image_shapes), {}

    def _losses(
        self, features: Features, proposals: list[Tensor], image_shapes: Sizes, targets: list[Target] | None
    ) -> dict[str, Tensor]:
        self.check_targets(targets)
        targets = cast(list[Target], targets)
        _check_types(targets)
        regions, matches, labels, offsets = self.select_training_samples(proposals, targets)
        label = torch.cat(labels)
        class_scores, box_offsets = self._boxes(features, regions, image_shapes)

        objects = [labels_of_image > 0 for labels_of_image in labels]
        boxes = [region[here] for region, here in zip(regions, objects, strict=True)]
        matches = [match[here] for match, here in zip(matches, objects, strict=True)]
        logits = self._masks(features, boxes, image_shapes)
        true_masks = mask_targets([target["masks"] for target in targets], boxes, matches, logits.shape[-1])
        return {
            "loss_classifier": classification_loss(class_scores, label),
            "loss_box_reg": box_loss(box_offsets, label, torch.cat(offsets)),
            "loss_mask": MASK_LOSSES[self.mask_loss](logits, label[label > 0], true_masks),
        }

    def _detections(self, features: Features, proposals: list[Tensor], image_shapes: Sizes) -> list[Target]:
        class_scores, box_offsets = self._boxes(features, proposals, image_shapes)
        found = self.postprocess_detections(class_scores, box_offsets, proposals, image_shapes)
        boxes, _, labels = found
        logits = self._masks(features, boxes, image_shapes)
        probabilities = mask_probabilities(logits, torch.cat(labels), self.mask_loss)
        masks = probabilities.split([len(boxes_of_image) for boxes_of_image in boxes])
        return [
            {"boxes": box, "labels": label, "scores": score, "masks": mask}
            for box, score, label, mask in zip(*found, masks, strict=True)
        ]

    def _boxes(self, features: Features, regions: list[Tensor], image_shapes: Sizes) -> tuple[Tensor, Tensor]:
        """Scores (R, K) and offsets (R, 4 K)."""
        return self.box_predictor(self.box_head(self.box_roi_pool(features, regions, image_shapes)))

    def _masks(self, features: Features, regions: list[Tensor], image_shapes: Sizes) -> Tensor:
        """Logits (R, K, M, M)."""
        return self.mask_predictor(self.mask_head(self.mask_roi_pool(features, regions, image_shapes)))


def _check_types(targets: list[Target]) -> None:
    for number, target in enumerate(targets):
        if not target["boxes"].is_floating_point():
            raise TypeError(f"targets[{number}]['boxes'] is {target['boxes'].dtype}; wanted floats")
        if target["labels"].dtype != torch.int64:
            raise TypeError(f"targets[{number}]['labels'] is {target['labels'].dtype}; wanted torch.int64")
