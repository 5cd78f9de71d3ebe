"""The fitted state of an imputer as JSON and tensors, and back; also states saved by version 0.1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tsrep.base.saving import Folder, Tensors
from tsrep.ssgan.build import Shape, build_classifier, build_generator
from tsrep.ssgan.errors import LAPLACE, LEVELS, Widths
from tsrep.ssgan.networks import Networks, mean_of, members_of
from tsrep.train.loop import Clock
from tsrep.train.run import Run

ARRAYS = ("mean_", "scale_", "fallback_", "_seen", "_indicated")
VALUES = ("held_out_error_", "lines_error_")


def attributes_to(imputer: Any) -> dict[str, Any]:
    """The fitted arrays and numbers as JSON."""
    fitted: dict[str, Any] = {name: getattr(imputer, name).tolist() for name in (*ARRAYS, "_line_widths")}
    fitted["widths"] = {name: part.tolist() for name, part in imputer._widths._asdict().items()}
    if imputer.classifier_ is not None:
        fitted["classes_"] = imputer.classes_.tolist()
    return {**fitted, **{name: getattr(imputer, name) for name in VALUES}}


def attributes_from(imputer: Any, fitted: dict[str, Any]) -> None:
    """The inverse of `attributes_to`: sets the attributes of `imputer`."""
    for name in ARRAYS:
        setattr(imputer, name, np.asarray(fitted[name]))
    unknown = np.zeros((1, len(LEVELS), len(imputer.scale_)))
    imputer._line_widths = np.asarray(fitted.get("_line_widths", unknown))
    imputer._widths = (
        Widths(**{name: np.asarray(part) for name, part in fitted["widths"].items()})
        if "widths" in fitted
        else Widths.of_single_values(LAPLACE[:, None] * np.asarray(fitted["spread_"]))  # version 0.1
    )
    for name in VALUES:
        setattr(imputer, name, fitted[name])
    if "classes_" in fitted:
        imputer.classes_ = np.asarray(fitted["classes_"])


def runs_to(runs: Sequence[Run]) -> Folder:
    """The record of each run, and its state in a file of its own."""
    states = {f"training.{number}": run.tensors for number, run in enumerate(runs)}
    return {"runs": [run.as_json() for run in runs]}, states


def runs_from(fitted: dict[str, Any], tensors: Tensors) -> list[Run]:
    """The inverse of `runs_to`."""
    if "runs" not in fitted:
        return _runs_of_version_0_1(fitted)
    return [
        Run.from_json(described, tensors[f"training.{number}"])
        for number, described in enumerate(fitted["runs"])
    ]


def networks_to(networks: Networks) -> Folder:
    """The number of networks, and the weights of generator and classifier."""
    weights = {"model": networks.generator.state_dict()}
    if networks.classifier is not None:
        weights["classifier"] = networks.classifier.state_dict()
    return {"n_networks": len(members_of(networks))}, weights


def networks_from(fitted: dict[str, Any], tensors: Tensors, names: dict[str, Any], shape: Shape) -> Networks:
    """The inverse of `networks_to`; `names` has the names of "generator" and "classifier"."""
    n_classes = len(fitted.get("classes_", ()))

    def member() -> Networks:
        generator = build_generator(names["generator"], shape)
        return Networks(
            generator, build_classifier(names["classifier"], shape, n_classes) if n_classes else None
        )

    networks = mean_of([member() for _ in range(fitted["n_networks"])])
    networks.generator.load_state_dict(tensors["model"])
    if networks.classifier is not None:
        networks.classifier.load_state_dict(tensors["classifier"])
    return networks


def _runs_of_version_0_1(fitted: dict[str, Any]) -> list[Run]:
    """Finished runs without a state: version 0.1 saved a record and the first seed only."""
    runs = []
    for number in range(fitted["n_networks"]):
        history = [
            {name: value for name, value in record.items() if name != "network"}
            for record in fitted["history_"]
            if record["network"] == number
        ]
        last = history[-1] if history else {"step": 0, "epoch": 0}
        run = Run(fitted["seed_"] + number, finished=True, history=history)
        run.clock = Clock(last["step"], last["epoch"])
        run.notes = {"rescues": fitted["rescues_"] if number == 0 else 0}
        runs.append(run)
    return runs
