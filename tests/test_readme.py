"""The examples in README.md and docs/ run as printed and give what their comments say; only training is cut short."""

import ast
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tsrep
from tsrep.ssgan.parameters import RECIPES, best

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def python_in(page: Path) -> str:
    """The page's Python blocks, one after the other, each on the lines where it stands in the page."""
    text = page.read_text(encoding="utf-8")
    lines = [""] * text.count("\n")
    for block in BLOCK.finditer(text):
        start = text[: block.start(1)].count("\n")
        code = block[1].splitlines()
        lines[start : start + len(code)] = code
    return "\n".join(lines)


def promised(comment: str) -> Any:
    """The value that a comment begins with, `(67, 1, 24): instances ...` for example; Ellipsis for mere words."""
    try:
        return ast.literal_eval(re.split(r"[:;] |$", comment, maxsplit=1)[0].strip())
    except (SyntaxError, ValueError):
        return ...


def run(page: Path) -> list[str]:
    """Runs a page; gives every place where an expression's value is not what the comment beside it says."""
    source = python_in(page)
    lines, names, wrong = source.splitlines(), {}, []
    for node in ast.parse(source).body:
        comment = promised(
            lines[node.end_lineno - 1][node.end_col_offset :].strip().removeprefix("#").strip()
        )
        if isinstance(node, ast.Expr) and comment is not ...:
            value = eval(compile(ast.Expression(node.value), str(page), "eval"), names)
            if value != comment:
                wrong.append(f"{page.name}:{node.lineno}: {ast.unparse(node)} is {value}, not {comment}")
        else:
            exec(compile(ast.Module([node], []), str(page), "exec"), names)
    return wrong


@pytest.mark.parametrize(
    "page", [page for page in PAGES if python_in(page).strip()], ids=lambda page: str(page.relative_to(ROOT))
)
def test_examples_run_and_keep_their_word(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tsrep.TS2Vec, "_length_of_training", lambda encoder, values: (2, None))
    monkeypatch.setitem(RECIPES, "best", lambda: replace(best(), max_steps=2))
    assert run(page) == []


def test_a_broken_promise_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Words.\n\n```python\nx = 1 + 1\nx  # 2: right\nx  # 3; wrong\nx  # words\n```\n", encoding="utf-8"
    )
    assert run(page) == ["page.md:6: x is 2, not 3"]
