"""What a detector has fitted for each series, as JSON and tensors, and back."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tsrep.tasks.anomaly.fitted import FittedSeries
from tsrep.tasks.series import name_to_json


def series_to_folder(series: dict[Hashable, FittedSeries]) -> tuple[list[dict[str, Any]], dict[str, Tensor]]:
    """(what is JSON, tensors by the number of the series and their name)."""
    described, tensors = [], {}
    for number, (name, fitted) in enumerate(series.items()):
        described.append({"name": name_to_json(name), **fitted.described()})
        for key, array in fitted.arrays().items():
            tensors[f"{number}.{key}"] = torch.from_numpy(np.array(array))
    return described, tensors


def series_from_folder(
    described: list[dict[str, Any]], tensors: dict[str, Tensor], score: str
) -> dict[Hashable, FittedSeries]:
    """The inverse of `series_to_folder`, for series with the `score` of that name."""
    arrays: list[dict[str, Any]] = [{} for _ in described]
    for name, tensor in tensors.items():
        number, _, key = name.partition(".")
        arrays[int(number)][key] = tensor.numpy()
    return {
        of_one["name"]: FittedSeries.from_arrays(arrays_of_one, of_one, score)
        for of_one, arrays_of_one in zip(described, arrays, strict=True)
    }
