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

from tsrep.interop.sktime.transform import TSRepSeriesTransformer, TSRepTransformer

__all__ = ["TSRepSeriesTransformer", "TSRepTransformer"]
