"""Representations of time series.

Raw series in, features out that a linear model, an SVM or a nearest-neighbour rule can use::

    from tsrep import TS2Vec
    from tsrep.data import load_dataset

    X, y = load_dataset("GunPoint", split="train")
    Z = TS2Vec(random_state=0).fit(X).transform(X)      # (n, c, t) -> (n, 320)

Public names are imported when they are first used, so `import tsrep` itself loads neither torch nor sktime.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
"""The version of the package."""

__all__ = ["MaskedSeriesEncoder", "SSGANImputer", "TS2Vec", "__version__", "data", "load", "metrics", "tasks"]

if TYPE_CHECKING:
    from tsrep import data, metrics, tasks
    from tsrep.base.saving import load
    from tsrep.masked.estimator import MaskedSeriesEncoder
    from tsrep.ssgan.estimator import SSGANImputer
    from tsrep.ts2vec.estimator import TS2Vec

_HOME = {
    "MaskedSeriesEncoder": "tsrep.masked.estimator",
    "SSGANImputer": "tsrep.ssgan.estimator",
    "TS2Vec": "tsrep.ts2vec.estimator",
    "load": "tsrep.base.saving",
}
_SUBMODULES = frozenset({"data", "metrics", "tasks"})


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
