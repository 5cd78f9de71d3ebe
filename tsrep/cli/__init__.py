"""The command line: `tsrep`, or `python -m tsrep`. Whatever computes is imported inside the commands: help is quick.

In reading order:

app.py          the application: its commands, `--version`
errors.py       expected errors as one line (`tsrep-vision` has them too)
options.py      options that several commands share, `TableOptions` among them
reading.py      how a command reads a table file, and what it reports about it
long_table.py   the series of a long table side by side, and back
files.py        the file that a command writes, the saved model that it loads
dataset.py      a data set by name
series.py       the series in a data set, a file or a folder: what `pretrain` trains on and `encode` encodes
classify.py     `tsrep classify`, and so on: one command per file, signature and work together
pretrain.py  encode.py  detect.py  forecast.py  impute.py  info.py  bench.py
demo/           `tsrep demo`
"""

from tsrep.cli.app import app, main

__all__ = ["app", "main"]
