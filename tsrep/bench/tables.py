"""From result lines to tables: `table.csv` for machines, `table.md` and `table.html` for readers, figures beside them.

An accuracy in a table is the mean over the seeds that were run, with their standard deviation and number. Means and
ranks are taken over the data sets that every compared method has; how many is said. Numbers of the paper stand in a
column of their own, and only where they were verified (`published/`).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tsrep.bench import ablation, figures
from tsrep.bench.methods import METHODS
from tsrep.bench.results import RESULTS_FILE, read_lines
from tsrep.metrics import compare, friedman_p, mean_ranks, wilcoxon_p

OURS = "ts2vec"
PAPER = "ts2vec (paper)"
RERUN = "ts2vec (rerun of the authors' code)"
TITLES = {
    "ucr": "UCR archive: test accuracy",
    "uea": "UEA archive: test accuracy",
    "ts2vec-ablation": "TS2Vec ablation on small UCR sets",
}
NOTABLE = 0.03


def published_ucr() -> pd.DataFrame:
    """Verified accuracies of TS2Vec on UCR by data set: columns `PAPER` and `RERUN`."""
    with files("tsrep.bench").joinpath("published/ts2vec_ucr.csv").open(encoding="utf-8") as file:
        table = pd.read_csv(file, index_col="dataset")
    columns = {"ts2vec_paper_accuracy": PAPER, "independent_rerun_accuracy": RERUN}
    return table.rename(columns=columns)[[PAPER, RERUN]]


def good_lines(folder: Path) -> pd.DataFrame:
    """One row a finished cell, as measured; empty where there is none."""
    return pd.DataFrame(
        [line for line in read_lines(folder / RESULTS_FILE).values() if line["status"] == "ok"]
    )


def failed_lines(folder: Path) -> list[dict[str, Any]]:
    """Lines of the cells that have failed and were not run again with success."""
    return [line for line in read_lines(folder / RESULTS_FILE).values() if line["status"] != "ok"]


def accuracy_table(lines: pd.DataFrame, column: str = "method") -> pd.DataFrame:
    """Mean over seeds: one row a data set, one column a `column` ("method" or "variant"); NaN where not measured."""
    return lines.pivot_table(index="dataset", columns=column, values="accuracy", aggfunc="mean").rename_axis(
        columns=None
    )


def spread_table(lines: pd.DataFrame) -> pd.DataFrame:
    """Standard deviation over seeds (n - 1; NaN for one seed), laid out as `accuracy_table`."""
    return lines.pivot_table(
        index="dataset", columns="method", values="accuracy", aggfunc=lambda a: a.std(ddof=1), dropna=False
    ).rename_axis(columns=None)


def compared_methods(accuracies: pd.DataFrame) -> list[str]:
    """The measured methods that at least half of the sets have, in the order of `METHODS`: those that are ranked."""
    return [name for name in METHODS if name in accuracies and accuracies[name].notna().mean() >= 0.5]


def summary(accuracies: pd.DataFrame) -> pd.DataFrame:
    """One row a method: sets, mean accuracy and mean rank over the sets that all compared methods have, and `ts2vec`
    against it: wins, ties, losses and Wilcoxon's p over the sets that both have, at three decimals as published."""
    methods = compared_methods(accuracies)
    common = accuracies[methods].dropna()
    ranks = mean_ranks(common) if len(common) else np.full(len(methods), np.nan)
    rows = []
    for name in [*methods, *[str(name) for name in accuracies if name not in methods]]:
        row: dict[str, Any] = {"method": name, "sets": int(accuracies[name].notna().sum())}
        if name in methods:
            row |= {"mean_accuracy": common[name].mean(), "mean_rank": ranks[methods.index(name)]}
        if OURS in accuracies and name != OURS:
            both = accuracies[[OURS, name]].dropna().round(3)
            wins, ties, losses = compare(both[OURS], both[name])
            row |= {
                "shared_sets": len(both),
                "ts2vec_mean": both[OURS].mean(),
                "its_mean": both[name].mean(),
                "wins": wins,
                "ties": ties,
                "losses": losses,
                "p": wilcoxon_p(both[OURS], both[name]) if len(both) else np.nan,
            }
        rows.append(row)
    counts = ["sets", "shared_sets", "wins", "ties", "losses"]
    table = pd.DataFrame(rows).set_index("method")
    return table.astype({name: "Int64" for name in counts if name in table})


def notable_differences(accuracies: pd.DataFrame) -> pd.DataFrame:
    """Sets where `ts2vec` is more than 0.03 from the paper's number, largest first: ours, paper, rerun, difference."""
    if OURS not in accuracies or PAPER not in accuracies:
        return pd.DataFrame()
    table = accuracies[[OURS, PAPER, RERUN]].dropna(subset=[OURS, PAPER])
    table = table.assign(difference=(table[OURS] - table[PAPER]).round(4))
    table = table[table["difference"].abs() > NOTABLE]
    return table.sort_values("difference", key=lambda d: -d.abs())


def write_classification(name: str, folder: Path) -> list[Path]:
    """Write the table of an archive and its figures into `folder`; returns what was written."""
    lines = good_lines(folder)
    measured = accuracy_table(lines)
    accuracies = measured.join(published_ucr()) if name == "ucr" else measured
    accuracies = accuracies.dropna(axis=1, how="all")
    methods = [m for m in METHODS if m in measured]
    accuracies = accuracies[methods + [c for c in accuracies if c not in methods]]
    images = figures.write_figures(accuracies, compared_methods(accuracies), OURS, folder)
    sections = [
        ("Summary", summary(accuracies)),
        ("Accuracy by data set", _readable(lines, accuracies)),
    ]
    notes = [_coverage(accuracies), _conditions(lines), *_paper_notes(accuracies)]
    differing = notable_differences(accuracies)
    if len(differing):
        sections.append((f"Data sets more than {NOTABLE} from the paper", differing.round(3)))
    failures = failed_lines(folder)
    if failures:
        table = pd.DataFrame(failures)[["cell", "error"]].set_index("cell")
        sections.append(("Failed cells", table))
    csv = _long_csv(lines, accuracies, folder / "table.csv")
    return [csv, *_write_pages(TITLES[name], notes, sections, images, folder), *images]


def write_ablation(name: str, folder: Path) -> list[Path]:
    """Write the ablation table, the verdicts on the paper's claims and the figure into `folder`."""
    lines = good_lines(folder)
    accuracies = accuracy_table(lines, "variant")
    table = ablation.ablation_table(accuracies)
    image = figures.write_ablation_figure(accuracies, table, folder / "ablation.png")
    shown = table.set_index("label").rename_axis("model")
    notes = [_conditions(lines), *ablation.claims(table)]
    sections = [("Variants", shown), ("Accuracy by data set", accuracies[list(table.index)].round(3))]
    table.to_csv(folder / "table.csv")
    return [folder / "table.csv", *_write_pages(TITLES[name], notes, sections, [image], folder), image]


TABLES: dict[str, Callable[[str, Path], list[Path]]] = {
    "ucr": write_classification,
    "uea": write_classification,
    "ts2vec-ablation": write_ablation,
}


def write_table(name: str, folder: Path) -> list[Path]:
    """Make what belongs to the table `name` out of `folder`/results.jsonl; ValueError if no cell is finished."""
    if good_lines(folder).empty:
        raise ValueError(f"{folder / RESULTS_FILE} holds no finished cell")
    return TABLES[name](name, folder)


def _readable(lines: pd.DataFrame, accuracies: pd.DataFrame) -> pd.DataFrame:
    """Cells as text: mean ± standard deviation (seeds), the best measured or published value in bold."""
    spread = spread_table(lines)
    seeds = lines.pivot_table(index="dataset", columns="method", values="seed", aggfunc="nunique")
    best = accuracies.drop(columns=RERUN, errors="ignore").round(3).max(axis=1)

    texts: dict[str, list[str]] = {}
    for method in map(str, accuracies):
        texts[method] = []
        for dataset in map(str, accuracies.index):
            value = float(accuracies[method][dataset])
            shown = "" if np.isnan(value) else f"{value:.3f}"
            if shown and method != RERUN and float(shown) >= best[dataset]:
                shown = f"**{shown}**"
            if method in spread and np.isfinite(spread[method][dataset]):
                shown += f" ± {spread[method][dataset]:.3f} ({seeds[method][dataset]:.0f})"
            texts[method].append(shown)
    return pd.DataFrame(texts, index=accuracies.index)


def _long_csv(lines: pd.DataFrame, accuracies: pd.DataFrame, path: Path) -> Path:
    """Wide CSV: sizes, then accuracy, spread and number of seeds of each method, then the published columns."""
    sizes = lines.groupby("dataset")[["n_train", "n_test", "n_channels", "length", "n_classes"]].first()
    seeds = lines.pivot_table(index="dataset", columns="method", values="seed", aggfunc="nunique")
    spread = spread_table(lines)
    columns: dict[str, pd.Series] = {}
    for method in map(str, accuracies):
        columns[method] = accuracies[method].round(6)
        if method in seeds:
            columns[f"{method} std"] = spread[method].round(6) if method in spread else pd.Series(dtype=float)
            columns[f"{method} seeds"] = seeds[method].astype("Int64")
    sizes.join(pd.DataFrame(columns)).to_csv(path)
    return path


def _coverage(accuracies: pd.DataFrame) -> str:
    methods = compared_methods(accuracies)
    common = accuracies[methods].dropna()
    text = (
        f"{len(accuracies)} data sets; mean accuracy and mean rank over the {len(common)} that "
        f"{', '.join(methods)} all have. "
        "Wins, ties and losses are TS2Vec's against the method of the row, at three decimals."
    )
    if len(methods) >= 3 and len(common):
        text += f" Friedman test that all are alike: p = {friedman_p(common):.2g}."
    return text


def _conditions(lines: pd.DataFrame) -> str:
    """One sentence on machine, versions and time."""
    cpus = sorted({f"{h['cpu']}, {h['cores']} cores" for h in lines["hardware"]})
    versions = {
        p: sorted({str(v.get(p)) for v in lines["versions"]})
        for p in ("python", "torch", "scikit-learn", "sktime")
    }
    said = ", ".join(f"{package} {'/'.join(found)}" for package, found in versions.items())
    threads = "/".join(map(str, sorted(set(lines["threads"]))))
    hours = lines["seconds"].sum() / 3600
    commits = sorted({str(c)[:10] for c in lines["commit"]})
    return (
        f"Measured on {'; '.join(cpus)}, {threads} thread(s) a cell, {hours:.1f} h of computing in all; {said}; "
        f"tsrep commit {', '.join(commits)}."
    )


def _paper_notes(accuracies: pd.DataFrame) -> Iterable[str]:
    if OURS in accuracies and PAPER in accuracies:
        both = accuracies[[OURS, PAPER, RERUN]].dropna()
        yield (
            f"On the {len(both)} sets with a published number the mean is {both[OURS].mean():.4f} here, "
            f"{both[PAPER].mean():.4f} in the paper ({both[OURS].mean() - both[PAPER].mean():+.4f}) and "
            f"{both[RERUN].mean():.4f} in an independent rerun of the authors' code."
        )


def _write_pages(
    title: str, notes: list[str], sections: list[tuple[str, pd.DataFrame]], images: list[Path], folder: Path
) -> list[Path]:
    markdown = [f"# {title}", *notes, *(f"![{image.stem}]({image.name})" for image in images)]
    markdown += [f"## {heading}\n\n{_markdown(table)}" for heading, table in sections]
    (folder / "table.md").write_text("\n\n".join(markdown) + "\n", encoding="utf-8")

    body = [f"<h1>{escape(title)}</h1>", *(f"<p>{escape(note)}</p>" for note in notes)]
    for image in images:
        data = base64.b64encode(image.read_bytes()).decode()
        body.append(f'<img src="data:image/png;base64,{data}" alt="{escape(image.stem)}">')
    body += [f"<h2>{escape(heading)}</h2>\n{_html(table)}" for heading, table in sections]
    page = PAGE.format(title=escape(title), body="\n".join(body))
    (folder / "table.html").write_text(page, encoding="utf-8")
    return [folder / "table.md", folder / "table.html"]


def _cells(table: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    heads = [str(table.index.name or ""), *map(str, table.columns)]
    rows = [
        [str(index), *map(_text, row)]
        for index, row in zip(table.index, table.to_numpy(dtype=object), strict=True)
    ]
    return heads, rows


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or pd.isna(value):
        return ""
    if isinstance(value, (int, np.integer)):
        return str(value)
    return f"{value:.2g}" if 0 < abs(value) < 0.001 else f"{value:.3f}"


def _markdown(table: pd.DataFrame) -> str:
    heads, rows = _cells(table)
    rule = ["---"] + ["---:"] * (len(heads) - 1)
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in [heads, rule, *rows]
    )


def _html(table: pd.DataFrame) -> str:
    heads, rows = _cells(table)

    def cell(text: str) -> str:
        shown = escape(text)
        while "**" in shown:
            shown = shown.replace("**", "<b>", 1).replace("**", "</b>", 1)
        return f"<td>{shown}</td>"

    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "\n".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>'


PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }}
img {{ max-width: 100%; display: block; margin: 1rem 0; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px; }}
th, td {{ padding: .25rem .7rem; border-bottom: 1px solid #e3e6ea; text-align: right; white-space: nowrap; }}
th {{ position: sticky; top: 0; background: #fff; border-bottom: 2px solid #c9ced6; white-space: normal; }}
th:first-child, td:first-child {{ text-align: left; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""
