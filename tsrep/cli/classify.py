"""`tsrep classify`: one data set from its files to an accuracy."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from tsrep.cli.dataset import normalised_dataset


def classify_dataset(
    name: str, *, root: Path | None, seed: int, probe: str, max_steps: int | None, save: Path | None
) -> None:
    """Train on the training part, print accuracies on the test part, keep the encoder in `save`."""
    console = Console(highlight=False)
    X_train, y_train, X_test, y_test = normalised_dataset(name, root)
    n, channels, length = X_train.shape
    sizes = f"{n} training and {len(X_test)} test series, {channels} channel(s), {length} steps"
    console.print(f"[bold]{name}[/bold]: {sizes}")

    from tsrep import TS2Vec
    from tsrep.tasks import RepresentationClassifier

    verbose = int(console.is_terminal)
    trained = TS2Vec(max_steps=max_steps, random_state=seed, verbose=verbose).fit(X_train)
    if save is not None:  # before scoring, so that a training is not lost
        trained.save(save)
    table = Table("encoder", "steps", "test accuracy")
    for title, encoder in (
        ("TS2Vec", trained),
        ("untrained", TS2Vec(max_steps=0, random_state=seed).fit(X_train)),
    ):
        classifier = RepresentationClassifier(encoder, probe=probe, prefit=True).fit(X_train, y_train)
        accuracy = classifier.score(X_test, y_test)
        table.add_row(title, str(len(encoder.history_)), f"{accuracy:.3f}")
    console.print(table)
    seconds = trained.history_[-1]["seconds"] if trained.history_ else 0.0
    console.print(f"trained in {seconds:.0f} s; probe {probe}, seed {seed}")
    if save is not None:
        console.print(
            f"encoder saved: {save}\nnext: tsrep encode {name} --model {save} --out {name}.csv",
            soft_wrap=True,
        )
