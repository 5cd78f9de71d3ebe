from html.parser import HTMLParser

import pytest
from matplotlib.figure import Figure

from tsrep.report import Best, code, contents, details, figure, page, prose, section, table, write_page

NASTY = '<script>alert("x")</script> & </table>'


class Reader(HTMLParser):
    """Collects tags, attributes and text of a page, and checks that tags close in order."""

    VOID = {"meta", "img", "br", "link"}

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href", "srcset", "data")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def drawing() -> Figure:
    picture = Figure(figsize=(1, 1))
    picture.subplots().plot([0, 1])
    return picture


def test_page_is_self_contained():
    html = page(
        "Title", [section("First", prose("Some text."), figure(drawing(), "A line."))], lead="What it is."
    )
    reader = Reader(html)
    assert reader.links and all(link.startswith("data:") for link in reader.links)
    assert reader.tags.count("script") == 1 and "iframe" not in reader.tags
    assert "http://" not in html and "https://" not in html
    assert "url(" not in html and "@import" not in html
    assert "prefers-color-scheme: dark" in html and 'name="viewport"' in html


def test_every_text_is_escaped():
    blocks = [
        contents([NASTY]),
        details(NASTY, prose(NASTY)),
        prose(NASTY),
        code(NASTY),
        figure(drawing(), NASTY),
        table([NASTY], [[NASTY]], caption=NASTY),
    ]
    reader = Reader(page(NASTY, [section(NASTY, *blocks)], lead=NASTY))
    assert reader.tags.count("script") == 1  # the page's own
    assert reader.tags.count("table") == 1
    assert reader.text.count(NASTY) == 13  # twice in the title, once in each other place


def test_prose_splits_paragraphs():
    assert prose("one\n line\n\n two") == "<p>one line</p>\n<p>two</p>"


def test_table_marks_the_best_of_a_row_and_ties():
    html = table(
        ["set", "a", "b", "n"],
        [["x", 0.5, 0.75, 9], ["y", 0.25, 0.25, 9], ["z", None, 0.1, 9]],
        "c",
        best=(1, 2),
    )
    assert html.count('class="best"') == 4
    assert '<td>0.500</td><td class="best">0.750</td><td>9</td>' in html
    assert '<td>–</td><td class="best">0.100</td>' in html


def test_a_cell_may_be_marked_as_best_and_a_caption_left_out():
    html = table(["set", "a"], [["x", Best("0.750 ± 0.1")]])
    assert '<td class="best">0.750 ± 0.1</td>' in html and "figcaption" not in html
    assert "figcaption" not in figure(b"", alt="nothing")


def test_table_refuses_a_short_row():
    with pytest.raises(ValueError, match="1 cells; wanted 2"):
        table(["a", "b"], [["only"]], "c")


def test_figure_takes_png_bytes_and_an_alternative_text():
    assert 'src="data:image/png;base64,AAE=" alt="a dot"' in figure(b"\x00\x01", "caption", alt="a dot")


def test_page_is_written_where_no_folder_was(tmp_path):
    target = write_page(tmp_path / "new" / "page.html", page("Größe", []))
    assert target.is_absolute()
    assert "Größe" in target.read_text(encoding="utf-8")
