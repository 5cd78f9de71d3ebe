"""The page of the demonstration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tsrep import report
from tsrep_vision.cli.demo import digits as of_digits
from tsrep_vision.cli.demo import shapes as of_shapes
from tsrep_vision.cli.demo.digits import Digits
from tsrep_vision.cli.demo.photographs import Photographs
from tsrep_vision.cli.demo.shapes import Shapes

GO_ON = """
from tsrep_vision import mae_vit_tiny
from tsrep_vision.data import read_images
from tsrep_vision.plots import plot_reconstructions
from tsrep_vision.pretrain import pretrain

images = read_images("your-images", resize=32)       # a folder, a zip file or an array
model = mae_vit_tiny()                               # 32 x 32 pixels; mae_vit_base() for 224 on a GPU
history = pretrain(model, images, max_epochs=50)
plot_reconstructions(model, images).savefig("reconstructions.png")
"""

NEXT_COMMANDS = """
tsrep-vision pretrain your-images                    # learn from images without labels
tsrep-vision segment-train your-images --annotations instances.json
tsrep-vision segment segmenter your-images           # objects as COCO's JSON and as pictures
"""


def build_page(
    digits: Digits,
    photographs: Photographs,
    shapes: Shapes,
    pictures: Mapping[str, bytes],
    facts: Mapping[str, Any],
) -> str:
    """The page as HTML; `pictures` are the figures as PNG, `facts` the seed, the seconds, the versions."""
    return report.page(
        "tsrep_vision: demonstration",
        [
            _digits(digits, pictures),
            _photographs(photographs, pictures["gradients"]),
            _shapes(shapes, pictures),
            _facts(facts),
            report.section("Next", report.code(GO_ON), report.code(NEXT_COMMANDS)),
        ],
        lead="Three image models, each trained for about a minute on images that come with the packages.",
    )


def _digits(digits: Digits, pictures: Mapping[str, bytes]) -> str:
    return report.section(
        "Hidden patches, rebuilt",
        report.prose(
            f"A masked autoencoder (MAE) saw a quarter of the patches of {of_digits.TRAINED_ON:,} handwritten digits "
            f"and learned to predict the others, without labels, in {len(digits.history)} steps."
        ),
        report.figure(
            pictures["reconstructions"],
            "Digits that were not in the training: the original, then what was visible and what the model made of "
            "it, at four shares of hidden patches. It was trained at 75 %. Visible patches are shown as they are.",
            alt="Rows of handwritten digits, each mostly hidden in grey and then rebuilt.",
        ),
        report.prose(
            f"On {of_digits.JUDGED} such digits the squared error of hidden pixels is {digits.error:.2f} times that of "
            "the mean training digit, the best that one constant image could do. Pictures as sharp as the paper's take "
            "hours on a GPU."
        ),
        report.figure(pictures["digits-loss"], "The loss on hidden pixels per step, and its running mean."),
    )


def _photographs(photographs: Photographs, picture: bytes) -> str:
    return report.section(
        "Gradients of hidden blocks",
        report.prose(
            "MaskFeat predicts no pixels but histograms of oriented gradients (HOG): which edges there are in each "
            f"square of 8 x 8 pixels. It learned from pieces of two photographs in {len(photographs.history)} steps."
        ),
        report.figure(
            picture,
            "Pieces from the lowest rows of the photographs, which were not in the training: the original, what was "
            "visible, its gradients, and those predicted where the image was hidden (blue). A line runs along an edge.",
            alt="Rows of photographs, their masked versions and two maps of short lines.",
        ),
        report.prose(
            f"The squared error of hidden histograms is {photographs.error:.2f} times that of the mean histogram of "
            "the training. Two photographs and a short training teach which edges are frequent, and little else."
        ),
    )


def _shapes(shapes: Shapes, pictures: Mapping[str, bytes]) -> str:
    rows = [
        [part, *(shapes.scores.get(f"{part}_ap{at}") for at in ("", "50", "75"))] for part in ("box", "mask")
    ]
    return report.section(
        "Objects, found and cut out",
        report.prose(
            f"A Mask R-CNN with a tiny ViT as its backbone, trained from random weights on {of_shapes.TRAINED_ON} "
            f"generated images in {len(shapes.history)} steps of {of_shapes.BATCH} images."
        ),
        report.figure(
            pictures["shapes"],
            "New images with the objects of a score of 0.5 or more: mask, box, class and score.",
            alt="Discs, squares and triangles on dark noise, each under a coloured mask in a box.",
        ),
        report.table(
            ["", "AP", "AP50", "AP75"],
            rows,
            f"COCO's average precision on {of_shapes.TESTED_ON} new images: the mean over overlaps from 0.5 to 0.95, "
            "and at overlaps of 0.5 and 0.75.",
        ),
        report.figure(
            pictures["shapes-loss"],
            "The loss and its five terms: classes, boxes and masks of regions; objectness and boxes of proposals.",
        ),
    )


def _facts(facts: Mapping[str, Any]) -> str:
    rows = [
        ["seed", facts["seed"]],
        ["total time", f"{facts['seconds']:.0f} s"],
        ["threads", facts["threads"]],
        *facts["versions"].items(),
    ]
    return report.section(
        "How this was measured",
        report.table(
            ["", ""],
            rows,
            "One run of each; the numbers are an example, not a measurement. They are in results.json.",
        ),
    )
