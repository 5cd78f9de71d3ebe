"""`tsrep pretrain`: an encoder trained without labels on the series of a data set, a file or a folder, and saved."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from tsrep.cli.encoders import scale_note
from tsrep.cli.files import checked_folder, checked_out, new_source, print_saved
from tsrep.cli.options import (
    OUTPUT,
    Checkpoint,
    Design,
    MaskKind,
    Model,
    Network,
    Root,
    Seed,
    Split,
    TrainingSteps,
    names,
)
from tsrep.cli.output import Json, new_console, print_json
from tsrep.cli.series import describe
from tsrep.cli.source import SOURCE_HELP, read_source
from tsrep.cli.table_options import TableOptions, reads_tables

MASKED = "The masked model"
FEW_WINDOWS = 10
"""Training windows below which the mean at each position is no reference: it holds what it is to predict."""
SHOWN_PATCHES = 64
"""Patches of the picture: the end of a longer series is drawn."""
REFERENCES = {
    "positional_mean": "the mean at each position",
    "lines": "straight lines between visible values",
    "all_hidden": "the encoder with everything hidden",
}
"""Losses in `history_` beside which that of a masked model is read."""


@reads_tables()
def pretrain(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(help=SOURCE_HELP)],
    save: Annotated[Path, typer.Option(help="Folder to save the encoder in.")],
    *,
    model: Annotated[
        Model, typer.Option(help="masked: predict what is hidden; ts2vec: contrast two crops.")
    ] = Model.masked,
    max_steps: TrainingSteps = None,
    max_epochs: Annotated[
        int | None,
        typer.Option(help="Passes over the series; training ends at whichever limit comes first.", min=0),
    ] = None,
    seed: Seed = 0,
    checkpoint: Checkpoint = None,
    split: Annotated[Split, typer.Option(help="The part of a data set given by name.")] = Split.train,
    root: Root = None,
    design: Annotated[
        Design | None, typer.Option(help="How patches are hidden and predicted.", rich_help_panel=MASKED)
    ] = None,
    encoder: Annotated[
        Network | None, typer.Option(help="The network that is trained.", rich_help_panel=MASKED)
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            help="What is predicted of hidden patches, one or several separated by commas: values, differences, "
            "spectrum, statistics, random_kernels, teacher, ...",
            rich_help_panel=MASKED,
        ),
    ] = None,
    mask: Annotated[MaskKind | None, typer.Option(help="What is hidden.", rich_help_panel=MASKED)] = None,
    mask_ratio: Annotated[
        str | None,
        typer.Option(
            help="Share that is hidden, 0.75 for example, or the ends of a range, 0.3,0.8.",
            rich_help_panel=MASKED,
        ),
    ] = None,
    patch_length: Annotated[
        int | None,
        typer.Option(
            help="Steps per patch; default: the length of the series over 32.", min=1, rich_help_panel=MASKED
        ),
    ] = None,
    options: TableOptions,
    plot: Annotated[
        Path | None,
        typer.Option(
            help="PNG file for a picture of the first series: original, visible and rebuilt.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Train an encoder without labels, and save it for `tsrep encode`.

    A data set given by name is normalised as in `tsrep classify`. The values of a file are used as they are: the masked
    model standardises each channel itself; for ts2vec they should be standardised.

    Options of the masked model that are not given have the values of its default recipe.
    """
    console = new_console(as_json)
    chosen = {
        "design": None if design is None else design.value,
        "encoder": None if encoder is None else encoder.value,
        "target": _one_or_several(names(target)),
        "mask": None if mask is None else mask.value,
        "mask_ratio": _ratio(mask_ratio),
        "patch_length": patch_length,
    }
    chosen = {name: value for name, value in chosen.items() if value is not None}
    training = {
        "max_steps": max_steps,
        "max_epochs": max_epochs,
        "random_state": seed,
        "checkpoint": checkpoint,
        "verbose": int(console.is_terminal),
    }
    estimator = _unfitted(model, training, chosen, plot)
    checked_folder(save)
    series = read_source(source, options, split, root)
    console.print(describe(source, series), soft_wrap=True)

    from tsrep.data import as_panel

    X = series.input
    if (note := scale_note(estimator, X)) is not None:
        console.print(note, soft_wrap=True)
    estimator.fit(X)
    estimator.set_params(checkpoint=None).save(save)
    _print_training(console, estimator, as_panel(X).shape)
    if plot is not None:
        plot.parent.mkdir(parents=True, exist_ok=True)
        estimator.plot_reconstruction(_shown(X, estimator.patch_length_)).savefig(plot, dpi=150)
        console.print(f"picture: {plot}", soft_wrap=True)
    command = ["tsrep", "encode", new_source(source), "--model", str(save), "--out", "Z.npz"]
    print_saved(console, ctx, "encoder", save, command)
    last = estimator.history_[-1] if estimator.history_ else {}
    print_json(as_json, steps=estimator.n_steps_, **_numbers(last), plot=plot, saved=save)


def _unfitted(model: Model, training: dict[str, Any], chosen: dict[str, Any], plot: Path | None) -> Any:
    """The encoder to train, with its options checked."""
    if model is Model.ts2vec:
        given = [f"--{name.replace('_', '-')}" for name in chosen] + (["--plot"] if plot else [])
        if given:
            raise ValueError(f"{', '.join(given)} cannot be given with --model ts2vec, only with masked")
        from tsrep import TS2Vec

        return TS2Vec(**training)
    from tsrep import MaskedSeriesEncoder
    from tsrep.base.parameters import check_parameters
    from tsrep.masked.recipe import RANGES, check, resolved

    estimator = MaskedSeriesEncoder(**training, **chosen)
    check_parameters(estimator, RANGES)
    check(estimator)
    if plot is not None:
        settings = resolved(estimator)
        _check_picture(plot, settings.encoder != "ssgan" or "values" in settings.targets)
    return estimator


def _check_picture(plot: Path, rebuilds: bool) -> None:
    """Raises now what would prevent the picture after the training."""
    checked_out(plot, (".png",), option="--plot")
    if not rebuilds:
        raise ValueError(
            "--plot draws predicted values, which --encoder ssgan does not learn without values in --target: "
            "add them, or leave --plot out"
        )


def _one_or_several(listed: list[str] | None) -> str | list[str] | None:
    return listed[0] if listed is not None and len(listed) == 1 else listed


def _ratio(text: str | None) -> float | tuple[float, float] | None:
    """A share, or the two ends of a range."""
    if text is None:
        return None
    try:
        parts = [float(part) for part in text.split(",")]
    except ValueError:
        parts = []
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:
        return parts[0], parts[1]
    raise ValueError(f"--mask-ratio is {text!r}; wanted a share, 0.75 for example, or a range, 0.3,0.8")


# What is reported


def _numbers(record: dict[str, Any]) -> dict[str, float]:
    """Of the last training step: seconds, losses and their references."""
    return {name: value for name, value in record.items() if name not in ("step", "epoch")}


def _print_training(console: Console, estimator: Any, shape: tuple[int, ...]) -> None:
    from tsrep import TS2Vec

    history = estimator.history_
    if not history:
        console.print("not trained: the weights are random")
        return
    steps = estimator.n_steps_
    console.print(f"trained for {steps} step{'s' if steps > 1 else ''} in {history[-1]['seconds']:.0f} s")
    if isinstance(estimator, TS2Vec):
        console.print(f"contrastive loss at the end: {history[-1]['loss']:.3g}")
    else:
        console.print(_masked_loss(estimator, shape))


def _masked_loss(estimator: Any, shape: tuple[int, ...]) -> str:
    """The loss of what is hidden beside the references, in a sentence, for a panel of this shape (n, c, t)."""
    from tsrep.masked.recipe import resolved

    settings = resolved(estimator)
    measured = [record for record in estimator.history_ if set(REFERENCES) <= set(record)][-1]
    loss = measured["sample_loss"]
    if settings.design == "autoencoder":
        return f"loss at the end: {loss:.3g} (1 is that of the best constant; nothing is hidden from it)"
    if math.isnan(estimator.average_distance_) and settings.mask != "channel":
        return (
            f"masked loss at the end: {loss:.3g}, with nothing visible: a series is one patch of "
            f"{estimator.patch_length_} steps; wanted longer series, or a shorter --patch-length"
        )
    window = min(estimator._window, shape[2])
    few = shape[0] * shape[2] < FEW_WINDOWS * window
    references = {
        what: measured[name] for name, what in REFERENCES.items() if not (few and name == "positional_mean")
    }
    beside = ", ".join(f"{value:.3g} for {what}" for what, value in references.items())
    above = [what for what, value in references.items() if not loss < value]
    verdict = (
        f"it is not below that of {' and '.join(above)}, so train longer (--max-steps)"
        if above
        else "the encoder has learned from what is visible"
    )
    return f"masked loss at the end: {loss:.3g} (1 is that of the best constant), beside {beside}: {verdict}"


def _shown(X: Any, patch_length: int) -> Any:
    """The first series; of a long one the last patches, without steps in which nothing was observed at the end."""
    import numpy as np

    from tsrep.data import as_panel, observed_and_inside

    first = as_panel(X[:1])
    stop = int(np.flatnonzero(observed_and_inside(first)[1][0])[-1]) + 1
    return first[:, :, max(0, stop - SHOWN_PATCHES * patch_length) : stop]
