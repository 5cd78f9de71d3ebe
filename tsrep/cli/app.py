"""The application: its commands and `--version`."""

from __future__ import annotations

from typing import Annotated

import typer

from tsrep import __version__
from tsrep.cli.bench import HANDS_ALL_ON, bench
from tsrep.cli.classify import classify
from tsrep.cli.cluster import cluster
from tsrep.cli.demo.command import demo
from tsrep.cli.detect import detect
from tsrep.cli.encode import encode
from tsrep.cli.errors import Command, OneLineErrors
from tsrep.cli.examples import epilog
from tsrep.cli.forecast import forecast
from tsrep.cli.impute import impute
from tsrep.cli.info import info
from tsrep.cli.pretrain import pretrain
from tsrep.cli.report.command import report
from tsrep.cli.search import search

RENAMED = {"mend": "sort"}
"""Options by an earlier name: they still work, and no help shows them."""

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


for command in (demo, pretrain, encode, classify, cluster, search, forecast, detect, impute, report, info):
    app.command(cls=Command, epilog=epilog(command.__name__))(command)
app.command(**HANDS_ALL_ON)(bench)


def main() -> None:
    """Entry point of the `tsrep` command."""
    app()
