"""From a configuration to features of both parts of a set. Labels are not seen here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsrep.bench.gaps import fill_gaps
from tsrep.bench.masked.peers import features_of_peer
from tsrep.bench.masked.studies import HYDRA, MASKED, RAW, TS2VEC, Configuration
from tsrep.bench.masked.task import Task
from tsrep.bench.stopwatch import Stopwatch

Features = tuple[NDArray[Any], NDArray[Any]]
"""(n_train, d) and (n_test, d)."""

READ_OUTS = {"plain": "max", "rich": "rich"}
"""The read-outs and the `pool` of the encoder that gives them."""

MOST_LAYERS = 64


@dataclass
class Learned:
    """What a method gives.

    Attributes
    ----------
    features : by read-out. A method that has only one kind of features gives them as "plain".
    seconds : by stage.
    encoder : the fitted encoder, if there is one.
    notes : further entries of the result line.
    """

    features: dict[str, Features]
    seconds: dict[str, float]
    encoder: Any = None
    notes: dict[str, Any] = field(default_factory=dict)


def learn(configuration: Configuration, task: Task, seed: int, python: Path | None = None) -> Learned:
    """Fit what the configuration says on the training part and transform both; `python` is an interpreter with aeon."""
    return METHODS[configuration.kind](configuration, task, seed, python)


def raw_values(configuration: Configuration, task: Task, seed: int, python: Path | None) -> Learned:
    """The values of all channels and steps, gaps filled with straight lines and ends held."""
    flat = [fill_gaps(X).reshape(len(X), -1) for X in (task.X_train, task.X_test)]
    return Learned({"plain": (flat[0], flat[1])}, {})


def random_kernels(configuration: Configuration, task: Task, seed: int, python: Path | None) -> Learned:
    """Hydra's features (Dempster et al., 2023)."""
    train, test, notes = features_of_peer(
        configuration.kind, fill_gaps(task.X_train), fill_gaps(task.X_test), seed, python
    )
    return Learned({"plain": (train, test)}, notes.pop("stage_seconds"), None, notes)


def encoder_of(configuration: Configuration, seed: int) -> Any:
    """The encoder of a configuration, not fitted."""
    if configuration.kind == TS2VEC:
        from tsrep import TS2Vec

        return TS2Vec(**configuration.settings, random_state=seed)
    from tsrep import MaskedSeriesEncoder

    return MaskedSeriesEncoder(**configuration.settings, random_state=seed)


def encoded(configuration: Configuration, task: Task, seed: int, python: Path | None) -> Learned:
    """The features of an encoder by both read-outs. The time of `transform` is that of the plain one."""
    watch = Stopwatch()
    with watch("fit"):
        encoder = encoder_of(configuration, seed).fit(task.X_train)
    features = {}
    for name, pool in READ_OUTS.items():
        encoder.set_params(pool=pool)
        with watch("transform" if name == "plain" else f"transform_{name}"):
            features[name] = _both(encoder, task)
    return Learned(features, watch.seconds, encoder, training_of(encoder))


def features_by_layer(encoder: Any, task: Task) -> list[Features]:
    """Plain features of the last layer, of the one before it, and so on, as far as the encoder has layers."""
    read_out = {name: encoder.get_params(deep=False)[name] for name in ("layers", "pool")}
    features: list[Features] = []
    encoder.set_params(pool=READ_OUTS["plain"])
    try:
        while len(features) < MOST_LAYERS:
            encoder.set_params(layers=[-1 - len(features)])
            features.append(_both(encoder, task))
    except (ValueError, IndexError):  # no such layer
        if not features:
            raise
    finally:
        encoder.set_params(**read_out)
    return features


def training_of(encoder: Any) -> dict[str, Any]:
    """Steps and losses of the training, and what a masked encoder says about itself."""
    history = encoder.history_
    notes: dict[str, Any] = {
        "steps": int(encoder.n_steps_),
        "first_loss": _number(history[0]["loss"]) if history else None,
        "last_loss": _number(history[-1]["loss"]) if history else None,
    }
    for attribute in ("average_distance_", "patch_length_"):
        if hasattr(encoder, attribute):
            notes[attribute.rstrip("_")] = _number(getattr(encoder, attribute))
    return notes


def _both(encoder: Any, task: Task) -> Features:
    return np.asarray(encoder.transform(task.X_train)), np.asarray(encoder.transform(task.X_test))


def _number(value: Any) -> float | None:
    """A float ready for JSON; None for None and for what is not finite."""
    return float(value) if value is not None and np.isfinite(value) else None


METHODS: dict[str, Callable[[Configuration, Task, int, Path | None], Learned]] = {
    MASKED: encoded,
    TS2VEC: encoded,
    RAW: raw_values,
    HYDRA: random_kernels,
}
