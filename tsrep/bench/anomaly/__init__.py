"""The anomaly table: detectors on long series of public archives.

tables.py      the table, its options and cells
task.py        what a method is given, what it gives back, and the constants of the protocol
encoders.py    the encoders that the cells of an archive share, and what they are trained on
evaluate.py    one cell: from the file of a series to the metrics of its scores
methods.py     what is compared: the scores of TS2Vec and of the untrained network, the baselines
baselines.py   distance from a moving mean, isolation forest, matrix profile, chance
scores.py      means and counts over series
summary.py     from result lines to the pages
"""
