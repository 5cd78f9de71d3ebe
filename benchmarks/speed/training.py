"""One training step, ours and the authors': seconds, and whether loss and gradients are equal."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.speed.operations import training_step
from benchmarks.speed.problem import Settings, as_batch, draw_views, random_walks
from benchmarks.speed.programs import programs
from benchmarks.speed.rows import RANDOM_CROPS, Row
from benchmarks.speed.timing import in_turns, per

RANDOM_CROP_STEPS = 6  # of a measurement, with the same crops for both programs, in each round


def measure(row: Row, settings: Settings) -> dict[str, Any]:
    """Seconds per step; with the authors' code also `equal`, see `compare`."""
    crop = row.work == RANDOM_CROPS
    seeds = range(RANDOM_CROP_STEPS if crop else 1)
    x = as_batch(random_walks(row.instances, row.channels, row.length))
    ours, authors = programs(row, settings)
    steps = {"ours": ours.training(x, crop)}
    if authors is not None:
        steps["theirs"] = authors.training(x, crop)
    functions = {name: partial(_all, step, seeds) for name, step in steps.items()}
    times = in_turns(functions, settings.rounds, settings.seconds, row.device)
    result: dict[str, Any] = {name: per(len(seeds), time) for name, time in times.items()}
    if authors is not None:
        result["equal"] = compare(row, settings, x, crop)
    needed = [training_step(draw_views(x, crop, seed), settings.network) for seed in seeds]
    return result | {"multiply_adds": sum(needed) / len(needed)}


def compare(row: Row, settings: Settings, x: Tensor, crop: bool) -> dict[str, float]:
    """Differences of loss and gradients from the authors' code in 64 bit: ours in 64 (`exact_`) and 32, `their_` in 32.

    They are computed without dropout and masks, with the same weights and crops, and are the largest over three draws
    of crops: for the loss the relative difference, for a gradient the difference relative to the largest value of its
    tensor. In 64 bit the difference shows whether the mathematics are the same. In 32 bit rounding decides near ties in
    the max pooling, so two programs can differ more from each other than from the truth.
    """
    ours, authors = programs(row, settings, precision="32")
    assert authors is not None
    worst: dict[str, float] = {}
    with torch.backends.cudnn.flags(allow_tf32=False):
        for seed in range(3 if crop else 1):
            views = draw_views(x.to(row.device), crop, seed)
            truth = authors.gradients(views, torch.float64)
            gradients = {
                "exact_": ours.gradients(x, crop, seed, torch.float64),
                "": ours.gradients(x, crop, seed),
                "their_": authors.gradients(views),
            }
            for whose, computed in gradients.items():
                for what, error in zip(("loss", "gradients"), _errors(computed, truth), strict=True):
                    worst[whose + what] = max(worst.get(whose + what, 0.0), error)
    return worst


def _errors(
    computed: tuple[float, dict[str, Tensor]], truth: tuple[float, dict[str, Tensor]]
) -> tuple[float, float]:
    errors = [
        (computed[1][name].cpu() - expected).abs().max() / expected.abs().max()
        for name, expected in truth[1].items()
    ]
    return abs(computed[0] - truth[0]) / abs(truth[0]), float(max(errors))


def _all(step: Callable[[int], float], seeds: range) -> None:
    for seed in seeds:
        step(seed)
