"""The harness behind `tsrep bench`: cells that are run once, one JSON line each, and the tables made of the lines.

In reading order:

cells.py        what is to be measured: table x data set x method x seed x variant
run.py          runs cells, in worker processes, and never one twice
results.py      the lines: append, read, which cells are finished
environment.py  versions and hardware that stand in each line
table.py        `Table`: the cells of a table, how one is measured, what the lines amount to
options.py      the options of the commands, typed once
pages.py        a table as CSV, Markdown and HTML, with its notes and figures
families.py     every table by its name
examples.py     a worked example of each table, below its help
commands.py     the command line: one command per table
gaps.py, stopwatch.py  what methods of several families use

A family is a folder: methods.py (what is compared), task.py (what a method is given), evaluate.py (one cell),
summary.py (from lines to pages), tables.py (the `Table` objects):

classification/  UCR, UEA, the ablations of TS2Vec
anomaly/         long series of public archives
forecasting/     the protocol of the TS2Vec paper, and long horizons
imputation/      held-out values, classification after imputation, toy distributions
"""
