"""`tsrep info`: what the folder of a saved model holds. Nothing in it is executed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tsrep.cli.output import Json, new_console, print_json


def info(
    model: Annotated[Path, typer.Argument(help="Folder of a saved model.")],
    as_json: Json = False,
) -> None:
    """Show the class, parameters, versions and sizes of a saved model, and check its files."""
    from tsrep.train.checkpoint import read_folder

    config, tensors = read_folder(model)
    files = {
        name: {
            "numbers": sum(tensor.numel() for tensor in tensors[name.removesuffix(".safetensors")].values()),
            "bytes": (model / name).stat().st_size,
            "sha256": digest,
        }
        for name, digest in config["sha256"].items()
    }
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_row("class", str(config.get("class", "?")).replace(":", "."))
    for name, value in config.get("parameters", {}).items():
        table.add_row(f"  {name}", repr(value))
    versions = config.get("versions", {})
    table.add_row("versions", ", ".join(f"{name} {version}" for name, version in versions.items()))
    for name, file in files.items():
        sizes = f"{file['numbers']:,} numbers, {file['bytes'] / 1e6:.1f} MB"
        table.add_row(name, f"{sizes}, checksum {file['sha256'][:12]}... is right")
    new_console(as_json).print(table)
    described = {name: config.get(name) for name in ("class", "parameters", "versions")}
    print_json(as_json, **described, files=files)
