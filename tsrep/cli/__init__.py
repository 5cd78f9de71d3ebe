"""The command line: `tsrep`, or `python -m tsrep`. Whatever computes is imported inside the commands: help is quick.

In reading order:

app.py          the application: its commands, `--version`
errors.py       how commands end: expected errors as one line (`tsrep-vision` has them too), Ctrl-C
output.py       text for people or, with `--json`, an object for programs
examples.py     the example below the help of each command
options.py      options that several commands share
table_options.py  those that say how a table is read
reading.py      how a command reads a table file, and what it reports about it
long_table.py   the series of a long table side by side, and back
files.py        the file that a command writes, the saved model that it loads
dataset.py      a data set by name
series.py       the series of one source, and their description
labels.py       labels in a column, in a table beside the series, or in the names of folders
rows.py         a table with a series per row
folder.py       a folder with a series per file
source.py       the series in a data set, a file or a folder, of whatever kind
encoders.py     the encoder of a command: a saved one, or one to train
probes.py       probes on representations, their predictions and measures
judging.py      what predictions are worth, printed
queries.py      what a search looks for
clusters.py     clusters of series, printed and drawn
classify.py     `tsrep classify`, and so on: one command per file, signature and work together
pretrain.py  encode.py  cluster.py  search.py  forecast.py  detect.py  impute.py  info.py  bench.py
demo/           `tsrep demo`
"""

from tsrep.cli.app import app, main

__all__ = ["app", "main"]
