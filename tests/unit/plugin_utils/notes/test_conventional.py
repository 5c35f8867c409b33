# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of commits: Conventional Commits are understood, all others kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.plugin_utils.notes import _conventional


@pytest.mark.parametrize(
    ("message", "meaning"),
    [
        ("feat: add lists", ("feat", "", "add lists", "")),
        ("Fix(cart): count  twice", ("fix", "cart", "count  twice", "")),
        ("feat(api)!: drop v1", ("feat", "api", "drop v1", "drop v1")),
        ("refactor!: drop Python 3.8", ("refactor", "", "drop Python 3.8", "drop Python 3.8")),
        (
            "feat: x\n\nbody\n\nBREAKING CHANGE: env wins over file\nReviewed-by: Z",
            ("feat", "", "x", "env wins over file"),
        ),
        ("build-tools: y\n\nBREAKING-CHANGE: so", ("build-tools", "", "y", "so")),
        ("Add lists", ("", "", "Add lists", "")),
        ("feat add lists", ("", "", "feat add lists", "")),
        ("feat:no blank", ("", "", "feat:no blank", "")),
        ("feat(): empty", ("", "", "feat(): empty", "")),
        ("Merge branch 'x' into y: z", ("", "", "Merge branch 'x' into y: z", "")),
        ("words\n\nBREAKING CHANGE: said in prose", ("", "", "words", "said in prose")),
        ("breaking change: in lower case", ("", "", "breaking change: in lower case", "")),
        ("", ("", "", "", "")),
    ],
)
def test_a_message_is_read(message, meaning):
    assert _conventional.read(message)[:4] == meaning


@pytest.mark.parametrize(
    ("message", "issues"),
    [
        ("fix: x (#12)\n\nCloses #7, #12", ("#12", "#7")),
        ("SHOP-42: x\n\nRefs: PAY2-7.", ("SHOP-42", "PAY2-7")),
        ("UTF-8, SHA-256, ISO-8859 and CVE-2024 are none", ()),
        ("colour #123456x &#39; a#1 C#7 page/#3 v1.0-RC-1", ()),
        ("#0 and #00", ()),
    ],
)
def test_issues_are_found_and_little_else(message, issues):
    assert _conventional.read(message).issues == issues


def test_a_commit_that_takes_another_back_names_it():
    message = 'Revert "feat: x"\n\nThis reverts commit 4f4f4f4f4f4f.\n'

    assert _conventional.read(message).reverts == "4f4f4f4f4f4f"


@given(st.text())
def test_no_message_is_an_error_and_its_first_line_is_kept(message):
    meaning = _conventional.read(message)

    assert meaning.text in message
    assert "\n" not in meaning.text
