"""Forecasting with a representation.

samples.py    windows before an origin, labels after it, gaps
history.py    series as users have them, and as arrays
ridge.py      ridge regressions of many outputs for many penalties
faithful.py   the paper's protocol
best.py       the representation and the raw lags together
intervals.py  split conformal intervals
errors.py     sums of errors over many origins
estimator.py  RepresentationForecaster
"""

from tsrep.tasks.forecast.estimator import RepresentationForecaster

__all__ = ["RepresentationForecaster"]
