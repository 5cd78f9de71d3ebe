"""`tsrep classify`: train on a data set by name, print test accuracies, save the encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tsrep.cli.dataset import normalised_dataset
from tsrep.cli.files import checked_folder
from tsrep.cli.options import MaxSteps, Probe, Root, Seed


def classify(
    name: Annotated[str, typer.Argument(help="A UCR or UEA data set, for example GunPoint.")],
    root: Root = None,
    seed: Seed = 0,
    probe: Annotated[
        Probe | None, typer.Option(help="Classifier on the representations; default: svm.")
    ] = None,
    max_steps: MaxSteps = None,
    save: Annotated[Path | None, typer.Option(help="Folder to save the trained encoder in.")] = None,
) -> None:
    """Train TS2Vec on a data set and score it on the test part, beside the untrained encoder."""
    console = Console(highlight=False)
    X_train, y_train, X_test, y_test = normalised_dataset(name, root)
    n, channels, length = X_train.shape
    checked_folder(save)
    sizes = f"{n} training and {len(X_test)} test series, {channels} channel(s), {length} steps"
    console.print(f"[bold]{name}[/bold]: {sizes}")

    from tsrep import TS2Vec
    from tsrep.tasks import RepresentationClassifier

    trained = TS2Vec(max_steps=max_steps, random_state=seed, verbose=int(console.is_terminal)).fit(X_train)
    if save is not None:  # before scoring, so that an error there does not lose the training
        trained.save(save)
    untrained = TS2Vec(max_steps=0, random_state=seed).fit(X_train)
    settings = {} if probe is None else {"probe": probe.value}
    table = Table("encoder", "steps", "probe", "test accuracy")
    for title, encoder in (("TS2Vec", trained), ("untrained", untrained)):
        classifier = RepresentationClassifier(encoder, prefit=True, **settings).fit(X_train, y_train)
        accuracy = classifier.score(X_test, y_test)
        table.add_row(title, str(len(encoder.history_)), classifier.probe_name_, f"{accuracy:.3f}")
    console.print(table)
    seconds = trained.history_[-1]["seconds"] if trained.history_ else 0.0
    console.print(f"trained in {seconds:.0f} s; seed {seed}")
    if save is not None:
        console.print(
            f"encoder saved: {save}\nnext: tsrep encode {name} --model {save} --out {name}.csv",
            soft_wrap=True,
        )
