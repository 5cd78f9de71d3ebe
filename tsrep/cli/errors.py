"""Expected errors as one line without a traceback.

What a user can fix (a wrong name, a damaged file, a value out of range) ends with one line and exit code 1; a mistake
in the program itself keeps its traceback.
"""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

EXPECTED = (ValueError, OSError, FloatingPointError, ImportError)
"""The packages' own errors are all among these. `OSError` is what files and networks raise."""


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
            message = " ".join(str(error).split()) or type(error).__name__
            console = Console(stderr=True, highlight=False, soft_wrap=True)
            console.print(f"[bold red]error:[/bold red] {escape(message)}")
            raise typer.Exit(1) from None
