"""The data sets, why these, and one of them as the methods get it.

A choice that is made by looking at results is made on one half of the sets and reported on the other. In alphabetical
order the first, third, ... set is for choosing, the others are for reporting.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.bench.classification.evaluate import same_length
from tsrep.data import as_panel, load_dataset, ts2vec_normalisation

MOST_TRAIN, MOST_TEST = 500, 600

UCR24 = (
    "Adiac",
    "ArrowHead",
    "BirdChicken",
    "CricketX",
    "DistalPhalanxOutlineCorrect",
    "DodgerLoopDay",
    "ECG200",
    "FaceAll",
    "FaceFour",
    "FiftyWords",
    "Fungi",
    "GestureMidAirD1",
    "GestureMidAirD2",
    "GesturePebbleZ2",
    "Lightning7",
    "MiddlePhalanxOutlineAgeGroup",
    "MiddlePhalanxTW",
    "MoteStrain",
    "OliveOil",
    "PickupGestureWiimoteZ",
    "SonyAIBORobotSurface1",
    "UMD",
    "Wine",
    "WordSynonyms",
)
"""Univariate sets on which other representations were measured before: outlines, motion, sensors, spectra, one ECG."""

UEA4 = ("ERing", "JapaneseVowels", "Libras", "RacketSports")
"""Small multivariate sets of 4, 12, 2 and 6 channels; the second has series of unequal length.

Others at hand were left out unseen: BasicMotions as likely too easy, FingerMovements as likely too hard.
"""

SIX = (
    "ECG200",
    "FaceFour",
    "GestureMidAirD2",
    "Lightning7",
    "MiddlePhalanxTW",
    "SonyAIBORobotSurface1",
)
"""Six of the half for choosing, small and each of another kind: an ECG, outlines of faces and of bones, a trajectory of
unequal length, lightning, an accelerometer. BirdChicken, OliveOil and Wine have at most 54 test series, too few to tell
configurations apart; Fungi has one training series per class."""


def choosing(sets: tuple[str, ...]) -> tuple[str, ...]:
    """Every other set from the first, in alphabetical order: the half for choosing."""
    return tuple(sorted(sets))[::2]


def reporting(sets: tuple[str, ...]) -> tuple[str, ...]:
    """Every other set from the second, in alphabetical order: the half for reporting."""
    return tuple(sorted(sets))[1::2]


SIXTEEN = (
    "Adiac",
    "ArrowHead",
    "CricketX",
    "DistalPhalanxOutlineCorrect",
    "ECG200",
    "FaceAll",
    "FaceFour",
    "FiftyWords",
    "Fungi",
    "GestureMidAirD2",
    "GesturePebbleZ2",
    "MiddlePhalanxOutlineAgeGroup",
    "MiddlePhalanxTW",
    "MoteStrain",
    "SonyAIBORobotSurface1",
    "WordSynonyms",
)
"""The eight sets of each half of `UCR24` that have the most test series, so the least noise in an accuracy."""

CHOOSING = frozenset((*choosing(UCR24), *choosing(UEA4)))


def half(dataset: str) -> str:
    """ "choosing" or "reporting"; a set that is in no list here was never looked at, so it is for reporting."""
    return "choosing" if dataset in CHOOSING else "reporting"


@dataclass(frozen=True)
class Task:
    """Panels (n, c, t) padded with NaN to one length, and class numbers; -1: a test class that training lacks."""

    X_train: NDArray[Any]
    y_train: NDArray[np.int64]
    X_test: NDArray[Any]
    y_test: NDArray[np.int64]


@cache
def load(name: str, root: Path | None = None) -> Task:
    """An archive set in its official split, normalised as the TS2Vec authors do.

    At most `MOST_TRAIN` training and `MOST_TEST` test series, the same random ones for all methods and seeds.
    """
    X_train, labels_train = load_dataset(name, split="train", root=root)
    X_test, labels_test = load_dataset(name, split="test", root=root)
    X_train, X_test = same_length(as_panel(X_train), as_panel(X_test))
    X_train, X_test = ts2vec_normalisation(name, X_train, X_test)
    train, test = some(len(X_train), MOST_TRAIN), some(len(X_test), MOST_TEST)
    classes, y_train = np.unique(np.asarray(labels_train)[train], return_inverse=True)
    number = {label: index for index, label in enumerate(classes.tolist())}
    y_test = np.array([number.get(label, -1) for label in np.asarray(labels_test)[test].tolist()])
    return Task(X_train[train], y_train, X_test[test], y_test)


def some(n: int, most: int) -> NDArray[np.int64]:
    """`most` of the indices 0 to n - 1 in ascending order, drawn with a fixed seed; all of them if there are fewer."""
    return np.sort(np.random.default_rng(0).permutation(n)[:most])
