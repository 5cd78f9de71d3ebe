"""The command line: `tsrep-vision`, or `python -m tsrep_vision`. Whatever computes is imported inside the commands.

In reading order:

app.py            the application: its commands, `--version`
options.py        options that several commands share
images.py         the images that a command reads, their training and test parts
models.py         models by name and size, and saved models
results.py        what a command writes into its folder
pretrain.py       `tsrep-vision pretrain`, and so on: one command per file, signature and work together
reconstruct.py  probe.py  finetune.py  evaluate.py  segment_train.py  segment.py
demo/             `tsrep-vision demo`
"""

from tsrep_vision.cli.app import app, main

__all__ = ["app", "main"]
