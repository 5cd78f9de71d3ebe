"""Forecasting with a representation.

samples.py    windows before an origin, labels after it, gaps
history.py    series as users have them, and as arrays
ridge.py      ridge regressions of many outputs for many penalties
paper.py      the paper's protocol
best.py       the representation and the raw lags together
choice.py     choosing on the validation part
intervals.py  split conformal intervals
errors.py     sums of errors over many origins
parameters.py checks of what is given
folder.py     saving and loading
estimator.py  RepresentationForecaster
"""

from tsrep.tasks.forecast.estimator import RepresentationForecaster

__all__ = ["RepresentationForecaster"]
