"""The blocks of a page, as HTML: `prose`, `code`, `figure`, `table`, `details`. Every text that comes in is escaped."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from matplotlib.figure import Figure

DOTS_PER_INCH = 150


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
    """A table, whose rows a click on a column's name sorts.

    Fractional numbers get three decimals, None becomes a dash, other cells stay as they are.

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
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
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


def details(title: str, *blocks: str) -> str:
    """Blocks that a reader opens by a click on the title."""
    return f"<details><summary>{escape(title)}</summary>\n" + "\n".join(blocks) + "\n</details>"
