"""`tsrep info`: what a folder that `save` wrote holds. Nothing in it is run."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table


def print_info(model: Path) -> None:
    """Print class, parameters, versions and sizes; a damaged file raises `ModelFileError`."""
    from tsrep.train.checkpoint import read_folder

    config, tensors = read_folder(model)
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_row("class", str(config.get("class", "?")).replace(":", "."))
    for name, value in config.get("parameters", {}).items():
        table.add_row(f"  {name}", repr(value))
    table.add_row(
        "versions", ", ".join(f"{name} {version}" for name, version in config.get("versions", {}).items())
    )
    for name, digest in config["sha256"].items():
        held = tensors[name.removesuffix(".safetensors")].values()
        count = sum(tensor.numel() for tensor in held)
        size = (Path(model) / name).stat().st_size
        table.add_row(name, f"{count:,} numbers, {size / 1e6:.1f} MB, checksum {digest[:12]}... is right")
    Console(highlight=False).print(table)
