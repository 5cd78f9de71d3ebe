"""Sections and the whole page, with its style sheet and its script inside."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path


def section(title: str, *blocks: str) -> str:
    """Blocks under a heading, which `contents` links to."""
    return f'<section id="{_anchor(title)}"><h2>{escape(title)}</h2>\n' + "\n".join(blocks) + "\n</section>"


def contents(titles: Sequence[str]) -> str:
    """Links to the sections of these titles."""
    links = "".join(f'<li><a href="#{_anchor(title)}">{escape(title)}</a></li>' for title in titles)
    return f'<nav aria-label="Contents"><ul>{links}</ul></nav>'


def _anchor(title: str) -> str:
    return re.sub(r"\W+", "-", title).strip("-").lower() or "section"


def page(title: str, sections: Iterable[str], lead: str = "") -> str:
    """The whole page: a title, one sentence that leads in, and the sections; blocks may stand among them."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>
{_part("page.css")}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
{f'<p class="lead">{escape(lead)}</p>' if lead else ""}
{chr(10).join(sections)}
</main>
<script>
{_part("page.js")}</script>
</body>
</html>
"""


def _part(name: str) -> str:
    return (files("tsrep.report") / name).read_text(encoding="utf-8")


def write_page(path: str | Path, html: str) -> Path:
    """Write the page as UTF-8, making its folder, and give its absolute path back."""
    target = Path(path).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(html, encoding="utf-8")
    return target
