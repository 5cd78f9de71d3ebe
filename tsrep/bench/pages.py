"""A table as pages: Markdown and HTML with notes, figures and sections, and the conditions it was measured under."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


def conditions(lines: pd.DataFrame) -> str:
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


def write_pages(
    title: str, notes: list[str], sections: list[tuple[str, pd.DataFrame]], images: list[Path], folder: Path
) -> list[Path]:
    """Write `table.md` and `table.html`, which holds its images, into `folder`; returns both."""
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
