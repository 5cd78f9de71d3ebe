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

CROPS = 6  # steps of a measurement with random crops: the same ones for both, in every round


def measure(row: Row, settings: Settings) -> dict[str, Any]:
    """Seconds of a step; with the authors' code also `equal`, see `compare`."""
    crop = row.work == RANDOM_CROPS
    seeds = range(CROPS if crop else 1)
    x = as_batch(random_walks(row.instances, row.channels, row.length))
    ours, authors = programs(row, settings)
    steps = {"ours": ours.training(x, crop)}
    if authors is not None:
        steps["theirs"] = authors.training(x, crop)
    functions = {name: partial(_all, step, seeds) for name, step in steps.items()}
    times = in_turns(functions, settings.rounds, settings.seconds, row.device)
    found: dict[str, Any] = {name: per(len(seeds), time) for name, time in times.items()}
    if authors is not None:
        found["equal"] = compare(row, settings, x, crop)
    needed = [training_step(draw_views(x, crop, seed), settings.network) for seed in seeds]
    return found | {"multiply_adds": sum(needed) / len(needed)}


def compare(row: Row, settings: Settings, x: Tensor, crop: bool) -> dict[str, float]:
    """How far loss and gradients are from the authors' code run in 64 bit: ours in 64 bit (`exact_`) and in 32, and
    `their_` own in 32.

    Without dropout and masks, with the same weights and crops, the largest over three draws of crops: of the loss the
    relative difference, of a gradient the difference relative to the largest value of its tensor. In 64 bit the
    difference says whether the mathematics are the same. In 32 bit rounding decides near ties in the max pooling, so
    two programs can be further from one another than from the truth.
    """
    ours, authors = programs(row, settings, precision="32")
    assert authors is not None
    worst: dict[str, float] = {}
    with torch.backends.cudnn.flags(allow_tf32=False):
        for seed in range(3 if crop else 1):
            views = draw_views(x.to(row.device), crop, seed)
            truth = authors.gradients(views, torch.float64)
            found = {
                "exact_": ours.gradients(x, crop, seed, torch.float64),
                "": ours.gradients(x, crop, seed),
                "their_": authors.gradients(views),
            }
            for whose, of in found.items():
                for what, error in zip(("loss", "gradients"), _errors(of, truth), strict=True):
                    worst[whose + what] = max(worst.get(whose + what, 0.0), error)
    return worst


def _errors(
    found: tuple[float, dict[str, Tensor]], truth: tuple[float, dict[str, Tensor]]
) -> tuple[float, float]:
    errors = [
        (found[1][name].cpu() - expected).abs().max() / expected.abs().max()
        for name, expected in truth[1].items()
    ]
    return abs(found[0] - truth[0]) / abs(truth[0]), float(max(errors))


def _all(step: Callable[[int], float], seeds: range) -> None:
    for seed in seeds:
        step(seed)
