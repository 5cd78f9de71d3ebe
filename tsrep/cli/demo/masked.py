"""Masked prediction: parts of a series hidden and rebuilt, and the accuracy of the encoder that learned to do it.

Two encoders learn from the training part of one data set. The one in the picture is MAE carried over to series
(`recipe="paper"`): it sees a quarter of the patches and predicts the values of the others. The one that is scored is
the default, with a short training. The probe and the other methods' accuracies are those of `classification.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from tsrep.cli.dataset import normalised_dataset
from tsrep.cli.demo.classification import Classified, Example

PREFERRED = "GunPoint"
OURS = "masked prediction"
STEPS = 100  # of the encoder that is scored; the default is 500
PICTURE_STEPS = 150  # of the one that is drawn; the default is 1,000
SHOWN = 0  # the test series of the picture

Say = Callable[[str], None]


@dataclass(frozen=True)
class Masked:
    """`accuracy` by method, with those of `Classified`; `picture`: original, visible and rebuilt; `loss` of the encoder
    in the picture beside the references of its `history_`."""

    example: Example
    accuracy: Mapping[str, float]
    steps: int
    loss: Mapping[str, float]
    picture: Figure
    history: list[dict[str, Any]]
    seconds: Mapping[str, float]

    def summary(self) -> dict[str, Any]:
        """The entry in results.json: everything but the picture."""
        return {
            "dataset": self.example.name,
            "accuracy": dict(self.accuracy),
            "steps": self.steps,
            "rebuilt": dict(self.loss),
            "seconds": dict(self.seconds),
        }


def mask_and_rebuild(
    classified: Sequence[Classified], seed: int, max_steps: int | None, say: Say, verbose: int
) -> Masked:
    """Train both encoders, draw and score; `max_steps=None` trains for PICTURE_STEPS and STEPS steps."""
    from tsrep import MaskedSeriesEncoder
    from tsrep.bench.stopwatch import Stopwatch
    from tsrep.tasks import RepresentationClassifier

    others = next((each for each in classified if each.example.name == PREFERRED), classified[0])
    X_train, y_train, X_test, y_test = normalised_dataset(others.example.name)
    watch = Stopwatch()
    say("learning to rebuild hidden patches")
    steps = PICTURE_STEPS if max_steps is None else max_steps
    mae = MaskedSeriesEncoder(recipe="paper", max_steps=steps, random_state=seed, verbose=verbose)
    with watch("train the encoder of the picture"):
        mae.fit(X_train)
    picture = mae.plot_reconstruction(X_test, SHOWN, random_state=seed)
    measured = [record for record in mae.history_ if "lines" in record][-1]
    loss = {name: measured[name] for name in ("loss", "positional_mean", "lines", "all_hidden")}

    say("training the encoder that is scored")
    steps = STEPS if max_steps is None else max_steps
    with watch("train"):
        encoder = MaskedSeriesEncoder(max_steps=steps, random_state=seed, verbose=verbose).fit(X_train)
    say(f"scoring: {OURS}")
    with watch("score"):
        classifier = RepresentationClassifier(encoder, probe="svm", prefit=True).fit(X_train, y_train)
        ours = float(np.mean(classifier.predict(X_test) == y_test))
    accuracy = {OURS: ours, **others.accuracy}
    return Masked(others.example, accuracy, steps, loss, picture, encoder.history_, watch.seconds)
