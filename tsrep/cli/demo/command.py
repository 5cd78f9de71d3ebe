"""`tsrep demo`: the command; the demonstration itself is in `run.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tsrep.cli.options import Seed


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the page, the figures and the numbers.")] = Path(
        "demo"
    ),
    seed: Seed = 0,
    open_page: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in the browser.")
    ] = False,
    max_steps: Annotated[int | None, typer.Option(hidden=True, min=1)] = None,
) -> None:
    """Train on small bundled data sets, score, plot, and write one HTML page: a few minutes, no network."""
    from tsrep.cli.demo.run import run

    page = run(out, seed=seed, max_steps=max_steps)
    if open_page:
        typer.launch(page.as_uri())
