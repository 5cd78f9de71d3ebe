"""Tasks on top of any encoder, with no encoder known by name.

Whole series:

representation.py  the encoder of a task: what it must have, how it is copied and fitted, its training windows
task.py            `RepresentationTask`: an estimator on one vector per series, and its folder on disk
probes.py          the classifiers that are trained on representations, and the choice among them
saved_probe.py     a probe as a tensor, and back
classify.py        `RepresentationClassifier`
regress.py         `RepresentationRegressor`
cluster.py         `RepresentationClusterer`
index.py           `SeriesIndex`: the nearest series, or the nearest sub-series
neighbours.py      the exact search behind it, approximate.py the one through a graph, subseries.py its windows
fine_tuning.py     `finetune`: an encoder trained further with labels

Long series:

series.py          long series in any container, read into one form; the scale of their channels
forecast/          `RepresentationForecaster`
anomaly/           `RepresentationAnomalyDetector`

Public names are imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = [
    "ANOMALY_SCORES",
    "OnlineDetector",
    "RepresentationAnomalyDetector",
    "RepresentationClassifier",
    "RepresentationClusterer",
    "RepresentationForecaster",
    "RepresentationRegressor",
    "SeriesIndex",
    "deviation_threshold",
    "dominant_period",
    "finetune",
    "fit_knn",
    "fit_logistic",
    "fit_ridge",
    "fit_svm",
    "mean_ahead",
    "raise_alarms",
]

if TYPE_CHECKING:
    from tsrep.tasks.anomaly import (
        ANOMALY_SCORES,
        OnlineDetector,
        RepresentationAnomalyDetector,
        deviation_threshold,
        dominant_period,
        mean_ahead,
        raise_alarms,
    )
    from tsrep.tasks.classify import RepresentationClassifier
    from tsrep.tasks.cluster import RepresentationClusterer
    from tsrep.tasks.fine_tuning import finetune
    from tsrep.tasks.forecast import RepresentationForecaster
    from tsrep.tasks.index import SeriesIndex
    from tsrep.tasks.probes import fit_knn, fit_logistic, fit_ridge, fit_svm
    from tsrep.tasks.regress import RepresentationRegressor

_NAMES = {
    "anomaly": (
        "ANOMALY_SCORES",
        "OnlineDetector",
        "RepresentationAnomalyDetector",
        "deviation_threshold",
        "dominant_period",
        "mean_ahead",
        "raise_alarms",
    ),
    "classify": ("RepresentationClassifier",),
    "cluster": ("RepresentationClusterer",),
    "fine_tuning": ("finetune",),
    "forecast": ("RepresentationForecaster",),
    "index": ("SeriesIndex",),
    "probes": ("fit_knn", "fit_logistic", "fit_ridge", "fit_svm"),
    "regress": ("RepresentationRegressor",),
}
_HOME = {name: f"{__name__}.{module}" for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
