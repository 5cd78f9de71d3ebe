"""`tsrep bench`: hands its arguments on to the harness in `tsrep.bench`, a command line of its own."""

from __future__ import annotations

from typing import Any

import typer

HANDS_ALL_ON: dict[str, Any] = {
    "add_help_option": False,
    "context_settings": {
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    },
}
"""With these settings the command takes every argument unread, `--help` too."""


def bench(ctx: typer.Context) -> None:
    """Measure methods on public archives, resumably, and write tables of the results."""
    from tsrep.bench.commands import app as harness  # imports scipy and pandas

    command = typer.main.get_group(harness)
    with command.make_context("bench", ctx.args, parent=ctx.parent) as context:
        command.invoke(context)
