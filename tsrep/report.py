"""A report as one HTML page that needs nothing else: no file beside it, no network, no script.

Blocks are functions that return HTML: `prose`, `figure`, `table`, `code`. A `section` holds blocks, `page`
holds sections or blocks, `write_page` puts the page on disk. Every text that comes in is escaped, figures are embedded
as PNG, and the page follows the reader's light or dark setting and the width of a phone. ::

    html = page("Results", [section("GunPoint", prose("Trained for 200 steps."), figure(fig, "The loss."))])
    write_page("report.html", html)
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from matplotlib.figure import Figure

DOTS_PER_INCH = 150

STYLE = """
:root { color-scheme: light dark; --ink: #1f2933; --quiet: #5f6b7a; --ground: #ffffff; --line: #dde2e8;
        --panel: #f5f7f9; --accent: #0072b2; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7eb; --quiet: #9aa5b1; --ground: #15191e; --line: #323b45; --panel: #1e242b;
          --accent: #56b4e9; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem 1rem 4rem; background: var(--ground);
       color: var(--ink);
       font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: .5rem 0 .25rem; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line); }
p, pre, figcaption { max-width: 60rem; }
.lead, figcaption { color: var(--quiet); }
.lead { font-size: 1.1rem; margin-top: 0; }
figure { margin: 1.25rem 0; }
figure img { display: block; max-width: 100%; height: auto; margin: 0 auto; background: #fff;
             border-radius: 6px; border: 1px solid var(--line); }
figcaption { font-size: .9rem; padding: .4rem 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; min-width: min(100%, 40rem); font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .5rem; text-align: right; border-bottom: 1px solid var(--line); }
td { white-space: nowrap; }
th { font-weight: 600; vertical-align: bottom; border-bottom: 2px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
td.best { font-weight: 700; color: var(--accent); }
pre { background: var(--panel); padding: .8rem 1rem; border-radius: 6px; overflow-x: auto; font-size: .9rem; }
"""


def prose(text: str) -> str:
    """Paragraphs of plain text; an empty line starts the next."""
    paragraphs = (" ".join(part.split()) for part in text.split("\n\n"))
    return "\n".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs if paragraph)


def code(text: str) -> str:
    """Text in a fixed-width block, lines kept as they are."""
    return f"<pre><code>{escape(text.strip())}</code></pre>"


def png(drawing: Figure) -> bytes:
    """A figure as the bytes of a PNG file."""
    buffer = io.BytesIO()
    drawing.savefig(buffer, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()


def figure(drawing: Figure | bytes, caption: str = "", alt: str | None = None) -> str:
    """An embedded picture (a matplotlib figure or the bytes of a PNG file) over its caption.

    `alt` describes the picture to those who cannot see it; without it the caption does.
    """
    content = png(drawing) if isinstance(drawing, Figure) else drawing
    source = f"data:image/png;base64,{base64.b64encode(content).decode('ascii')}"
    return f'<figure><img src="{source}" alt="{escape(alt or caption)}">{_caption(caption)}</figure>'


@dataclass(frozen=True)
class Best:
    """A cell of a table that is set in bold."""

    value: object


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "", best: Sequence[int] = ()
) -> str:
    """A table. Fractional numbers get three decimals, None becomes a dash, other cells stay as they are.

    Parameters
    ----------
    best : sequence of int
        Columns that compete: in each row the largest number among them is set in bold, in a tie each. A cell `Best`
        is bold wherever it stands.

    Raises
    ------
    ValueError
        If a row does not have one cell for each column.
    """
    lines = []
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"a row has {len(row)} cells; wanted {len(columns)}: {list(columns)}")
        competing = [row[i] for i in best]
        top = max((value for value in competing if isinstance(value, int | float)), default=None)
        cells = (Best(value) if i in best and value == top else value for i, value in enumerate(row))
        lines.append(f"<tr>{''.join(map(_cell, cells))}</tr>")
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    return (
        f'<figure><div class="wide"><table><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{chr(10).join(lines)}</tbody></table></div>{_caption(caption)}</figure>"
    )


def _caption(text: str) -> str:
    return f"<figcaption>{escape(text)}</figcaption>" if text else ""


def _cell(value: object) -> str:
    if isinstance(value, Best):
        return f'<td class="best">{_text(value.value)}</td>'
    return f"<td>{_text(value)}</td>"


def _text(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.3f}"
    return escape(str(value))


def section(title: str, *blocks: str) -> str:
    """Blocks under a heading."""
    return f"<section><h2>{escape(title)}</h2>\n" + "\n".join(blocks) + "\n</section>"


def page(title: str, sections: Iterable[str], lead: str = "") -> str:
    """The whole page: a title, one sentence that leads in, and the sections; blocks may stand among them."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{escape(title)}</h1>
{f'<p class="lead">{escape(lead)}</p>' if lead else ""}
{chr(10).join(sections)}
</body>
</html>
"""


def write_page(path: str | Path, html: str) -> Path:
    """Write the page as UTF-8, making its folder, and give its absolute path back."""
    target = Path(path).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(html, encoding="utf-8")
    return target
