"""Forecasting of long series with any causal representation.

samples.py     windows before an origin, labels after it, gaps
history.py     a standardised series as the recipes use it
ridge.py       ridge regression with many outputs for many penalties
choice.py      selection by errors on the validation part
paper.py       `recipe="paper"`: the paper's protocol
best.py        `recipe="best"`: the representation together with the raw lags
intervals.py   split conformal intervals
errors.py      errors over many origins
parameters.py  checks of parameters, columns and lengths
folder.py      a fitted forecaster as JSON and arrays
estimator.py   `RepresentationForecaster`
"""

from tsrep.tasks.forecast.estimator import RepresentationForecaster

__all__ = ["RepresentationForecaster"]
