"""The run loop: what is done is not done again, what fails is written down, what is cut short is survived."""

import json

import pytest

from tsrep.bench.cells import Cell, grid
from tsrep.bench.results import append_line, read_lines
from tsrep.bench.run import pending, run, threads_of_each

CELLS = grid("toy", ["A", "B"], ["m"], [0, 1])


def score(cell: Cell) -> dict:
    return {"accuracy": 0.25 * (1 + cell.seed)}


def score_or_fail(cell: Cell) -> dict:
    if cell.dataset == "B":
        raise RuntimeError("no such wave")
    return score(cell)


def test_ids_are_stable_and_different():
    assert Cell("ucr", "GunPoint", "ts2vec", 3).id == "ucr/GunPoint/ts2vec/seed3"
    assert Cell("ucr", "GunPoint", "ts2vec", 3, "full").id == "ucr/GunPoint/ts2vec/full/seed3"
    assert len({c.id for c in grid("t", "AB", "mn", range(3), ["", "x"])}) == 24


def test_finished_cells_are_not_run_again(tmp_path):
    path, seen = tmp_path / "deep" / "results.jsonl", []

    def counting(cell):
        seen.append(cell.id)
        return score(cell)

    assert run(CELLS[:3], path, counting) == (3, 0)
    assert run(CELLS, path, counting) == (1, 0)
    assert run(CELLS, path, counting) == (0, 0)
    assert sorted(seen) == sorted(c.id for c in CELLS)


@pytest.mark.parametrize(
    "said, workers, expected", [("", 1, 8), ("", 3, 2), ("", 9, 1), ("1", 1, 1), ("4,2", 1, 4), ("4", 4, 2)]
)
def test_threads_are_the_cores_shared_out_or_what_openmp_was_told(monkeypatch, said, workers, expected):
    monkeypatch.setattr("joblib.cpu_count", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert threads_of_each(workers) == expected


def test_a_line_says_how_it_was_measured(tmp_path):
    run(CELLS[:1], tmp_path / "r.jsonl", score, threads=1)
    (line,) = read_lines(tmp_path / "r.jsonl").values()
    assert (
        line["accuracy"] == 0.25 and line["threads"] == 1 and line["status"] == "ok" and line["seconds"] >= 0
    )
    assert {"python", "torch", "numpy", "scikit-learn", "sktime", "tsrep"} <= line["versions"].keys()
    assert line["hardware"]["cpu"] and line["hardware"]["cores"] >= 1 and "commit" in line
    assert (line["table"], line["dataset"], line["method"], line["seed"]) == ("toy", "A", "m", 0)


def test_failures_are_lines_and_are_run_again_on_request_only(tmp_path):
    path = tmp_path / "r.jsonl"
    assert run(CELLS, path, score_or_fail) == (2, 2)
    line = read_lines(path)["toy/B/m/seed0"]
    assert line["status"] == "failed" and line["error"] == "RuntimeError: no such wave"
    assert line["traceback"][-1].endswith("score_or_fail") and "/" not in "".join(line["traceback"])
    assert pending(CELLS, path) == []
    assert run(CELLS, path, score, retry_failed=True) == (2, 0)
    assert {line["status"] for line in read_lines(path).values()} == {"ok"}


def test_a_good_line_outlives_a_later_failure(tmp_path):
    path = tmp_path / "r.jsonl"
    for status in ("failed", "ok", "failed"):
        append_line(path, {"cell": "c", "status": status})
    assert read_lines(path)["c"]["status"] == "ok"


def test_a_line_cut_short_costs_one_cell(tmp_path):
    path = tmp_path / "r.jsonl"
    run(CELLS, path, score)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    assert len(pending(CELLS, path)) == 1
    assert run(CELLS, path, score) == (1, 0)
    assert len(read_lines(path)) == 4 and pending(CELLS, path) == []


@pytest.mark.parametrize("junk", [b"\xff\xfe\n", b"[1, 2]\n", b'{"cell": "toy/A/m/seed0"}\n', b"\n"])
def test_foreign_lines_are_passed_over(tmp_path, junk):
    path = tmp_path / "r.jsonl"
    path.write_bytes(junk)
    assert pending(CELLS, path) == CELLS
    append_line(path, {"cell": "x", "status": "ok"})
    assert list(read_lines(path)) == ["x"]


def test_interrupt_keeps_what_is_done(tmp_path):
    path = tmp_path / "r.jsonl"

    def interrupted(cell):
        if cell == CELLS[2]:
            raise KeyboardInterrupt
        return score(cell)

    with pytest.raises(KeyboardInterrupt):
        run(CELLS, path, interrupted)
    assert pending(CELLS, path) == CELLS[2:]


def test_order_by_cost_within_a_seed(tmp_path):
    def order(**how):
        seen = []
        run(
            CELLS,
            tmp_path / f"{how}.jsonl",
            lambda c: seen.append(c) or score(c),
            cost=lambda c: ord(c.dataset),
            **how,
        )
        return [(c.seed, c.dataset) for c in seen]

    assert order() == [(0, "B"), (0, "A"), (1, "B"), (1, "A")]
    assert order(shortest_first=True) == [(0, "A"), (0, "B"), (1, "A"), (1, "B")]


def test_two_workers_give_the_lines_of_one(tmp_path):
    run(CELLS, tmp_path / "one.jsonl", score_or_fail)
    assert run(CELLS, tmp_path / "two.jsonl", score_or_fail, workers=2) == (2, 2)
    one, two = (read_lines(tmp_path / name) for name in ("one.jsonl", "two.jsonl"))
    assert {k: v["status"] for k, v in one.items()} == {k: v["status"] for k, v in two.items()}


def test_not_a_number_is_refused_rather_than_written(tmp_path):
    with pytest.raises(ValueError):
        append_line(tmp_path / "r.jsonl", {"cell": "c", "status": "ok", "loss": float("nan")})
    assert json.dumps(read_lines(tmp_path / "r.jsonl")) == "{}"


def test_numbers_that_no_line_holds_are_failures(tmp_path):
    def broken(cell):
        return {"accuracy": float("nan") if cell.dataset == "B" else 0.5}

    assert run(CELLS, tmp_path / "r.jsonl", broken) == (2, 2)
    error = read_lines(tmp_path / "r.jsonl")["toy/B/m/seed0"]["error"]
    assert error.startswith("ValueError: accuracy is nan, which no line of results holds")


def test_a_cell_is_run_once_and_one_without_a_cost_fails_as_a_cell(tmp_path):
    def cost(cell):
        if cell.dataset == "B":
            raise OSError("damaged")
        return 1.0

    assert run([*CELLS, *CELLS], tmp_path / "r.jsonl", score_or_fail, cost=cost) == (2, 2)
    assert len((tmp_path / "r.jsonl").read_text().splitlines()) == len(CELLS)
