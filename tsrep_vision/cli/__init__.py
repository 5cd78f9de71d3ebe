"""The command line: `tsrep-vision`, or `python -m tsrep_vision`. Whatever computes is imported inside the commands.

In reading order:

app.py            the application: its commands, `--version`
segment_train.py  `tsrep-vision segment-train`, and so on: one command per file, signature and work together
segment.py
demo/             `tsrep-vision demo`
"""

from tsrep_vision.cli.app import app, main

__all__ = ["app", "main"]
