"""The command line: `tsrep`, or `python -m tsrep`. What computes is imported inside commands: help is quick."""

from tsrep.cli.commands import app, main

__all__ = ["app", "main"]
