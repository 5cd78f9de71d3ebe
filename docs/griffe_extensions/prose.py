"""Entries of docstrings as griffe expects them: one name each, a type or a description.

`n_components : width D of a representation.` describes a parameter whose type is in the signature. griffe would show
the words as the type, so they move to a line of their own, as do those of "Returns". `batch_size, lr : ...` becomes an
entry for each, as griffe would give both the default of the first.
"""

import re
from collections.abc import Iterator
from typing import Any

from griffe import Extension, Object

SECTIONS = ("Parameters", "Other Parameters", "Attributes")
ENTRY = re.compile(r"(\*{0,2}\w+(?:, \*{0,2}\w+)*) :(?: (.*))?")
TYPE = re.compile(
    r"\{.*|\"[^.]*\"|(array|bool|callable|dict|float|int|list|ndarray|object|sequence|str|tuple)\b[^.;:]*|[\w\[\], ]+"
)
LONGEST_TYPE = 40  # for those that are words only, such as "torch module"


def is_type(words: str, below: list[str]) -> bool:
    """Whether the first line of an entry is a type; `below` are the lines under it, where a description would begin."""
    if not below or words == "one of" or not TYPE.fullmatch(words):
        return False
    named = words.startswith("{") or not below[0].lstrip()[:1].islower()
    return named and (len(words) <= LONGEST_TYPE or words.startswith("{"))


def entries(lines: list[str]) -> Iterator[list[str]]:
    """The lines of a section, entry by entry: a line that is not indented begins one."""
    entry: list[str] = []
    for line in lines:
        if entry and line.strip() and not line.startswith(" "):
            yield entry
            entry = []
        entry.append(line)
    yield entry


def rewritten(entry: list[str]) -> list[str]:
    """One entry per name, with its description below the name."""
    found = ENTRY.fullmatch(entry[0]) if entry else None
    if not found:
        return entry
    names, words = found[1].split(", "), found[2] or ""
    below = [line for line in entry[1:] if line.strip()]
    if is_type(words, below):
        heads = [[f"{name} : {words}"] for name in names]
    else:
        heads = [[name, f"    {words}"] for name in names]
    return [line for head in heads for line in head + entry[1:]]


def returned(body: list[str], annotation: str) -> list[str]:
    """A section "Returns" that only describes, below the type in the signature."""
    text = [line for line in body if line.strip()]
    if any(line.startswith(" ") or ENTRY.fullmatch(line) for line in text) or not text:
        return body
    return [annotation, *(f"    {line}" for line in text), ""]


def with_code(lines: list[str]) -> list[str]:
    """Examples outside a section, up to the next empty line, as code and not as quotations."""
    result: list[str] = []
    inside = False
    for line in [*lines, ""]:
        if line.startswith(">>>") and not inside:
            result.append("```pycon")
            inside = True
        elif inside and not line.strip():
            result.append("```")
            inside = False
        result.append(line)
    return result[:-1]


def for_griffe(text: str, annotation: str = "") -> str:
    """The docstring with every entry of its sections rewritten; `annotation` is what the signature returns."""
    lines = text.splitlines()
    starts = [place for place in range(len(lines) - 1) if re.fullmatch("-{3,}", lines[place + 1])]
    ends = [*starts[1:], len(lines)]
    result = with_code(lines[: min([*starts, len(lines)])])
    for start, end in zip(starts, ends, strict=False):
        result += lines[start : start + 2]
        body = lines[start + 2 : end]
        if lines[start] in SECTIONS:
            body = [line for entry in entries(body) for line in rewritten(entry)]
        elif lines[start] == "Returns" and annotation:
            body = returned(body, annotation)
        result += body
    return "\n".join(result)


class Prose(Extension):
    """Rewrites every docstring before it is parsed."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring:
            annotation = str(obj.returns or "") if obj.is_function else ""
            obj.docstring.value = for_griffe(obj.docstring.value, annotation)
