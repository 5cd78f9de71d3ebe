"""The whole demonstration, with progress on the terminal."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tsrep.cli.demo.classification import EXAMPLES, METHODS, Classified, classify
from tsrep.cli.demo.gaps import OURS, fill_gaps
from tsrep.cli.demo.heartbeats import forecast_heartbeats, watch_heartbeats
from tsrep.cli.demo.masked import OURS as MASKED
from tsrep.cli.demo.masked import mask_and_rebuild
from tsrep.cli.demo.recording import encode_recording
from tsrep.cli.demo.results import Results


def run(
    out: str | Path = "demo",
    *,
    seed: int = 0,
    datasets: Sequence[str] | None = None,
    recording: bool = True,
    max_steps: int | None = None,
    console: Console | None = None,
) -> Path:
    """Train, score, draw and write `out/index.html`, `out/results.json` and the figures as PNG files.

    Parameters
    ----------
    out : folder, made if it is missing; files of an earlier run in it are replaced
    seed : of the encoders, at least 0
    datasets : names among the bundled examples; None takes all
    recording : whether to encode and forecast the long recording, detect its anomalies, and fill gaps
    max_steps : training steps of each encoder; None is the paper's rule
    console : where progress is printed; None is the terminal

    Returns
    -------
    The absolute path of the page.

    Raises
    ------
    ValueError
        A name in `datasets` is not among the examples, or there is nothing to do.
    """
    known = {example.name: example for example in EXAMPLES}
    names = list(known) if datasets is None else list(datasets)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"datasets holds {', '.join(unknown)}; wanted names among {', '.join(known)}")
    if not names and not recording:
        raise ValueError("datasets is empty and recording is False: nothing to show")
    console = Console() if console is None else console
    folder = Path(out).resolve()
    folder.mkdir(parents=True, exist_ok=True)

    def say(text: str) -> None:
        console.print(f"  [dim]{text}[/dim]", highlight=False)

    n_datasets = len(names)
    n_parts, verbose = n_datasets + (n_datasets > 0) + 4 * recording, int(console.is_terminal)

    def begin(number: int, title: str, about: str) -> None:
        console.print(f"[bold]{number}/{n_parts}  {title}[/bold]  {about}", highlight=False)

    started = time.perf_counter()
    classified = []
    for number, name in enumerate(names, 1):
        begin(number, name, known[name].about)
        classified.append(classify(known[name], seed, max_steps, say, verbose))
        scores = "   ".join(f"{method} {value:.3f}" for method, value in classified[-1].accuracy.items())
        console.print(f"  {scores}", highlight=False)
    masked = None
    if classified:
        begin(n_datasets + 1, "Masked prediction", "Parts of a series hidden and rebuilt.")
        masked = mask_and_rebuild(classified, seed, max_steps, say, verbose)
        console.print(f"  {MASKED} {masked.accuracy[MASKED]:.3f} on {masked.example.name}", highlight=False)
    results = Results(classified, masked)
    if recording:
        first = n_parts - 3
        begin(first, "An electrocardiogram", "One vector per step.")
        say("training")
        encoded = encode_recording(seed, max_steps, verbose)
        begin(first + 1, "Its forecast", "A third of a second ahead, with two baselines.")
        forecast = forecast_heartbeats(seed, max_steps, say, verbose)
        errors = (f"{name} {error:.4f}" for name, error in forecast.errors["mae"].items())
        console.print(f"  mean absolute error in mV: {'   '.join(errors)}", highlight=False)
        begin(first + 2, "Its anomalies", "Alarms in the last third, learned from the first two.")
        watched = watch_heartbeats(seed, max_steps, say, verbose)
        found = f"{watched.true_alarms} of {int(watched.alarms.sum())} alarms in the abnormal stretch"
        console.print(f"  {found}", highlight=False)
        begin(first + 3, "Gaps", "Values removed from six channels, and filled again.")
        gaps = fill_gaps(seed, max_steps, say, verbose)
        errors = (f"{kind} {error:.3f}" for kind, error in gaps.errors.loc[OURS].items())
        console.print(f"  mean absolute error in standard deviations: {'   '.join(errors)}", highlight=False)
        results = Results(classified, masked, encoded, forecast, watched, gaps)

    say("drawing")
    from tsrep.bench.environment import environment
    from tsrep.cli.demo.page import build_page, draw, write_pictures
    from tsrep.report import write_page

    pictures = write_pictures(draw(results), folder)
    facts = {"seed": seed, "seconds": round(time.perf_counter() - started, 1), "environment": environment()}
    written = json.dumps(facts | results.summary(), indent=1) + "\n"
    (folder / "results.json").write_text(written, encoding="utf-8")
    page = write_page(folder / "index.html", build_page(results, pictures, facts))

    if classified:
        console.print(_summary(classified))
    console.print(
        f"Done in {facts['seconds']:.0f} s. The page: [bold]{page}[/bold]", highlight=False, soft_wrap=True
    )
    console.print(
        "Next: [bold]tsrep classify GunPoint --save encoder[/bold], or [bold]tsrep --help[/bold]",
        highlight=False,
    )
    return page


def _summary(classified: Sequence[Classified]) -> Table:
    table = Table(title="Test accuracy", title_justify="left")
    table.add_column("data set")
    for method in METHODS:
        table.add_column(method, justify="right")
    table.add_column("training", justify="right")
    for result in classified:
        best = max(result.accuracy.values())
        scores = [
            f"[bold]{value:.3f}[/bold]" if value == best else f"{value:.3f}"
            for value in result.accuracy.values()
        ]
        table.add_row(result.example.name, *scores, f"{result.seconds['train']:.0f} s")
    return table
