"""Mask R-CNN (He et al., ICCV 2017): instance segmentation with L = L_cls + L_box + L_mask.

losses.py       the losses as functions, and both losses of masks
pooling.py      features of regions: RoIAlign or RoIPool
heads.py        which class, box and mask a region has
resnet.py       `mask_rcnn_resnet50_fpn`: torchvision's model by name
vit.py          `mask_rcnn_vit`: a plain, pre-trained ViT as the backbone (ViTDet)
tiny.py         `mask_rcnn_tiny`: the same, small enough for a CPU
recipe.py       optimiser, schedule and parameter groups of the papers
train.py        `train_mask_rcnn`: the training
inference.py    `segment`: the objects in images
evaluation.py   `average_precision`: COCO's, by pycocotools
saving.py       a model as a folder, with the names of its classes

Anchors, the proposal network, matching and sampling, operators and the calling convention are torchvision's.
"""

from tsrep_vision.mask_rcnn.evaluation import average_precision
from tsrep_vision.mask_rcnn.inference import segment
from tsrep_vision.mask_rcnn.resnet import MaskRCNN, mask_rcnn_resnet50_fpn
from tsrep_vision.mask_rcnn.tiny import mask_rcnn_tiny
from tsrep_vision.mask_rcnn.train import train_mask_rcnn
from tsrep_vision.mask_rcnn.vit import mask_rcnn_vit

__all__ = [
    "MaskRCNN",
    "average_precision",
    "mask_rcnn_resnet50_fpn",
    "mask_rcnn_tiny",
    "mask_rcnn_vit",
    "segment",
    "train_mask_rcnn",
]
