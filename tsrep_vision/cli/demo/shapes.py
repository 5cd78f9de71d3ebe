"""A small Mask R-CNN on generated discs, squares and triangles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

TRAINED_ON, TESTED_ON, SIDE = 200, 40, 64
STEPS, BATCH = 300, 4
SHOWN = 8


@dataclass(frozen=True)
class Shapes:
    """`scores`: average precision on new images, see `average_precision`."""

    picture: Figure
    curve: Figure
    scores: Mapping[str, float]
    history: list[dict[str, Any]]

    def summary(self) -> dict[str, Any]:
        """The entry in results.json."""
        return {"steps": len(self.history), "scores": dict(self.scores)}


def segment_shapes(seed: int, max_steps: int | None, verbose: int) -> Shapes:
    """Train, find the shapes in new images; `max_steps=None` trains for STEPS steps."""
    from tsrep_vision.data import draw_shapes, with_objects
    from tsrep_vision.data.shapes import SHAPES
    from tsrep_vision.mask_rcnn import mask_rcnn_tiny, segment, train_mask_rcnn
    from tsrep_vision.plots import plot_learning_curves, plot_segmentation
    from tsrep_vision.seeding import seeded

    train, test = (
        with_objects(*draw_shapes(count, SIDE, 2 * seed + part), SHAPES)
        for part, count in enumerate((TRAINED_ON, TESTED_ON))
    )
    with seeded(seed):
        model = mask_rcnn_tiny(len(SHAPES), SIDE)
    history = train_mask_rcnn(
        model,
        train,
        max_steps=STEPS if max_steps is None else max_steps,
        batch_size=BATCH,
        lr=2e-3,
        layer_decay=1.0,
        weight_decay=0.01,
        max_norm=1.0,
        validation=test,
        random_state=seed,
        verbose=verbose,
    )
    shown = [test[row] for row in range(SHOWN)]
    picture = plot_segmentation(shown, list(segment(model, shown)), classes=SHAPES)
    scores = {name: value for name, value in history[-1].items() if "_ap" in name}
    losses = [{name: value for name, value in record.items() if "_ap" not in name} for record in history]
    return Shapes(picture, plot_learning_curves(losses), scores, history)
