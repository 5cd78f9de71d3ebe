"""The section of a saved model."""

from __future__ import annotations

from pathlib import Path

from tsrep import report
from tsrep.train.checkpoint import read_folder


def model_section(title: str, folder: Path) -> str:
    """Class, sizes, parameters and versions, and the loss curve of a model that can be loaded."""
    config, tensors = read_folder(folder)
    numbers = sum(tensor.numel() for part in tensors.values() for tensor in part.values())
    size = sum((folder / name).stat().st_size for name in config["sha256"])
    versions = ", ".join(f"{name} {version}" for name, version in config.get("versions", {}).items())
    kind = str(config["class"]).replace(":", ".")
    blocks = [
        report.prose(
            f"{kind}: {numbers:,} numbers, {size / 1e6:.1f} MB. Saved with {versions or 'unknown versions'}."
        ),
        *_loss(folder),
    ]
    parameters = [(name, repr(value)) for name, value in config.get("parameters", {}).items()]
    if parameters:
        blocks.append(report.details("Parameters", report.table(["parameter", "value"], parameters)))
    return report.section(title, *blocks)


def _loss(folder: Path) -> list[str]:
    from tsrep import load
    from tsrep.base.saving import ModelFileError
    from tsrep.plots import plot_loss

    try:
        history = getattr(load(folder), "history_", [])
    except (ModelFileError, ValueError, TypeError) as error:  # it needs a module of the user's, for example
        return [report.prose(f"No loss curve: the model is not loaded without arguments ({error}).")]
    drawn = [record for record in history if "loss" in record]
    return [report.figure(plot_loss(drawn), "Loss by training step.")] if drawn else []
