"""The encoders that the cells of an archive share, and the panels that they are trained on.

As in the TS2Vec paper one encoder serves all series of an archive: it is trained on their training parts, together.
In the cold start it is trained on none of them: on the classification set FordA, as in the paper, where that is found,
else on the training parts of all univariate classification sets that are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tsrep.bench.anomaly.task import COLD_START, TRAIN_LENGTH_STEPS, Array
from tsrep.data import (
    AnomalySeries,
    as_panel,
    find_anomaly,
    find_datasets,
    load_anomaly,
    load_dataset,
    ts2vec_preparation,
)

INSTANCES_PER_SET = 40
"""Instances of a classification set that are used for the cold start without FordA."""


def archive_encoder(
    shared: str,
    method: str,
    seed: int,
    channels: int,
    root: Path | None,
    encoders: Path | None,
    max_steps: int | None,
) -> Any:
    """The fitted encoder of the archive `shared`, or of the cold start.

    That is the untrained network if `method` says so, else the one that is kept in the folder `encoders`, else one that
    is trained now and kept.
    """
    from tsrep import TS2Vec, load

    if method == "untrained":
        return TS2Vec(max_steps=0, random_state=seed).fit(np.zeros((1, channels, 2)))
    kept = None if encoders is None else encoders / f"{shared}-seed{seed}"
    if kept is not None and kept.is_dir():
        return load(kept)
    panel = cold_start_panel(root) if shared == COLD_START else training_panel(shared, root)
    encoder = TS2Vec(max_train_length=TRAIN_LENGTH_STEPS, max_steps=max_steps, random_state=seed).fit(panel)
    if kept is not None:
        encoder.save(kept)
    return encoder


def training_panel(archive: str, root: Path | None = None) -> Array:
    """(n, c, t) the training parts of an archive's series, each standardised, NaN-padded at the end."""
    parts = []
    for name in find_anomaly(root)[archive]:
        train = prepared(archive, name, root).train
        deviation = np.nanstd(train, axis=0)
        parts.append(((train - np.nanmean(train, axis=0)) / np.where(deviation > 0, deviation, 1)).T)
    return as_panel(parts)


def cold_start_panel(root: Path | None = None) -> Array:
    """(n, 1, t) series of classification sets, each standardised and cut at `TRAIN_LENGTH_STEPS`.

    Those are FordA if it is found, else the first `INSTANCES_PER_SET` of each UCR set.
    """
    found = find_datasets(root)["UCR"]
    names = ["FordA"] if "FordA" in found else found
    limit = None if names == ["FordA"] else INSTANCES_PER_SET
    parts = []
    for name in names:
        panel = as_panel(load_dataset(name, split="train", root=root)[0])[:limit, :, :TRAIN_LENGTH_STEPS]
        deviation = np.nanstd(panel, axis=2, keepdims=True)
        scaled = (panel - np.nanmean(panel, axis=2, keepdims=True)) / np.where(deviation > 0, deviation, 1)
        parts += list(scaled)
    return as_panel(parts)


def prepared(archive: str, name: str, root: Path | None = None) -> AnomalySeries:
    """A series as the methods get it: KPI as the TS2Vec authors prepare it, the others as they are."""
    series = load_anomaly(archive, name, root)
    return ts2vec_preparation(series) if archive == "KPI" else series
