"""The encoder of a command: a saved one, or one to train."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from tsrep.cli.files import load_model, refuse_with_model
from tsrep.cli.options import Model

MOST_SHIFT, MOST_SCALE = 3.0, 5.0
"""Mean and standard deviation within which values count as standardised."""
Encoder = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="masked or ts2vec: an encoder to train; or the folder of a saved encoder, which stays as it is.",
        show_default=False,
    ),
]


def saved_encoder(folder: Path) -> Any:
    """The encoder in a folder, also that of a classifier, of clusters or of an index."""
    model = load_model(folder, lambda found: encoder_in(found) is not None, "an encoder")
    return encoder_in(model)


def encoder_in(model: Any) -> Any:
    """The encoder that a saved model is or has, None if it has none with `transform` and `encode`."""
    encoder = getattr(model, "encoder_", None) if not hasattr(model, "encode") else model
    return encoder if hasattr(encoder, "encode") and hasattr(encoder, "transform") else None


def is_saved(model: str | None) -> bool:
    """Whether `--model` names a folder and no encoder to train."""
    return model is not None and model not in list(Model)


def saved_task(model: str | None, accepts: Callable[[Any], bool]) -> Any:
    """The model in the folder `model` if `accepts` says yes, None if there is no folder or another model."""
    if not is_saved(model) or not Path(str(model)).exists():
        return None
    from tsrep import load

    saved = load(str(model))
    return saved if accepts(saved) else None


def encoder_to_use(
    context: typer.Context,
    model: str | None,
    default: Model,
    console: Console,
    *,
    max_steps: int | None,
    seed: int,
    checkpoint: Path | None,
) -> tuple[Any, bool]:
    """(the encoder, whether it is fitted): that in the folder `model`, or a new one, of the default kind for None.

    Raises
    ------
    ValueError
        `model` is neither; or a training option was given with a saved encoder.
    """
    if is_saved(model):
        refuse_with_model(context, "the saved encoder", "max_steps", "checkpoint")
        folder = Path(str(model))
        if not folder.exists():
            raise ValueError(
                f"--model is {str(model)!r}; wanted masked, ts2vec or the folder of a saved encoder"
            )
        return saved_encoder(folder), True
    from tsrep import MaskedSeriesEncoder, TS2Vec

    kind = default if model is None else Model(model)
    settings: dict[str, Any] = {
        "max_steps": max_steps,
        "random_state": seed,
        "checkpoint": checkpoint,
        "verbose": int(console.is_terminal),
    }
    return (TS2Vec if kind is Model.ts2vec else MaskedSeriesEncoder)(**settings), False


def scale_note(encoder: Any, X: Any) -> str | None:
    """A warning where TS2Vec, which does not standardise, is given values that are not."""
    import numpy as np

    from tsrep import TS2Vec
    from tsrep.data import as_panel

    values = as_panel(X)
    mean, deviation = float(np.nanmean(values)), float(np.nanstd(values))
    if not isinstance(encoder, TS2Vec) or (
        abs(mean) < MOST_SHIFT and 1 / MOST_SCALE < deviation < MOST_SCALE
    ):
        return None
    return (
        f"the values have the mean {mean:.3g} and the standard deviation {deviation:.3g}, and ts2vec is made for 0 and "
        "1: standardise them, or take --model masked, which does it itself"
    )


def untrained(encoder: Any, X: Any, seed: int) -> Any:
    """The same network with the weights that it begins with, None where the encoder cannot be had untrained."""
    from sklearn.base import clone

    if not {"max_steps", "checkpoint", "random_state"} <= set(encoder.get_params(deep=False)):
        return None
    return clone(encoder).set_params(max_steps=0, checkpoint=None, random_state=seed, verbose=0).fit(X)
