"""One labelled data set: accuracy after training, beside the untrained encoder and the raw values.

The protocol is that of the paper: the encoder never sees a label, an RBF SVM is trained on the whole-series
representations of the training part, and the accuracy is that of the archive's own test part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.cli.dataset import normalised_dataset

TRAINED, UNTRAINED, RAW = "TS2Vec", "untrained encoder", "1-NN Euclidean"
METHODS = (TRAINED, UNTRAINED, RAW)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Example:
    """A labelled data set that comes with sktime, and what is in it."""

    name: str
    about: str


EXAMPLES = (
    Example("ItalyPowerDemand", "A day of Italian electricity demand; which half of the year is it?"),
    Example("GunPoint", "The height of a hand that draws a gun, or only points."),
    Example("ArrowHead", "Outlines of projectile points turned into series; three types."),
    Example(
        "BasicMotions", "A smart watch (six channels) on someone who walks, rests, runs or plays badminton."
    ),
)


@dataclass(frozen=True)
class Classified:
    """Results on one data set. `representations` holds those of the test part, (n_test, d), by method."""

    example: Example
    shape: Mapping[str, int]
    accuracy: Mapping[str, float]
    seconds: Mapping[str, float]
    history: list[dict[str, Any]]
    representations: Mapping[str, NDArray[Any]]
    y_test: NDArray[Any]

    def summary(self) -> dict[str, Any]:
        """The entry in results.json: everything but the representations."""
        return {
            "about": self.example.about,
            **self.shape,
            "accuracy": dict(self.accuracy),
            "seconds": dict(self.seconds),
            "steps": len(self.history),
            "loss": [record["loss"] for record in self.history],
        }


def classify(example: Example, seed: int, max_steps: int | None, say: Say, verbose: int) -> Classified:
    """Train and score; `max_steps=None` is the paper's rule, `verbose=1` shows the encoder's progress bar."""
    from tsrep import TS2Vec
    from tsrep.bench.classification.methods import nearest_euclidean
    from tsrep.bench.stopwatch import Stopwatch
    from tsrep.tasks import RepresentationClassifier

    X_train, y_train, X_test, y_test = normalised_dataset(example.name)
    shape = {
        "n_train": len(X_train),
        "n_test": len(X_test),
        "n_channels": X_train.shape[1],
        "length": X_train.shape[2],
        "n_classes": len(np.unique(y_train)),
    }

    accuracy: dict[str, float] = {}
    representations: dict[str, NDArray[Any]] = {}
    watch = Stopwatch()
    say("training")
    trained = TS2Vec(max_steps=max_steps, random_state=seed, verbose=verbose).fit(X_train)
    watch.seconds["train"] = trained.history_[-1]["seconds"]  # of the steps alone
    untrained = TS2Vec(max_steps=0, random_state=seed).fit(X_train)
    for method, encoder in ((TRAINED, trained), (UNTRAINED, untrained)):
        say(f"scoring: {method}")
        with watch(f"score {method}"):
            classifier = RepresentationClassifier(encoder, probe="svm", prefit=True).fit(X_train, y_train)
            representations[method] = np.asarray(encoder.transform(X_test))
            accuracy[method] = float(np.mean(classifier.probe_.predict(representations[method]) == y_test))
    say(f"scoring: {RAW}")
    with watch(f"score {RAW}"):
        accuracy[RAW] = float(np.mean(nearest_euclidean(X_train, y_train, X_test, seed).predicted == y_test))
    return Classified(
        example, shape, accuracy, watch.seconds, trained.history_, representations, np.asarray(y_test)
    )
