"""A step of training of MAE on series, whose encoder sees the visible patches only, against one at full length.

Source       He et al., "Masked Autoencoders Are Scalable Vision Learners", CVPR 2022, tables 1c and 2: with mask
             tokens in the encoder a step takes 3.3 times the operations, training 2.8 to 4.1 times as long (images).
Command      python -m benchmarks.speed_masked                    (--device cuda on a GPU)
Expectation  of 512 patches with three quarters hidden, a step at least 2.5 times as fast and at most half the memory.
Time         about three minutes of one core, on an otherwise idle machine.
Result       benchmarks/results/speed-masked/table.md

Both networks have the same encoder (128 wide, 4 blocks) and the same decoder (64 wide, 2 blocks), and predict the
values of the hidden patches: `design="mae"` and `design="simmim", head="deep"`. A step is forward, loss, backward and
update, of 8 series, on one thread. The steps of both programs are taken in turns. Memory is the peak of a process of
its own beyond that of the same work on two patches.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.speed.memory import MEGABYTE, ROOT, peak
from benchmarks.speed.table import BUSY_SHARE, markdown, times
from benchmarks.speed.timing import in_turns
from tsrep.bench.environment import environment
from tsrep.bench.results import RESULTS_FILE, append_line, read_lines

RESULTS = Path(__file__).parent / "results" / "speed-masked"
DESIGNS = {"visible patches only": {"design": "mae"}, "full length": {"design": "simmim", "head": "deep"}}
PATCHES = (32, 128, 512)
PATCH_LENGTH, SERIES, RATIO = 8, 8, 0.75
FASTER, SMALLER = 2.5, 0.5  # asked of 512 patches
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def training_step(design: str, patches: int, device: str) -> Callable[[], object]:
    """A function that makes one more step of a training."""
    import torch

    from tsrep import MaskedSeriesEncoder
    from tsrep.train.runtime import launch

    x = torch.randn(SERIES, 1, patches * PATCH_LENGTH, generator=torch.Generator().manual_seed(0)).cumsum(-1)
    encoder = MaskedSeriesEncoder(
        encoder="transformer",
        target="values",
        mask_ratio=RATIO,
        contrast_weight=0.0,
        patch_length=PATCH_LENGTH,
        n_components=128,
        depth=4,
        decoder_width=64,
        decoder_depth=2,
        max_train_length=patches * PATCH_LENGTH,
        max_steps=0,
        random_state=0,
        device=device,
        **DESIGNS[design],
    ).fit(x.numpy())
    network = encoder.encoder_.requires_grad_(True)
    step = encoder._descent(network, torch.Generator().manual_seed(0), launch(device))
    batch = x.transpose(1, 2)
    return lambda: step(batch)


def memory(design: str, patches: int, device: str) -> float:
    """Peak megabytes of a training, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", __name__.replace("__main__", "benchmarks.speed_masked"), "memory-of"]
        + [design, str(patches), device],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    return float(json.loads(done.stdout.splitlines()[-1]))


@app.command(hidden=True)
def memory_of(design: str, patches: int, device: str) -> None:
    """Prints the peak memory of three steps beyond that of three steps on two patches, in megabytes."""
    before = 0
    for n in (2, patches):
        step = training_step(design, n, device)
        for _ in range(3):
            step()
        before, after = peak(device) if n == 2 else before, peak(device)
    typer.echo(json.dumps((after - before) / MEGABYTE))


@app.callback(invoke_without_command=True, help=__doc__)
def measure(
    context: typer.Context,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    rounds: Annotated[int, typer.Option(help="Rounds of all programs in turns.", min=3)] = 15,
    results: Annotated[Path, typer.Option(help="Folder of the lines and the table.")] = RESULTS,
) -> None:
    if context.invoked_subcommand is not None:
        return
    import torch

    torch.set_num_threads(1)
    for patches in PATCHES:
        steps = {design: training_step(design, patches, device) for design in DESIGNS}
        seconds = in_turns(steps, rounds, 60.0, device)
        line: dict[str, Any] = {"cell": f"{patches} patches/{device}", "device": device, "patches": patches}
        line |= {"seconds": seconds, "megabytes": {name: memory(name, patches, device) for name in DESIGNS}}
        append_line(results / RESULTS_FILE, line | {"status": "ok"} | environment())
        typer.echo(line["cell"])
    typer.echo(f"wrote {write_table(results)}")


def write_table(folder: Path) -> Path:
    """Writes `folder`/table.md from `folder`/results.jsonl."""
    lines = list(read_lines(folder / RESULTS_FILE).values())
    rows = []
    for line in lines:
        few, full = (line["seconds"][name] for name in DESIGNS)
        small, large = (line["megabytes"][name] for name in DESIGNS)
        faster, smaller = full["median"] / few["median"], small / large
        met = "yes" if faster >= FASTER and smaller <= SMALLER else "**no**"
        rows.append(
            [
                line["device"],
                str(line["patches"]),
                _milliseconds(few),
                _milliseconds(full),
                times(faster),
                f"{small:.0f}",
                f"{large:.0f}",
                f"{smaller:.2f}",
                met if line["patches"] == max(PATCHES) else "",
            ]
        )
    heads = (
        "device",
        "patches",
        "visible only, ms per step",
        "full length, ms per step",
        "times as fast",
        "visible only, MB",
        "full length, MB",
        "share of memory",
        f"{FASTER:g} times and {SMALLER:g} as asked",
    )
    hardware = sorted({line["hardware"]["cpu"] for line in lines})
    text = (
        "# Visible patches only, against full length\n\n"
        f"A step of training of {SERIES} series, {RATIO:.0%} of the patches hidden, encoder 128 x 4, decoder 64 x 2; "
        f"median and range of all rounds on {', '.join(hardware)}, one thread. "
        "A \\* says that other programs were in the way.\n\n"
    )
    path = folder / "table.md"
    path.write_text(text + markdown(heads, rows) + "\n", encoding="utf-8")
    return path


def _milliseconds(runs: dict[str, Any]) -> str:
    busy = " \\*" if runs["cpu"] < BUSY_SHARE * runs["median"] else ""
    return f"{1e3 * runs['median']:.1f} ({1e3 * runs['min']:.1f} to {1e3 * runs['max']:.1f}){busy}"


if __name__ == "__main__":
    app()
