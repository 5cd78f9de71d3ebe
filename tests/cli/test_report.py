"""`tsrep report`: a page of what a folder holds, and the page in a browser."""

import json
import re
import shutil
import subprocess
from html import unescape

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from tsrep import TS2Vec
from tsrep.bench.results import append_line
from tsrep.cli.app import app

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None
)

DRIVER = """
<script>
const said = { errors: window.errors, wide: document.documentElement.scrollWidth > window.innerWidth };
const table = [...document.querySelectorAll("table")].find((each) => each.tBodies[0].rows.length === 24);
const column = (i) => [...table.tBodies[0].rows].filter((row) => !row.hidden).map((row) => row.cells[i].textContent);
const head = table.tHead.rows[0].cells[1];
head.querySelector("button").click();
said.ascending = column(1);
said.state = head.getAttribute("aria-sort");
head.querySelector("button").click();
said.descending = column(1);
const field = table.closest("figure").querySelector("input");
field.value = "2026-01-02";
field.dispatchEvent(new Event("input"));
said.filtered = column(0);
said.count = table.closest("figure").querySelector(".count").textContent;
document.querySelector("nav a").focus();
said.focused = document.activeElement.textContent;
said.tables = document.querySelectorAll("table").length;
said.unlabelled = [...document.querySelectorAll("img")].filter((image) => !image.alt).length;
document.body.append(Object.assign(document.createElement("pre"), { id: "said", textContent: JSON.stringify(said) }));
</script>
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One of each kind of file."""
    path = tmp_path_factory.mktemp("run")
    times = pd.date_range("2026-01-01 12:00", periods=24, freq="h")
    scores = np.random.default_rng(0).normal(size=24).round(3)
    pd.DataFrame({"time": times, "load": -scores, "score": scores, "alarm": scores > 1.0}).to_csv(
        path / "alarms.csv", index=False
    )
    forecast = {"time": times, "y": 1.0, "y_lower": 0.0, "y_upper": 2.0}
    pd.DataFrame(forecast).to_csv(path / "forecast.csv", index=False)
    pd.DataFrame({"id": [1, 2, 3], "label": ["<b>", "a", "a"], "predicted": ["<b>", "a", "<b>"]}).to_csv(
        path / "predictions.csv", index=False
    )
    TS2Vec(n_components=8, hidden_channels=4, depth=2, max_steps=2, random_state=0).fit(
        np.random.default_rng(0).normal(size=(4, 1, 20))
    ).save(path / "encoder")
    np.savez(path / "vectors.npz", Z=np.random.default_rng(0).normal(size=(9, 4)), y=np.arange(9) % 2)
    line = {"cell": "t/x/m/seed0", "dataset": "x", "method": "m", "seed": 0, "status": "ok", "accuracy": 0.75}
    append_line(path / "bench" / "results.jsonl", line)
    append_line(
        path / "bench" / "results.jsonl", {"cell": "t/y/m/seed0", "status": "failed", "error": "too <short>"}
    )
    (path / "summary.json").write_text('{"a": [1, 2]}')
    (path / "broken.csv").write_bytes(b"\xff\xfe\x00")
    (path / ".hidden.csv").write_text("a\n1\n")
    return path


@pytest.fixture(scope="module")
def html(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "page.html"
    result = CliRunner().invoke(app, ["report", str(folder), "--out", str(out), "--title", "My run"])
    assert result.exit_code == 0, result.output
    return out.read_text(encoding="utf-8")


def part(html: str, name: str) -> str:
    """The section of that name."""
    found = re.search(rf"<section id=[^>]*><h2>{re.escape(name)}</h2>(.*?)</section>", html, re.S)
    assert found, name
    return found[1]


def test_every_kind_of_file_has_its_section(html):
    assert "<title>My run</title>" in html and ".hidden.csv" not in html
    assert "<img" in part(html, "alarms.csv") and "24 rows, 4 columns" in part(html, "alarms.csv")
    assert "<img" in part(html, "forecast.csv")
    assert "66.7% of 3 are right" in part(html, "predictions.csv")
    assert "TS2Vec" in part(html, "encoder") and "<img" in part(html, "encoder")
    assert "n_components" in part(html, "encoder")
    assert "9 x 4" in part(html, "vectors.npz") and "<img" in part(html, "vectors.npz")
    assert "1 finished cells, 1 failed" in part(html, "bench") and "0.75" in part(html, "bench")
    assert "too &lt;short&gt;" in part(html, "bench")
    assert "&quot;a&quot;: [" in part(html, "summary.json")
    assert "Not shown" in part(html, "broken.csv")  # and the others are
    assert "&lt;b&gt;" in part(html, "predictions.csv") and "<b>" not in html


def test_a_folder_with_nothing_and_a_place_that_is_none(tmp_path, folder):
    nothing = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert nothing.exit_code == 1 and "holds nothing to report" in nothing.output.replace("\n", " ")
    (tmp_path / "no").touch()
    nowhere = CliRunner().invoke(app, ["report", str(folder), "--out", str(tmp_path / "no" / "page.html")])
    assert nowhere.exit_code == 1 and "no is no folder" in nowhere.output.replace("\n", " ")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [1280, 500])
def test_the_page_in_a_browser(html, tmp_path, width):
    watched = html.replace(
        "<head>", "<head><script>window.errors = []; onerror = (e) => errors.push(e);</script>"
    )
    page = tmp_path / "page.html"
    page.write_text(watched.replace("</body>", f"{DRIVER}</body>"), encoding="utf-8")
    dom = subprocess.run(
        [
            str(CHROMIUM),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--window-size={width},900",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    ).stdout
    found = re.search(r'<pre id="said">(.*?)</pre>', dom, re.S)
    assert found, dom[-500:]
    said = json.loads(unescape(found[1]))
    assert said["errors"] == [] and not said["wide"] and said["unlabelled"] == 0
    numbers = [float(shown) for shown in said["ascending"]]
    assert numbers == sorted(numbers) and len(numbers) == 24 and said["state"] == "ascending"
    assert [float(shown) for shown in said["descending"]] == numbers[::-1]
    assert len(said["filtered"]) == 12 and all("2026-01-02" in shown for shown in said["filtered"])
    assert said["count"] == "12 of 24 rows" and said["focused"] == "bench"
