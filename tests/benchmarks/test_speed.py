"""The speed benchmark on tiny sizes: rows are resumable, operations counted right, tables say what lines say."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from rich.console import Console
from typer.testing import CliRunner

from benchmarks.speed import machine, memory, run, timing, to_file, training
from benchmarks.speed.figures import along, write_figures
from benchmarks.speed.official import Authors
from benchmarks.speed.one_by_one import OneByOne
from benchmarks.speed.operations import blocks, convolution, counted, encoding, loss, training_step
from benchmarks.speed.ours import Ours
from benchmarks.speed.page import MEASURED_PART, NOTHING_MEASURED, filled, growth_table
from benchmarks.speed.problem import Network, Settings, as_batch, draw_views, random_walks
from benchmarks.speed.rows import (
    ALONE,
    ANOMALY,
    AUTHORS,
    CAUSAL,
    FULL_CROPS,
    GROWTH,
    LOSS_MEMORY,
    ONE_BY_ONE,
    ONLINE,
    RANDOM_CROPS,
    TO_FILE,
    TRANSFORM,
    Row,
    rows,
)
from benchmarks.speed.table import good_lines, growth_lines, met, ratio, times, write_table
from benchmarks.speed.timing import in_turns, per, summary
from benchmarks.speed_ts2vec import RESULTS, app
from tsrep.bench.environment import environment
from tsrep.bench.results import append_line, read_lines

ROOT = Path(__file__).parents[2]
TINY = Network(hidden_channels=4, n_components=6, depth=3)
QUICK = Settings(network=TINY, rounds=1, seconds=0.0)
SMALL_ROWS = [
    Row(FULL_CROPS, ALONE, 12, instances=2),
    Row(RANDOM_CROPS, ALONE, 12, instances=2),
    Row(CAUSAL, ONE_BY_ONE, 9, instances=1, context=4),
    Row(ANOMALY, ONE_BY_ONE, 9, instances=1, context=4),
    Row(ONLINE, ALONE, 9, instances=1, channels=2, context=4),
    Row(TRANSFORM, ALONE, 12, instances=3),
    Row(GROWTH[TRANSFORM], ALONE, 12, instances=3),
    Row(GROWTH[FULL_CROPS], ALONE, 12, instances=2),
    Row(GROWTH[CAUSAL], ALONE, 12, instances=1, context=4),
]


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(machine, "MEASURED_SECONDS", 0.0)
    monkeypatch.setattr("benchmarks.speed.timing.SHORTEST_SECONDS", 0.0)


@pytest.fixture
def official():
    named = os.environ.get("TSREP_OFFICIAL")
    if not named:
        pytest.skip("TSREP_OFFICIAL names no checkout of the TS2Vec authors' code")
    return Path(named)


def measured(chosen, path, settings=QUICK, **options):
    return run.run(chosen, path, settings, console=Console(quiet=True), **options)


def test_rows_are_measured_once(tmp_path, quick):
    path = tmp_path / "results.jsonl"
    assert measured(SMALL_ROWS, path) == 0
    lines = read_lines(path)
    assert list(lines) == [row.id for row in SMALL_ROWS]
    assert all(line["status"] == "ok" and line["ours"]["median"] > 0 for line in lines.values())
    assert all(line["machine"]["multiply_adds_per_second"] > 0 for line in lines.values())
    assert {line["threads"] for line in lines.values()} == {1}
    before = path.read_bytes()
    assert measured(SMALL_ROWS, path) == 0
    assert path.read_bytes() == before
    measured(SMALL_ROWS[:1], path, again=True)
    assert len(path.read_text().splitlines()) == len(SMALL_ROWS) + 1
    for row in SMALL_ROWS[2:5]:
        assert lines[row.id]["difference"] < 1e-5


def test_a_row_that_fails_is_a_line_and_is_tried_again(tmp_path, quick, monkeypatch):
    path = tmp_path / "results.jsonl"
    row = SMALL_ROWS[5]
    broken = {**run.MEASURES, TRANSFORM: lambda row, settings: 1 / 0}
    with monkeypatch.context() as patched:
        patched.setattr(run, "MEASURES", broken)
        assert measured([row], path) == 1
    assert read_lines(path)[row.id]["error"].startswith("ZeroDivisionError")
    assert "ZeroDivisionError" in write_table(tmp_path).read_text()
    assert measured([row], path) == 0
    assert read_lines(path)[row.id]["status"] == "ok"


def test_no_row_is_begun_when_time_is_up(tmp_path):
    assert measured(SMALL_ROWS, tmp_path / "results.jsonl", minutes=-1) == 0
    assert not (tmp_path / "results.jsonl").exists()


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("with_authors", [False, True])
def test_names_of_rows_are_different_and_say_the_rival(device, with_authors):
    chosen = rows(device, with_authors)
    assert len({row.id for row in chosen}) == len(chosen)
    assert any(row.rival == AUTHORS for row in chosen) == with_authors
    assert any(row.rival == ONE_BY_ONE for row in chosen) != with_authors
    assert {row.work for row in chosen} <= run.MEASURES.keys()


def test_the_options_pick_rows():
    shown = CliRunner().invoke(app, ["--list", "--only", "encode_causal", "--only", "online"])
    assert shown.exit_code == 0
    names = shown.stdout.splitlines()
    assert names
    assert all("encode_causal" in name or "online" in name for name in names)


def test_in_turns_calls_all_in_every_round(monkeypatch):
    monkeypatch.setattr("benchmarks.speed.timing.SHORTEST_SECONDS", 0.0)
    calls = []
    found = in_turns({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 4, seconds=10)
    assert "".join(calls).endswith("abababab")
    assert len(found["a"]["runs"]) == 4
    assert len(in_turns({"a": lambda: None}, 9, seconds=0)["a"]["runs"]) == 3


@pytest.mark.parametrize(
    "device, seconds, calls",
    [
        ("cuda", [1.5, 0.4, 0.001], 100),  # compiled at the first call, recorded at the second
        ("cpu", [0.02, 0.02, 0.01], 10),
        ("cpu", [2.0], 1),  # a long call is its own warm-up
    ],
)
def test_how_many_calls_a_run_has_is_told_by_the_last_of_the_warm_up(device, seconds, calls, monkeypatch):
    taken = iter(seconds)
    monkeypatch.setattr(timing, "waiting_for", lambda device: lambda: None)
    monkeypatch.setattr(timing, "timed", lambda function, wait, calls=1: (next(taken), 0.0))
    assert timing._calls_needed(lambda: None, device) == calls
    assert next(taken, None) is None


def test_a_summary_of_runs():
    found = summary([(3.0, 1.0), (1.0, 1.0), (2.0, 2.0)])
    assert (found["median"], found["min"], found["max"], found["cpu"]) == (2.0, 1.0, 3.0, 1.0)
    assert per(2, found)["median"] == 1.0
    assert per(2, found)["runs"] == [1.5, 0.5, 1.0]


def test_taps_that_meet_the_series_are_counted():
    for steps, dilation in [(1, 1), (5, 1), (5, 2), (5, 4), (5, 8)]:
        pairs = sum(0 <= t + tap * dilation < steps for t in range(steps) for tap in (-1, 0, 1))
        assert convolution(steps, 2, 3, dilation) == 2 * 3 * pairs


def test_operations_of_an_encoding_by_hand():
    network = Network(hidden_channels=2, n_components=3, depth=1)
    # 4 steps: block 0 (dilation 1) twice 2*2*(4 + 3 + 3); output block (dilation 2) 2*3*(4 + 2 + 2) + 3*3*(4 + 2 + 2)
    # and its projection 4*2*3
    assert blocks(4, network) == 80 + 48 + 72 + 24
    assert encoding(5, 4, 7, network) == 5 * (4 * 7 * 2 + 224)
    # 2 steps: block 0 twice 4*(2 + 1 + 1); one step of the output block has no neighbour: 6 + 9 + 6
    assert blocks(2, network, steps_out=1) == 32 + 21
    assert blocks(4, network, steps_out=1) == blocks(4, network)


def test_operations_of_the_loss_by_hand():
    # 2 instances, 4 steps, 3 components; entries of the similarities: steps 4, 2, 1 across, steps 4, 2 along
    across = 4 * 4**2 + 2 * 4**2 + 1 * 4**2
    along_time = 2 * 8**2 + 2 * 4**2
    assert loss(2, 4, 3) == (across + along_time) * 3 * 3 // 2
    assert loss(2, 5, 3) - loss(2, 4, 3) == (4**2 + 2 * (10**2 - 8**2)) * 3 * 3 // 2


def test_operations_of_a_training_step():
    x = torch.zeros(2, 12, 1)
    whole = 2 * 2 * 12 * 1 * 4 * 2 + 2 * 3 * 2 * blocks(12, TINY) + loss(2, 12, 6)
    assert training_step(draw_views(x, False, 0), TINY) == whole
    views = draw_views(x, True, 3)
    overlap = views.steps_of_second.stop
    assert overlap < 12
    assert loss(2, overlap, 6) < training_step(views, TINY) < whole


def test_operations_are_counted_while_they_run():
    a, b, c = torch.randn(3, 4), torch.randn(4, 5), torch.randn(3, 5)
    assert counted(lambda: a @ b) == {"multiply_adds": 60, "bytes": 4 * (12 + 20 + 15)}
    assert counted(lambda: c.addmm_(a, b))["multiply_adds"] == 60
    batch = torch.randn(2, 3, 4)
    assert counted(lambda: torch.zeros(2, 3, 5).baddbmm_(batch, b.expand(2, -1, -1)))["multiply_adds"] == 120
    assert counted(lambda: a.T)["bytes"] == 0
    with torch.inference_mode():
        assert counted(lambda: F.linear(a, b.T))["multiply_adds"] == 60
    assert (
        counted(lambda: F.conv1d(torch.randn(1, 2, 8), torch.randn(3, 2, 3)))["multiply_adds"]
        == 2 * 3 * 3 * 6
    )
    weight = torch.randn(4, 5, requires_grad=True)
    assert counted(lambda: (a @ weight).sum().backward())["multiply_adds"] == 120


def test_an_encoder_makes_the_operations_that_its_sizes_say():
    x = random_walks(3, 2, 20)
    ours = Ours(2, TINY)
    assert counted(lambda: ours.transform(x))["multiply_adds"] == encoding(3, 20, 2, TINY)


def test_windows_one_by_one_are_what_causal_encoding_means():
    ours = Ours(2, TINY)
    rival = OneByOne(ours)
    x = random_walks(2, 2, 30)
    np.testing.assert_allclose(ours.encode_causal(x, 7), rival.encode_causal(x, 7, 1), atol=1e-5)
    np.testing.assert_allclose(ours.anomaly_scores(x, 7), rival.anomaly_scores(x, 7, 1), atol=1e-4)


def test_peak_memory_of_a_process_of_its_own():
    views = 2 * 8 * 2000 * TINY.n_components * 4 / 1e6  # MB
    matrices = 8 * 4000**2 * 4 / 1e6
    found = memory.measure(Row(LOSS_MEMORY, ALONE, 2000), QUICK)
    assert found["unit"] == "MB"
    assert 2 * views < found["ours"]["median"] < matrices / 2
    assert found["ours"]["total"] > found["ours"]["median"]


@pytest.mark.parametrize("length", [60, 3000])
def test_a_series_from_file_to_file_in_a_process_of_its_own(length, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    found = to_file.measure(Row(TO_FILE, ALONE, length, instances=1, channels=2), QUICK)
    assert found["ours"]["median"] > 0
    assert found["bytes"] == 128 + 4 * length * TINY.n_components  # an array file's header takes 128
    assert 0 <= found["memory"] < found["total"]
    assert found["difference"] < 1e-5
    assert not list(tmp_path.iterdir())


# The authors' code, where there is a checkout of it


def test_the_authors_code_computes_the_same(official):
    settings = Settings(official, TINY)
    for crop in (False, True):
        row = Row(RANDOM_CROPS if crop else FULL_CROPS, AUTHORS, 40, instances=3, channels=2)
        x = as_batch(random_walks(3, 2, 40))
        worst = training.compare(row, settings, x, crop)
        assert worst["loss"] < 1e-5
        assert worst["gradients"] < 1e-4
        assert worst["exact_loss"] < 1e-12
        assert worst["exact_gradients"] < 1e-6  # theirs are renamed by way of an encoder, in 32 bit
    authors = Authors(official, 2, TINY)
    ours = Ours(2, TINY, state=authors.state())
    x = random_walks(1, 2, 40)
    np.testing.assert_allclose(ours.transform(x), authors.transform(x, 8), atol=1e-5)
    np.testing.assert_allclose(ours.encode_causal(x, 9), authors.encode_causal(x, 9, 8), atol=1e-5)
    np.testing.assert_allclose(ours.anomaly_scores(x, 9), authors.anomaly_scores(x, 9, 1), atol=1e-4)


def test_rows_against_the_authors_code(official, tmp_path, quick):
    settings = Settings(official, TINY, rounds=1, seconds=0.0)
    chosen = [
        Row(FULL_CROPS, AUTHORS, 12, instances=2),
        Row(CAUSAL, AUTHORS, 12, instances=1, context=4),
        Row(TRANSFORM, AUTHORS, 12, instances=8),
    ]
    assert measured(chosen, tmp_path / "results.jsonl", settings) == 0
    assert all(line["theirs"]["median"] > 0 for line in good_lines(tmp_path))


def test_a_folder_without_their_code_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no ts2vec.py"):
        Authors(tmp_path, 1, TINY)


# The table and the page


def line_of(row, ours, theirs=None, **found):
    def spread(median):
        return {"median": median, "min": 0.9 * median, "max": 1.1 * median, "cpu": median}

    line = {"cell": row.id, **vars(row), "status": "ok", "unit": "s", "ours": spread(ours), "threads": 1}
    if theirs is not None:
        line["theirs"] = spread(theirs)
    line["machine"] = {"multiply_adds_per_second": 1e9, "bytes_per_second": 1e10}
    return line | found | environment()


EQUAL = {"loss": 1e-7, "gradients": 1e-6, "their_loss": 1e-7, "their_gradients": 1e-6}


def test_what_is_asked_is_met_or_not():
    row = Row(FULL_CROPS, AUTHORS, 150)
    assert met(line_of(row, 1.0, 2.0, equal=EQUAL))
    assert not met(line_of(row, 1.0, 1.9, equal=EQUAL))
    assert [times(value) for value in (1.9999, 2.0, 12.39, 345.6, 0.5)] == ["1.99", "2", "12.3", "345", "0.5"]
    assert not met(line_of(row, 1.0, 9.0, equal=EQUAL | {"gradients": 2e-4}))
    rounded = EQUAL | {"gradients": 2e-4, "exact_loss": 1e-15}
    assert met(line_of(row, 1.0, 9.0, equal=rounded | {"exact_gradients": 1e-12}))
    assert not met(line_of(row, 1.0, 9.0, equal=rounded | {"exact_gradients": 2e-4}))
    assert met(line_of(Row(CAUSAL, AUTHORS, 2000, 1, context=200), 1.0, 31.0, difference=9e-6))
    assert not met(line_of(Row(CAUSAL, AUTHORS, 2000, 1, context=200), 1.0, 31.0, difference=2e-5))
    assert met(line_of(Row(CAUSAL, ONE_BY_ONE, 2000, 1, context=200), 1.0, 31.0)) is None
    assert met(line_of(Row(ONLINE, ALONE, 2000, 1, context=200), 0.9e-3, difference=1e-6))
    assert not met(line_of(Row(ONLINE, ALONE, 2000, 1, context=200), 1.1e-3, difference=1e-6))


def test_runs_that_others_interrupted_are_compared_by_their_time_on_the_processor(tmp_path):
    line = line_of(Row(FULL_CROPS, AUTHORS, 1000), 1.0, 5.0, equal=EQUAL)
    assert ratio(line) == 5.0
    line["theirs"]["cpu"] = 2.5
    line["ours"]["cpu"] = 0.95
    assert ratio(line) == 2.5 / 0.95
    assert not met(line)
    append_line(tmp_path / "results.jsonl", line)
    text = write_table(tmp_path).read_text(encoding="utf-8")
    assert (
        "| 1 s (0.9 to 1.1), 0.95 on the processor | 5 s (4.5 to 5.5), 2.5 on the processor (authors) | 2.63 |"
        in text
    )
    assert "less than nine tenths" in text
    growth = [line_of(Row(GROWTH[TRANSFORM], ALONE, t), t, multiply_adds=t, bytes=t) for t in (100, 200, 400)]
    growth[2]["ours"]["cpu"] = 100.0
    assert "| length | 100 to 400 | 100 s to 100 s | 0.00 |" in growth_table(growth, GROWTH[TRANSFORM])
    alone = line_of(Row(ONLINE, ALONE, 2000, 1, context=200), 1.1e-3)
    alone["ours"]["cpu"] = 0.5e-3
    assert not met(alone)  # a limit of time is one of the time that passes


def test_the_table_says_what_the_lines_say(tmp_path):
    path = tmp_path / "results.jsonl"
    long = Row(CAUSAL, AUTHORS, 20_000, 1, context=200)
    for line in (
        line_of(Row(FULL_CROPS, AUTHORS, 150), 0.1, 0.25, equal=EQUAL),
        line_of(long, 1.0, 20.0, difference=1e-6, windows=2000, batch_size=8),
        line_of(Row(LOSS_MEMORY, ALONE, 4000), 100.0, unit="MB"),
        line_of(Row(LOSS_MEMORY, ALONE, 8000), 210.0, unit="MB"),
        line_of(Row(TRANSFORM, ALONE, 150, 8), 0.5),
        line_of(Row(TRANSFORM, AUTHORS, 150, 8), 0.5, 1.0),
        line_of(Row(ONLINE, ALONE, 2000, 1, context=200), 0.2e-3),
        line_of(Row(TO_FILE, ALONE, 10**6, 1), 50.0, memory=123.4, bytes=5 * 10**9),
        line_of(Row(FULL_CROPS, AUTHORS, 500, device="cuda", precision="bf16"), 0.01, 0.06),
    ):
        append_line(path, line)
    text = write_table(tmp_path).read_text(encoding="utf-8")
    table = [
        [cell.strip() for cell in row.split("|")[1:-1]] for row in text.splitlines() if row.startswith("|")
    ]
    found = {(cells[0], cells[1]): cells[2:] for cells in table}
    first = found[FULL_CROPS, "8 x 1 x 150"]
    assert first[:5] == ["100 ms (90 to 110)", "250 ms (225 to 275) (authors)", "2.5", "2", "yes"]
    assert found[CAUSAL, "1 x 1 x 20000, context 200"][2:5] == ["20", "30", "**no**"]
    assert found[ONLINE, "1 x 1 x 2000, context 200"][:5] == [
        "200 µs (180 to 220)",
        "",
        "",
        "at most 1 ms",
        "yes",
    ]
    assert found[f"{FULL_CROPS}, bf16", "8 x 1 x 500"][2:5] == ["6", "5", "yes"]
    assert (
        sum(cells[0] == TRANSFORM for cells in table) == 1
    )  # the row against the authors replaces the lonely one
    assert "first 2,000 windows (batch size 8)" in text
    assert "at most 123 MB of memory beyond those of 8 steps, for a file of 5,000 MB" in text
    assert "from 4000 to 8000 steps: 2.10 times (2 is linear, 4 square)" in text


def growing(axis, sizes):
    base = {"length": 500, "instances": 8, "channels": 1}
    return [
        line_of(
            Row(GROWTH[FULL_CROPS], ALONE, **{**base, axis: size}),
            1e-3 * size**2,
            multiply_adds=10**5 * size**2,
            bytes=10**4 * size,
        )
        for size in sizes
    ]


def test_growth_is_followed_along_one_size_at_a_time(tmp_path):
    lines = growing("length", (250, 500, 1000, 2000)) + growing("instances", (2, 4, 16))
    axes = along(lines, GROWTH[FULL_CROPS])
    assert [line["length"] for line in axes["length"]] == [250, 500, 1000, 2000]
    assert [line["instances"] for line in axes["instances"]] == [2, 4, 8, 16]
    assert set(axes) == {"length", "instances"}
    assert along(lines, GROWTH[CAUSAL]) == {}
    (figure,) = write_figures(lines, tmp_path)
    assert figure.read_bytes().startswith(b"\x89PNG")
    page = f"<!-- measured: {GROWTH[FULL_CROPS]} -->\nold\n<!-- end -->"
    text = filled(page, [], lines)
    assert "| length | 250 to 2,000 | 62.5 s to 4,000 s | 2.00 | 10% |" in text
    assert "old" not in text


def test_a_page_keeps_its_text_and_is_filled_again():
    page = "before\n<!-- measured: cpu -->\n<!-- end -->\nafter\n<!-- measured: gpu -->\nold\n<!-- end -->\n"
    lines = [line_of(Row(FULL_CROPS, AUTHORS, 150), 0.1, 0.25, equal=EQUAL)]
    text = filled(page, lines, [])
    assert text.startswith("before\n")
    assert "8 x 1 x 150" in text
    assert "\nafter\n" in text
    assert NOTHING_MEASURED in text
    assert filled(text, lines, []) == text
    with pytest.raises(ValueError, match="the page has the part 'cpuu'"):
        filled("<!-- measured: cpuu -->\n<!-- end -->", [], [])


def test_the_documentation_shows_the_published_lines():
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert len(MEASURED_PART.findall(text)) == 6
    assert filled(text, good_lines(RESULTS), growth_lines(RESULTS)) == text


def test_the_gpu_command_says_so_where_there_is_none():
    done = subprocess.run(
        [ROOT / "benchmarks" / "gpu.sh"],
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "", "PYTHON": sys.executable},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "no GPU that torch can use: nothing was measured\n"
