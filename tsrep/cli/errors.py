"""How a command ends: exit code 0 after a result, 1 after an expected error, 2 after wrong usage, 130 after Ctrl-C.

What a user can fix (a wrong name, a damaged file, a value out of range) ends with one line and without a traceback; a
mistake in the program itself keeps its traceback.
"""

from __future__ import annotations

import warnings
from typing import Any

import rich
import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperCommand, TyperGroup

EXPECTED = (ValueError, OSError, FloatingPointError, ImportError)
"""The packages' own errors are all among these. `OSError` is what files and networks raise."""
INTERRUPTED = 130


class OneLineErrors(TyperGroup):
    """A group of commands that prints an expected error as one red line on stderr, unless `--debug` is given."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except EXPECTED as error:
            if ctx.params.get("debug"):
                raise
            _print_line("[bold red]error:[/bold red]", str(error) or type(error).__name__)
            raise typer.Exit(1) from None


class Command(TyperCommand):
    """A command that says after Ctrl-C how to go on, and that keeps standard output for the result with `--json`.

    Warnings are lines on stderr, without the place in the source.
    """

    def invoke(self, ctx: Any) -> Any:
        rich.reconfigure(stderr=bool(ctx.params.get("as_json")))  # the console of progress bars
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _print_warning
                return super().invoke(ctx)
        except KeyboardInterrupt:
            _print_line("[bold]stopped:[/bold]", _how_to_go_on(self.with_checkpoint(ctx.params)))
            raise typer.Exit(INTERRUPTED) from None

    def with_checkpoint(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The parameters, with `checkpoint` where a training keeps its state; without it where the command has none."""
        return parameters


def _print_line(head: str, message: str) -> None:
    """One line on stderr, whatever line breaks the message has."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"{head} {escape(' '.join(message.split()))}")


def _print_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    _print_line("[yellow]note:[/yellow]", str(message))


def _how_to_go_on(parameters: dict[str, Any]) -> str:
    """What becomes of a training that was interrupted, by the parameters of its command."""
    if "checkpoint" not in parameters:
        return "the same command starts anew"
    checkpoint = parameters["checkpoint"]
    if checkpoint is None:
        return "nothing is kept of the training; with --checkpoint FOLDER it can be continued"
    from tsrep.train.checkpoint import holds_model

    if holds_model(checkpoint):
        return f"the same command continues from the last state in {checkpoint}"
    return f"before the first state was saved in {checkpoint}, so the same command starts anew"
