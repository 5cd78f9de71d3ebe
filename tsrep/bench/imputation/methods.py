"""The methods of the imputation tables. Each takes a `Task` and returns an `Outcome`.

Rules that learn nothing, scikit-learn's imputers on rows of simultaneous values, `SSGANImputer` with its settings
varied, and networks of PyPOTS in an interpreter of their own. A method learns from the training part (the peers stop
early by the validation part), and fills the test part; labels are those of the training part.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from tsrep.bench.imputation.rows import iterative, iterative_lags, knn
from tsrep.bench.imputation.rules import interpolated, last_observed
from tsrep.bench.imputation.ssgan import PAPER, ssgan
from tsrep.bench.imputation.task import Outcome, Task
from tsrep.bench.stopwatch import Stopwatch


def mean(task: Task) -> Outcome:
    """The mean of the channel in the training part, which is 0."""
    return Outcome(np.nan_to_num(task.test))


def locf(task: Task) -> Outcome:
    """The last observed value, or the first one before it; the mean where a channel of an instance has none."""
    return Outcome(last_observed(task.test))


def linear(task: Task) -> Outcome:
    """Straight lines between observed values, ends held at the outermost; the mean where there is none."""
    return Outcome(interpolated(task.test))


def masked(task: Task) -> Outcome:
    """SSGAN's generator, trained as a masked model: `MaskedSeriesEncoder(encoder="ssgan")` with geometric spans."""
    from tsrep import MaskedSeriesEncoder

    watch = Stopwatch()
    with watch("fit"):
        encoder = MaskedSeriesEncoder(
            encoder="ssgan",
            target="values",
            loss="absolute",
            mask="geometric",
            mask_ratio=(0.05, 0.6),
            mask_span=(1, 6),
            shared_mask=False,
            patch_length=1,
            max_steps=1600,
            random_state=task.seed,
        ).fit(task.train)
    with watch("impute"):
        imputed = encoder.impute(task.test)
    return Outcome(imputed, {"stage_seconds": watch.seconds, "steps": encoder.n_steps_})


METHODS: dict[str, Callable[[Task], Outcome]] = {
    "mean": mean,
    "locf": locf,
    "linear": linear,
    "knn": knn,
    "iterative": iterative,
    "iterative-lags": iterative_lags,
    "ssgan": ssgan,
    "masked": masked,
    "ssgan-three-networks": partial(ssgan, n_networks=3),
    "ssgan-paper": partial(ssgan, **PAPER),
    # one ingredient changed
    **{f"ssgan-adversary-{weight}": partial(ssgan, adversarial_weight=weight) for weight in (0.1, 1.0)},
    "ssgan-no-hiding": partial(ssgan, hide_rate=0.0),
    "ssgan-recurrent": partial(ssgan, generator="recurrent"),
    "ssgan-recurrent-core": partial(ssgan, core="recurrent"),
    "ssgan-no-classifier": partial(ssgan, classifier_weight=0.0),
    **{f"ssgan-labels-{share}": partial(ssgan, labels=share / 100) for share in (0, 5, 10, 50)},
    "ssgan-paper-hint": partial(ssgan, **PAPER, reminder="hint"),
    "ssgan-paper-no-reminder": partial(ssgan, **PAPER, reminder=None),
    **{
        f"ssgan-paper-reminder-{rate}": partial(ssgan, **PAPER, reminder_rate=rate / 100)
        for rate in (0, 40, 100)
    },
    "ssgan-paper-no-adversary": partial(ssgan, **PAPER, adversarial_weight=0.0),
    "ssgan-paper-generator": partial(ssgan, **PAPER, adversarial_weight=0.0, labels=0.0),  # BRITS
    "ssgan-paper-no-classifier": partial(ssgan, **PAPER, classifier_weight=0.0),
}
PEERS = ("saits", "brits", "usgan")
"""Networks of PyPOTS, which `peers.by_peer` runs."""
ALL_METHODS = (*METHODS, *PEERS)
SLOW = frozenset({"knn", "iterative", "iterative-lags"})
"""Measured with one seed on large sets."""
