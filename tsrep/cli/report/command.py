"""The command `tsrep report`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from tsrep.cli.files import checked_out
from tsrep.cli.output import Json, print_json

MOST_BYTES = 5_000_000  # of a picture or a record


def report(
    folder: Annotated[
        Path, typer.Argument(help="Folder, with the folders in it.", exists=True, file_okay=False)
    ],
    out: Annotated[
        Path | None, typer.Option(help="HTML file to write; default: report.html in the folder.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title of the page; default: the folder's name.")] = None,
    as_json: Json = False,
) -> None:
    """Write one HTML page of what a folder holds: results of benchmarks, models, tables, representations, pictures.

    The page needs no network and no file beside it. Its tables sort by a click on a column, and filter.
    """
    from tsrep import report as html
    from tsrep.cli.report.arrays import array_section
    from tsrep.cli.report.benchmarks import benchmark_section
    from tsrep.cli.report.contents import contents_of
    from tsrep.cli.report.models import model_section
    from tsrep.cli.report.tables import table_section

    target = checked_out(out or folder / "report.html", (".html", ".htm"))
    found = contents_of(folder)
    if not found:
        raise ValueError(f"{folder} holds nothing to report: no results, models, tables, arrays or pictures")
    console = Console(stderr=True, highlight=False)
    titles, sections, not_shown = [], [], {}
    kinds: tuple[tuple[list[Path], Callable[[str, Path], str]], ...] = (
        (found.benchmarks, benchmark_section),
        (found.tables, table_section),
        (found.pictures, _picture),
        (found.models, model_section),
        (found.arrays, array_section),
        (found.records, _record),
    )
    for paths, write in kinds:
        for path in paths:
            name = str(path.relative_to(folder)) if path != folder else folder.resolve().name
            try:
                sections.append(write(name, path))
            except Exception as error:  # a damaged file must not cost the page
                not_shown[name] = str(error)
                console.print(
                    f"[yellow]not shown:[/yellow] {escape(name)}: {escape(str(error))}", soft_wrap=True
                )
                sections.append(html.section(name, html.prose(f"Not shown: {error}")))
            titles.append(name)
    lead = f"What {folder.resolve().name} holds."
    if found.left_out:
        lead += f" {found.left_out} further files are left out."
    blocks = [html.contents(titles), *sections]
    path = html.write_page(target, html.page(title or folder.resolve().name, blocks, lead))
    console.print(f"{len(sections)} sections: {escape(str(path))}", soft_wrap=True)
    print_json(as_json, out=path, sections=titles, not_shown=not_shown, left_out=found.left_out)


def _picture(title: str, path: Path) -> str:
    from tsrep import report as html

    _refuse_large(path)
    return html.section(title, html.figure(path.read_bytes(), alt=path.stem))


def _record(title: str, path: Path) -> str:
    from tsrep import report as html

    _refuse_large(path)
    text = json.dumps(json.loads(path.read_text(encoding="utf-8")), indent=2, ensure_ascii=False)
    return html.section(title, html.details("Show", html.code(text)))


def _refuse_large(path: Path) -> None:
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"it has {path.stat().st_size / 1e6:.0f} MB")
