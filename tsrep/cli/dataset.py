"""A data set by name, as the commands train on it and encode it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


def normalised_dataset(name: str, root: Path | None = None) -> tuple[Array, Array, Array, Array]:
    """(X_train, y_train, X_test, y_test): both parts, normalised by the rules of the paper's authors."""
    from tsrep.data import load_dataset, ts2vec_normalisation

    X_train, y_train = load_dataset(name, split="train", root=root)
    X_test, y_test = load_dataset(name, split="test", root=root)
    train, test = ts2vec_normalisation(name, X_train, X_test)
    return train, y_train, test, y_test
