"""An epoch of SSGAN against one of PyPOTS' USGAN, with equal sizes and equal work.

Source       PyPOTS (github.com/WenjieDu/PyPOTS); no number of theirs is quoted, their code is run.
Command      python -m benchmarks.speed_imputation --pypots PATH    (PATH: the Python of an environment with PyPOTS)
             python -m benchmarks.speed_imputation --device cuda    (on a GPU)
Expectation  an epoch at least 3 times as fast.
Time         about four minutes of one core, on an otherwise idle machine.
Result       benchmarks/results/speed-imputation/table.md

Equal work: the recurrent generator and the discriminator without decay, one discriminator step per generator step, no
classifier, one thread, batches of 32 series of 48 steps, 64 hidden units per direction. Both programs run as processes
and take their epochs in turns; reading and preparing the data is not counted. The temporal reminder, whose
discriminator does more work than the rival's, is a row of its own. Without --pypots only our numbers are reported.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.speed.table import BUSY_SHARE, markdown, times
from benchmarks.speed.timing import summary
from tsrep.bench.environment import environment
from tsrep.bench.results import RESULTS_FILE, append_line, read_lines

RESULTS = Path(__file__).parent / "results" / "speed-imputation"
PROGRAM_FOLDER = Path(__file__).parent / "epochs"
TARGET = 3.0
CHANNELS = (7, 40)
REMINDERS = ("hint", "temporal")
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class Program:
    """A process that trains one epoch per request and reports its seconds."""

    def __init__(self, interpreter: Path, script: str, *arguments: str):
        command = [str(interpreter), str(PROGRAM_FOLDER / script), *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.version = self._line()

    def epoch(self) -> tuple[float, float]:
        """(wall time, processor time) of another epoch, in seconds."""
        assert self.process.stdin is not None
        self.process.stdin.write("epoch\n")
        self.process.stdin.flush()
        wall, used = self._line().split()
        return float(wall), float(used)

    def close(self) -> None:
        self.process.communicate()

    def _line(self) -> str:
        """The rest of the next line that begins with "> "; logs of others are skipped."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("> "):
                return line[2:].strip()
        raise RuntimeError(f"{self.process.args!r} ended with code {self.process.wait()}")


def measure(channels: int, reminder: str, device: str, pypots: Path | None, rounds: int) -> dict[str, Any]:
    """Seconds of each epoch of each program, in turns."""
    programs = {"ours": Program(Path(sys.executable), "ours.py", str(channels), device, reminder)}
    if pypots is not None:
        programs["theirs"] = Program(pypots, "usgan.py", str(channels), device)
    for program in programs.values():
        program.epoch()  # a warm-up
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            runs[name].append(program.epoch())
    for program in programs.values():
        program.close()
    return {name: {"version": program.version} | summary(runs[name]) for name, program in programs.items()}


def write_table(folder: Path) -> Path:
    """Writes `folder`/table.md from `folder`/results.jsonl."""
    rows = []
    lines = read_lines(folder / RESULTS_FILE).values()
    for line in lines:
        ours, theirs = line["ours"], line.get("theirs")
        row: list[str] = [line["device"], str(line["channels"]), line["reminder"], _seconds(ours), "", "", ""]
        if theirs is not None:
            ratio = theirs["median"] / ours["median"]
            row[4:] = [_seconds(theirs), times(ratio), "yes" if ratio >= TARGET else "**no**"]
        rows.append(row)
    heads = (
        "device",
        "channels",
        "reminder",
        "tsrep",
        "PyPOTS' USGAN",
        "times",
        f"at least {TARGET:g} as asked",
    )
    versions = sorted({line[who]["version"] for line in lines for who in ("ours", "theirs") if who in line})
    hardware = sorted({line["hardware"]["cpu"] for line in lines})
    text = (
        "# An epoch of SSGAN and of USGAN\n\n"
        f"Seconds of an epoch of four batches, the median of all rounds and their range, on {', '.join(hardware)}, "
        f"one thread. {'; '.join(versions)}. A \\* says that other programs were in the way.\n\n"
    )
    path = folder / "table.md"
    path.write_text(text + markdown(heads, rows) + "\n", encoding="utf-8")
    return path


def _seconds(runs: dict[str, Any]) -> str:
    busy = " \\*" if runs["cpu"] < BUSY_SHARE * runs["median"] else ""
    return f"{runs['median']:.3f} ({runs['min']:.3f} to {runs['max']:.3f}){busy}"


@app.command(help=__doc__)
def main(
    pypots: Annotated[
        Path | None, typer.Option(help="Python of an environment with PyPOTS.", exists=True, dir_okay=False)
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    rounds: Annotated[int, typer.Option(help="Epochs of each program, in turns.", min=1)] = 15,
    results: Annotated[Path, typer.Option(help="Folder of the lines and the table.")] = RESULTS,
) -> None:
    for channels in CHANNELS:
        for reminder in REMINDERS:
            cell: dict[str, Any] = {
                "cell": f"{channels} channels/{reminder}/{device}",
                "device": device,
                "channels": channels,
                "reminder": reminder,
            }
            results_of = measure(channels, reminder, device, pypots, rounds)
            append_line(results / RESULTS_FILE, cell | {"status": "ok"} | results_of | environment())
            typer.echo(
                "  ".join([cell["cell"], *(f"{who} {_seconds(of)}" for who, of in results_of.items())])
            )
    typer.echo(f"wrote {write_table(results)}")


if __name__ == "__main__":
    app()
