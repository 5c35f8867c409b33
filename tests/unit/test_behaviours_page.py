# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/behaviours.md names a page and a test for each behaviour, and all of them are there."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
ROWS = [
    line.strip("|\n").split("|")
    for line in (DOCS / "behaviours.md").read_text().splitlines()
    if re.match(r"\| \d+ \|", line)
]
LINK = re.compile(r"\]\(([^)#]+)(?:#([^)]+))?\)")


def headings(page):
    """Return the anchors of the headings of a page in Markdown."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_there_are_sixteen():
    assert [int(row[0]) for row in ROWS] == list(range(1, 17))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip())
def test_each_names_pages_and_tests_that_are_there(row):
    pages, tests = LINK.findall(row[4]), LINK.findall(row[5])

    assert pages
    assert tests
    for path, anchor in [*pages, *tests]:
        assert (DOCS / path).is_file(), path
        assert not anchor or anchor in headings(DOCS / path), f"{path}#{anchor}"
    assert all(Path(path).name.startswith("test_") for path, _anchor in tests)
