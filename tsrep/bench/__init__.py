"""The harness behind `tsrep bench`: cells that are run once, one JSON line each, and the tables made of the lines.

cells.py        what is to be measured: table x data set x method x seed x variant
run.py          runs cells, in worker processes, and never one twice
results.py      the lines: append, read, which cells are done
environment.py  versions and hardware that stand in each line
methods.py      what can stand in a column: TS2Vec and the baselines
baselines.py    nearest neighbours and MultiRocket, and how gaps are filled for them
classification.py  one classification cell, from file to accuracy
anomaly.py      one anomaly cell, and the encoders that the cells of an archive share
detectors.py, detection_baselines.py  what can stand in a row of the anomaly table
anomaly_tables.py  the anomaly tables
forecast_task.py, forecasting.py  one forecasting cell under one of two protocols
forecasters.py, networks.py  what can stand in a column of the forecasting tables
forecasting_tables.py  the forecasting tables
tables.py       accuracies, ranks, wins
pages.py        a table as Markdown and HTML
figures.py      critical-difference diagram, scatter plots
ablation.py     the variants of the paper's ablation table, and its claims
commands.py     the command line
"""
