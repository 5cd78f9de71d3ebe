"""A report as one HTML page that needs nothing else: no file beside it, no network.

Blocks are functions that return HTML: `prose`, `figure`, `table`, `code`, `details`. A `section` holds blocks, `page`
holds sections or blocks, `write_page` puts the page on disk. Every text that comes in is escaped, figures are embedded
as PNG, and the page follows the reader's light or dark setting and the width of a phone. Its script (page.js) sorts and
filters the tables; without scripts they are read as they stand. ::

    html = page("Results", [section("GunPoint", prose("Trained for 200 steps."), figure(fig, "The loss."))])
    write_page("report.html", html)
"""

from tsrep.report.blocks import Best, code, details, figure, png, prose, table
from tsrep.report.page import contents, page, section, write_page

__all__ = [
    "Best",
    "code",
    "contents",
    "details",
    "figure",
    "page",
    "png",
    "prose",
    "section",
    "table",
    "write_page",
]
