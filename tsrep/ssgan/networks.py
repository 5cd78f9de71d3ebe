"""The networks of an imputer: one generator, with a classifier if there are labels, or several that are averaged.

Networks that differ only in their initial weights and the order of their batches make different errors in the gaps, and
their mean has a lower error than each of them (an ensemble; Hansen and Salamon, 1990). SSGAN's paper has no ensembles.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import nn

from tsrep.ssgan.averaging import MeanClassifier, MeanGenerator
from tsrep.ssgan.build import Shape, build_game
from tsrep.ssgan.hiding import borrow_rate
from tsrep.ssgan.parameters import Settings
from tsrep.ssgan.step import SSGANStep
from tsrep.ssgan.training import HeldOut, train
from tsrep.train.optimised import with_prefix
from tsrep.train.processes import Processes
from tsrep.train.run import Run

if TYPE_CHECKING:
    from lightning.fabric import Fabric


class Networks(NamedTuple):
    """The trained networks of a game: its generator, and its classifier if there were labels."""

    generator: nn.Module
    classifier: nn.Module | None


def mean_of(members: Sequence[Networks]) -> Networks:
    """The networks themselves if there is one member, else the mean of all."""
    generators = [member.generator for member in members]
    classifiers = [member.classifier for member in members if member.classifier is not None]
    several = len(members) > 1
    generator = MeanGenerator(generators) if several else generators[0]
    if not classifiers:
        return Networks(generator.eval(), None)
    return Networks(generator.eval(), (MeanClassifier(classifiers) if several else classifiers[0]).eval())


def members_of(networks: Networks) -> list[Networks]:
    """The inverse of `mean_of`."""
    if not isinstance(networks.generator, MeanGenerator):
        return [networks]
    generators = list(networks.generator.members)
    mean = networks.classifier
    classifiers = list(mean.members) if isinstance(mean, MeanClassifier) else [None] * len(generators)
    return [Networks(*pair) for pair in zip(generators, classifiers, strict=True)]


def borrowed_share(data: HeldOut, seen: np.ndarray, settings: Settings) -> float:
    """`hiding.borrow_rate` of the values in the channels `seen` (C,) in `fit`; 0 if the recipe does not borrow."""
    if not settings.borrow_gaps:
        return 0.0
    observed = (data.batch.observed | data.held_out)[..., torch.from_numpy(seen)]
    return borrow_rate(observed, data.batch.inside, float(np.max(settings.hide_rate)))


def train_all(
    runs: Sequence[Run],
    before: Sequence[Networks],
    data: HeldOut,
    settings: Settings,
    shape: Shape,
    *,
    n_classes: int,
    decaying: bool,
    borrowed: float,
    start: nn.Module | None,
    batch_size: int,
    patience: int | None,
    fabric: Fabric,
    processes: Processes,
    save: Callable[[Sequence[Networks]], None] | None,
    save_every: int,
    show: bool,
) -> list[Networks]:
    """Continues one run after another to its end, and returns the trained networks of each.

    Parameters
    ----------
    runs : where each training stands; they advance.
    before : the networks of earlier fits, one per run that was begun.
    start : a generator whose weights each training begins with; None: random weights.
    save : called every `save_every` steps with the networks so far, those of the run in progress with its best weights.
    """
    done: list[Networks] = []
    for number, run in enumerate(runs):
        if run.finished and number < len(before):
            done.append(before[number])
            continue
        step = build_game(settings, shape, n_classes, decaying, borrowed, run.seed, fabric, processes)
        if start is not None and not run.clock.step:
            _begin_with(step.generator.network, start)
        if run.clock.step and not run.tensors:  # saved by an earlier version: weights without moments
            _load(step, before[number])

        def save_so_far(run: Run = run, step: SSGANStep = step) -> None:
            assert save is not None
            save([*done, _best(step, run), *before[len(done) + 1 :]])

        title = "SSGAN" if len(runs) == 1 else f"SSGAN {number + 1} of {len(runs)}"
        train(
            step,
            run,
            data,
            settings,
            batch_size=batch_size,
            patience=patience,
            fabric=fabric,
            processes=processes,
            save=None if save is None else save_so_far,
            save_every=save_every,
            title=title if show else None,
        )
        done.append(_networks(step))
    return done


def _networks(step: SSGANStep) -> Networks:
    return Networks(step.generator.network, None if step.classifier is None else step.classifier.network)


def _best(step: SSGANStep, run: Run) -> Networks:
    """Copies of the networks with the best weights of the run."""
    best = copy.deepcopy(_networks(step))
    best.generator.load_state_dict(with_prefix("best.generator.network.", run.tensors))
    if best.classifier is not None:
        best.classifier.load_state_dict(with_prefix("best.classifier.network.", run.tensors))
    return best


def _begin_with(generator: nn.Module, start: nn.Module) -> None:
    """Gives `generator` the weights of `start`, which must be alike."""
    given = {name: tuple(weight.shape) for name, weight in start.state_dict().items()}
    wanted = {name: tuple(weight.shape) for name, weight in generator.state_dict().items()}
    if given != wanted:
        different = sorted(name for name in {*given, *wanted} if given.get(name) != wanted.get(name))
        name = different[0]
        raise ValueError(
            f"start has {name} of shape {given.get(name)}, the imputer's generator {wanted.get(name)}: wanted a "
            "generator of the same kind, hidden_size, depth, core and number of channels"
        )
    generator.load_state_dict(start.state_dict())


def _load(step: SSGANStep, networks: Networks) -> None:
    step.generator.network.load_state_dict(networks.generator.state_dict())
    if step.classifier is not None and networks.classifier is not None:
        step.classifier.network.load_state_dict(networks.classifier.state_dict())
