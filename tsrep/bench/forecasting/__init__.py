"""Forecasting tables: the protocol of the TS2Vec paper, and that of most later papers.

tables.py      the tables, their options and cells
protocols.py   the two protocols: parts of a set, horizons, context
task.py        what a method is given
evaluate.py    one cell: from the file of a set to the errors per horizon
methods.py     what is compared: the recipes of `RepresentationForecaster`, ridge regression, the last season, networks
networks.py    DLinear and PatchTST, trained here
errors.py      means over seeds and horizons, published numbers, verdicts
summary.py     from result lines to the pages
"""
