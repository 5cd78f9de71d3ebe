"""Ranges of the parameters of `RepresentationAnomalyDetector`."""

from __future__ import annotations

from typing import Any

from tsrep.base.parameters import Range, boolean, check_parameters, integer, one_of
from tsrep.tasks.anomaly.alarms import THRESHOLDS
from tsrep.tasks.anomaly.scores import SCORES
from tsrep.tasks.representation import check_encoder

FIXED_BY_FIT = ("context", "score", "recipe", "moving_average", "look_ahead", "threshold", "level")
SCORE_OF_RECIPE = {"best": "combined", "paper": "hidden"}
"""What `score=None` means."""

_STEPS = integer(0)

RANGES = {
    "recipe": one_of(*SCORE_OF_RECIPE),
    "score": one_of(*SCORES, None),
    "threshold": one_of(*THRESHOLDS),
    "context": integer(1),
    "look_ahead": Range(
        f"{_STEPS.wanted}, or several of them in a tuple",
        lambda value: len(as_reaches(value)) > 0 and all(map(_STEPS.holds, as_reaches(value))),
    ),
    "delay": integer(0),
    "moving_average": Range(
        f"'auto' or {_STEPS.wanted}",
        lambda value: _STEPS.holds(value) or (isinstance(value, str) and value == "auto"),
    ),
    "prefit": boolean(),
}


def check_detector(detector: Any) -> None:
    """Raises `ValueError`, or `TypeError` for the encoder, for the first parameter out of range."""
    check_encoder(detector.encoder, "fit", "encode_causal")
    check_parameters(detector, RANGES)
    levels = THRESHOLDS[detector.threshold].levels
    wanted = f"{levels.wanted}, with threshold={detector.threshold!r}"
    check_parameters(detector, {"level": Range(wanted, levels.holds)})


def as_reaches(look_ahead: Any) -> tuple[Any, ...]:
    """`look_ahead` as a tuple."""
    return tuple(look_ahead) if isinstance(look_ahead, tuple | list) else (look_ahead,)
