"""The application: its commands and `--version`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tsrep import __version__
from tsrep.cli.errors import Command, OneLineErrors
from tsrep_vision.cli.demo.command import demo
from tsrep_vision.cli.evaluate import evaluate
from tsrep_vision.cli.finetune import finetune
from tsrep_vision.cli.pretrain import pretrain
from tsrep_vision.cli.probe import probe
from tsrep_vision.cli.reconstruct import reconstruct
from tsrep_vision.cli.segment import segment
from tsrep_vision.cli.segment_train import segment_train

app = typer.Typer(
    name="tsrep-vision",
    cls=OneLineErrors,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
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
    """Image models: pre-train with masks, probe, fine-tune, segment."""


class Continuing(Command):
    """A command whose training goes on from the folder that it writes."""

    def with_checkpoint(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return {**parameters, "checkpoint": parameters["out"] / "checkpoint"}


for command in (demo, pretrain, reconstruct, probe, finetune, segment_train, segment):
    continues = command in (pretrain, finetune, segment_train)
    app.command(cls=Continuing if continues else Command)(command)
app.command("eval", cls=Command)(evaluate)


def main() -> None:
    """Entry point of the `tsrep-vision` command."""
    app()
