"""The application: its commands, `--version`, and expected errors as one line without a traceback.

What a user can fix (a wrong name, a damaged file, a value out of range) ends with one line and exit code 1; a mistake
in the program itself keeps its traceback.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from tsrep import __version__
from tsrep.cli.bench import HANDS_ALL_ON, bench
from tsrep.cli.classify import classify
from tsrep.cli.demo.command import demo
from tsrep.cli.detect import detect
from tsrep.cli.encode import encode
from tsrep.cli.forecast import forecast
from tsrep.cli.impute import impute
from tsrep.cli.info import info
from tsrep.cli.pretrain import pretrain

EXPECTED = (ValueError, OSError, FloatingPointError, ImportError)
"""`tsrep`'s own errors are all among these. `OSError` is what files and networks raise."""

RENAMED = {"mend": "sort"}
"""Options by an earlier name: they still work, and no help shows them."""


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


app = typer.Typer(
    name="tsrep",
    cls=OneLineErrors,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "token_normalize_func": lambda name: RENAMED.get(name, name),
    },
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tsrep {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Representations of time series: train an encoder, score it, use it."""


for command in (demo, classify, pretrain, encode, detect, forecast, impute, info):
    app.command()(command)
app.command(**HANDS_ALL_ON)(bench)


def main() -> None:
    """Entry point of the `tsrep` command."""
    app()
