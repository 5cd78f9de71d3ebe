"""Two runs on one folder of results do no cell twice, and a killed run leaves no claim behind."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tsrep.bench.cells import grid
from tsrep.bench.claims import Claims
from tsrep.bench.results import append_line, read_lines
from tsrep.bench.run import run

pytest.importorskip("fcntl")
CELLS = grid("toy", ["A", "B", "C"], ["m"], [0, 1])
OTHER_RUN = """
import sys
from pathlib import Path
from tsrep.bench.cells import grid
from tsrep.bench.run import run

def wait(cell):
    print(cell.id, flush=True)
    sys.stdin.readline()
    return {"accuracy": 0.5}

run(grid("toy", ["A", "B", "C"], ["m"], [0, 1]), Path(sys.argv[1]), wait)
"""


def other_run(path: Path) -> subprocess.Popen:
    """A run in another process, which ends a cell when it is given a line."""
    return subprocess.Popen(
        [sys.executable, "-c", OTHER_RUN, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_two_runs_share_the_cells_and_a_killed_one_leaves_its_own(tmp_path):
    path, seen = tmp_path / "results.jsonl", []
    other = other_run(path)
    theirs = [other.stdout.readline().strip()]  # it is in the middle of its first cell

    def evaluate(cell):
        seen.append(cell.id)
        if len(seen) == 2:  # the other run goes on to its second cell, which must not be one of ours
            other.stdin.write("\n")
            other.stdin.flush()
            theirs.append(other.stdout.readline().strip())
        return {"accuracy": 0.25}

    assert run(CELLS, path, evaluate) == (4, 0)
    assert theirs[0] == CELLS[0].id and not set(seen) & set(theirs) and len(set(theirs)) == 2
    os.kill(other.pid, signal.SIGKILL)
    other.communicate()
    assert run(CELLS, path, evaluate) == (1, 0) and seen[-1] == theirs[1]
    assert Counter(text.split('"')[3] for text in path.read_text().splitlines()) == {c.id: 1 for c in CELLS}


@pytest.mark.parametrize("retry", [False, True])
def test_what_another_run_has_done_since_the_start_is_not_done_again(tmp_path, retry):
    path, seen = tmp_path / "results.jsonl", []

    def evaluate(cell):
        seen.append(cell.id)
        if len(seen) == 1:  # another run ends the next two, one of them with a failure
            append_line(path, {"cell": CELLS[1].id, "status": "ok"})
            append_line(path, {"cell": CELLS[2].id, "status": "failed"})
        return {}

    assert run(CELLS, path, evaluate, retry_failed=retry) == (4, 0)
    assert seen == [CELLS[0].id, *(cell.id for cell in CELLS[3:])]
    assert read_lines(path)[CELLS[2].id]["status"] == "failed"


def test_a_claim_is_this_process_s_and_ends_with_the_block(tmp_path):
    ask = (
        "import sys; from pathlib import Path; from tsrep.bench.claims import Claims\n"
        "with Claims(Path(sys.argv[1])) as claims: print(claims.take('a'), claims.take('b'))"
    )

    def asked() -> str:
        command = [sys.executable, "-c", ask, str(tmp_path / "results.jsonl")]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    with Claims(tmp_path / "results.jsonl") as claims:
        assert claims.take("a") and claims.take("a")
        assert asked() == "False True"
    assert asked() == "True True"
