"""Estimators of sktime around the encoders and tasks of this package.

They take every container that sktime knows, run in its pipelines, tuners and benchmarks, and pass its
`check_estimator`.

encoder.py      the parameter `encoder` of them all: a name, or an encoder, fitted or not
frames.py       sktime's series, panels and hierarchies as one panel, and back
transform.py    `TSRepTransformer`, features per series; `TSRepSeriesTransformer`, features per step
classify.py     `TSRepClassifier`
regress.py      `TSRepRegressor`
cluster.py      `TSRepClusterer`
forecast.py     `TSRepForecaster`
detect.py       `TSRepDetector`
impute.py       `TSRepImputer`
"""

from tsrep.interop.sktime.classify import TSRepClassifier
from tsrep.interop.sktime.cluster import TSRepClusterer
from tsrep.interop.sktime.detect import TSRepDetector
from tsrep.interop.sktime.forecast import TSRepForecaster
from tsrep.interop.sktime.impute import TSRepImputer
from tsrep.interop.sktime.regress import TSRepRegressor
from tsrep.interop.sktime.transform import TSRepSeriesTransformer, TSRepTransformer

__all__ = [
    "TSRepClassifier",
    "TSRepClusterer",
    "TSRepDetector",
    "TSRepForecaster",
    "TSRepImputer",
    "TSRepRegressor",
    "TSRepSeriesTransformer",
    "TSRepTransformer",
]
