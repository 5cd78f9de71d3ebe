"""`tsrep-vision demo`: the command; the demonstration itself is in `run.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tsrep_vision.cli.options import Seed, Smoke


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the page, the figures and the numbers.")] = Path(
        "vision-demo"
    ),
    seed: Seed = 0,
    open_page: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in the browser.")
    ] = False,
    smoke: Smoke = False,
) -> None:
    """Train small image models on bundled images and draw what they learned: two to three minutes, no network."""
    from tsrep_vision.cli.demo.run import run

    page = run(out, seed=seed, max_steps=2 if smoke else None)
    if open_page:
        typer.launch(page.as_uri())
