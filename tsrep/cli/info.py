"""`tsrep info`: what the folder of a saved model holds. Nothing in it is executed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table


def info(model: Annotated[Path, typer.Argument(help="Folder of a saved model.")]) -> None:
    """Show the class, parameters, versions and sizes of a saved model, and check its files."""
    from tsrep.train.checkpoint import read_folder

    config, tensors = read_folder(model)
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_row("class", str(config.get("class", "?")).replace(":", "."))
    for name, value in config.get("parameters", {}).items():
        table.add_row(f"  {name}", repr(value))
    versions = config.get("versions", {})
    table.add_row("versions", ", ".join(f"{name} {version}" for name, version in versions.items()))
    for name, digest in config["sha256"].items():
        count = sum(tensor.numel() for tensor in tensors[name.removesuffix(".safetensors")].values())
        size = (model / name).stat().st_size
        table.add_row(name, f"{count:,} numbers, {size / 1e6:.1f} MB, checksum {digest[:12]}... is right")
    Console(highlight=False).print(table)
