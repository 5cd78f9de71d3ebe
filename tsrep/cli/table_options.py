"""How a table file is read, by the options of a shell: typed once, as the fields of `TableOptions`.

A command that reads tables takes one keyword-only parameter `options: TableOptions`, and the decorator
`reads_tables` puts an option for each field in its place.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from inspect import Parameter, Signature, signature
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tsrep.cli.options import TABLE, names

if TYPE_CHECKING:
    from tsrep.data.file_format import FileFormat


def _option(help: str, *declared: str, show_default: bool = True) -> Any:
    return typer.Option(*declared, help=help, rich_help_panel=TABLE, show_default=show_default)


@dataclass(frozen=True)
class TableOptions:
    """How a table file is read, as `tsrep.data.read_table` takes it."""

    time: Annotated[
        str | None,
        _option(
            "The time column, or several that are one time together, separated by commas; none: each row is a step; "
            "default: detected."
        ),
    ] = None
    columns: Annotated[str | None, _option("The columns to use, separated by commas; default: all.")] = None
    every: Annotated[
        str | None,
        _option(
            "Average the rows over steps of this length, for example 5min, or of the calendar, for example MS."
        ),
    ] = None
    missing: Annotated[
        float | None, _option("The number that stands for a missing value, for example -9999.")
    ] = None
    sort: Annotated[bool, _option("Sort the rows by time and average rows with the same time.", "--sort")] = (
        False
    )
    day_first: Annotated[
        bool | None,
        _option(
            "Which number of dates such as 01/02/2024 is the day; default: detected.",
            "--day-first/--month-first",
            show_default=False,
        ),
    ] = None
    separator: Annotated[
        str | None,
        _option(
            "What stands between the fields of a text file: a character, tab or blanks (default: detected)."
        ),
    ] = None
    decimal: Annotated[str | None, _option("The mark before decimals, . or , (default: detected).")] = None
    encoding: Annotated[
        str | None, _option("The encoding of a text file, utf-8 or cp1252 for example (default: detected).")
    ] = None
    sheet: Annotated[
        str | None, _option("The sheet of an Excel file; default: the first visible one that is not empty.")
    ] = None
    rows: Annotated[bool, _option("Each row of the table is a series, with a column per step.", "--rows")] = (
        False
    )

    @property
    def given(self) -> set[str]:
        """The options that were given, by the names they have in a shell."""
        values = {name: getattr(self, name) for name in FIELDS}
        return {option_of(name) for name, value in values.items() if value is not None and value is not False}

    @property
    def column_names(self) -> list[str] | None:
        """The names in `columns`, None for all."""
        return names(self.columns)

    @property
    def written(self) -> FileFormat:
        """How the file is written; a ValueError for a value that cannot be."""
        from tsrep.data.file_format import FileFormat

        return FileFormat(self.separator, self.decimal, self.encoding, self.sheet)


FIELDS = tuple(field.name for field in fields(TableOptions))


def option_of(name: str) -> str:
    """The option of a parameter.

    Examples
    --------
    >>> option_of("day_first")
    '--day-first'
    """
    return f"--{name.replace('_', '-')}"


def as_option(name: str, value: Any) -> str:
    """An option of the reader as messages write it in a shell; see `tsrep.data.wording`.

    Examples
    --------
    >>> as_option("sort", True), as_option("day_first", False), as_option("separator", ";")
    ('--sort', '--month-first', "--separator ';'")
    """
    if name == "day_first":
        return "--day-first" if value else "--month-first"
    return option_of(name) if value is None or value is True else f"{option_of(name)} {quote(str(value))}"


def reads_tables(*, rows: bool = True) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command with the parameter `options: TableOptions` an option for each of its fields.

    Messages of the reader name these options.

    Parameters
    ----------
    rows : whether `--rows` is among them.
    """
    offered = {
        name: parameter
        for name, parameter in signature(TableOptions, eval_str=True).parameters.items()
        if rows or name != "rows"
    }

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        parameters: list[Parameter] = []
        for parameter in signature(command, eval_str=True).parameters.values():
            parameters += offered.values() if parameter.name == "options" else [parameter]

        @functools.wraps(command)
        def with_options(**given: Any) -> None:
            from tsrep.data.wording import worded

            options = TableOptions(**{name: given.pop(name) for name in offered})
            with worded(as_option):
                command(options=options, **given)

        keyword_only = [parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in parameters]
        with_options.__signature__ = Signature(keyword_only)  # type: ignore[attr-defined]
        return with_options

    return decorate
