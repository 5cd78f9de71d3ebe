"""Imputation: values removed from the six channels of a smart watch, filled by `SSGANImputer` and by simple rules.

The imputer learns from the training part of BasicMotions, from which 30 % of the values were removed at random, and
fills gaps of two kinds in the test part: single values at random, and stretches of ten steps, which did not occur in
training. It gets no label and no complete series.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SET = "BasicMotions"
OURS, LINES, LAST, MEAN = "SSGANImputer", "straight lines", "the last value again", "the mean"
AT_RANDOM, STRETCHES = "single values", "stretches of ten steps"
RATE, STRETCH = 0.3, 10
STEPS = 600  # of the imputer's training, fewer than its default
SHOWN, CHANNELS = 12, 3  # the test series of the picture, someone running, and how many channels of it

Array = NDArray[Any]
LEVELS = (0.5, 0.9)  # of the bands in the picture
Say = Callable[[str], None]


@dataclass(frozen=True)
class Filled:
    """`errors`: one row per method and one column per kind of gap, mean absolute errors in standard deviations.
    `coverage`: per kind, the share of the removed values within the central 90 % of the samples. `truth`, `seen`,
    `imputed`: of the series in the picture, (c, t), with stretches removed. `bands`: half widths (c, t) by share."""

    errors: pd.DataFrame
    coverage: Mapping[str, float]
    truth: Array
    seen: Array
    imputed: Array
    bands: Mapping[float, Array]
    seconds: Mapping[str, float]

    def summary(self) -> dict[str, Any]:
        """The entry in results.json: everything but the series."""
        errors = {str(name): row.to_dict() for name, row in self.errors.iterrows()}
        return {"errors": errors, "coverage": dict(self.coverage), "seconds": dict(self.seconds)}


def fill_gaps(seed: int, max_steps: int | None, say: Say, verbose: int) -> Filled:
    """Remove values, train, fill, compare; `max_steps=None` trains for STEPS steps."""
    from tsrep import SSGANImputer
    from tsrep.bench.imputation.rules import interpolated, last_observed
    from tsrep.bench.stopwatch import Stopwatch
    from tsrep.data import PanelScaler, load_dataset, missing
    from tsrep.metrics import held_out_coverage, held_out_mae

    X_train, _ = load_dataset(SET, split="train")
    X_test, _ = load_dataset(SET, split="test")
    scaler = PanelScaler().fit(X_train)
    train, test = scaler.transform(X_train), scaler.transform(X_test)
    seen = {
        AT_RANDOM: missing.mcar(test, RATE, seed),
        STRETCHES: missing.blocks(test, RATE, seed, length=STRETCH),
    }
    watch = Stopwatch()
    say("learning to fill gaps")
    with watch("train"):
        steps = STEPS if max_steps is None else max_steps
        imputer = SSGANImputer(max_steps=steps, random_state=seed, verbose=verbose)
        imputer.fit(missing.mcar(train, RATE, seed))
    say("filling gaps")
    methods: dict[str, Callable[[Array], Array]] = {
        OURS: imputer.transform,
        LINES: interpolated,
        LAST: last_observed,
        MEAN: np.nan_to_num,
    }
    errors: dict[str, dict[str, float]] = {name: {} for name in methods}
    coverage = {}
    for kind, gaps in seen.items():
        taken = np.isnan(gaps) & ~np.isnan(test)
        for name, fill in methods.items():
            errors[name][kind] = held_out_mae(test, fill(gaps), taken)
        coverage[kind] = held_out_coverage(test, imputer.sample(gaps, 50), taken)
    of_picture = seen[STRETCHES][[SHOWN]]
    ends = {level: imputer.interval(of_picture, level) for level in LEVELS}
    return Filled(
        pd.DataFrame(errors).T,
        coverage,
        test[SHOWN, :CHANNELS],
        of_picture[0, :CHANNELS],
        imputer.transform(of_picture)[0, :CHANNELS],
        {level: (high - low)[0, :CHANNELS] / 2 for level, (low, high) in ends.items()},
        watch.seconds,
    )
