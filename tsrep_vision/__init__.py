"""Image models whose ideas `tsrep` carries over to time series.

The package is reserved and importable; it holds no model yet.

It will build on `tsrep.nn` and `tsrep.train` only.
"""
