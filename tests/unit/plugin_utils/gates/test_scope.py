# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release brings the issues of its plan and no others, unless that is excused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.plugin_utils.gates import _scope
from ansible_collections.itops.release.plugins.plugin_utils.gates._issues_of import Issues

IDS = st.lists(st.sampled_from(["A-1", "a-1", "B-2", "b-2", "#3", "#4"]), max_size=5)


def answer(scope, built, excused=()):
    return _scope.answer(scope, dict.fromkeys(excused, "why"), Issues(tuple(built)))


@pytest.mark.parametrize(
    ("scope", "built", "excused", "text"),
    [
        (None, [], [], "no scope is planned"),
        (None, ["SHOP-900"], [], "no scope is planned"),
        ([], [], [], "0 issues"),
        (["SHOP-812"], ["SHOP-812"], [], "1 issue"),
        (["SHOP-812", "SHOP-840"], ["SHOP-812", "SHOP-840"], [], "2 issues"),
        (["A-1", "A-2"], ["A-1", "A-2", "A-3"], ["A-3"], "3 issues, 1 excused"),
        (["A-1", "A-2"], ["A-1"], ["A-2"], "2 issues, 1 excused"),
        (["A-1"], ["A-2"], ["A-1", "A-2"], "2 issues, 2 excused"),
        # Neither scoped nor built; and scoped and built: that needs no excuse.
        (["A-1"], ["A-1"], ["A-9", "A-1"], "1 issue"),
        (["shop-812"], ["SHOP-812"], [], "1 issue"),
        (["SHOP-812", "shop-812"], ["Shop-812"], [], "1 issue"),
        ([], ["SHOP-900"], ["shop-900"], "1 issue, 1 excused"),
    ],
)
def test_what_is_planned_built_or_excused_opens(scope, built, excused, text):
    found = answer(scope, built, excused)

    assert found.is_open
    assert (found.text, found.needs) == (text, "")


@pytest.mark.parametrize(
    ("scope", "built", "excused", "text", "ids"),
    [
        (["A-1"], ["A-1", "SHOP-900"], [], "not planned: SHOP-900", "SHOP-900"),
        ([], ["SHOP-900"], [], "not planned: SHOP-900", "SHOP-900"),
        (["A-1", "SHOP-812"], ["A-1"], [], "not built: SHOP-812", "SHOP-812"),
        (["A-1"], [], ["A-2"], "not built: A-1", "A-1"),
        (["A-1"], ["B-2"], [], "not planned: B-2; not built: A-1", "B-2, A-1"),
        (["A-1"], ["B-2"], ["B-2"], "not built: A-1", "A-1"),
        # An id within another one is another one.
        (["SHOP-81"], ["SHOP-812"], [], "not planned: SHOP-812; not built: SHOP-81", None),
        ([" SHOP-8"], ["SHOP-8"], [], "not planned: SHOP-8; not built:  SHOP-8", None),
        (
            [f"A-{n}" for n in range(1, 8)],
            [f"B-{n}" for n in range(1, 6)],
            [],
            "not planned: B-1, B-2, B-3, B-4, B-5; not built: A-1, A-2, A-3, A-4, A-5 and 2 more",
            "B-1, B-2, B-3, B-4, B-5 and 7 more",
        ),
    ],
)
def test_what_is_not_planned_or_not_built_closes_with_its_ids(scope, built, excused, text, ids):
    found = answer(scope, built, excused)

    assert not found.is_open
    assert found.text == text
    if ids:
        assert found.needs == f"scope or excused in the plan: {ids}"


def test_issues_that_are_not_known_close_whatever_is_planned():
    issues = Issues((), "shop:2: it has no build note, so its commits are not known")

    for scope in ([], ["A-1"]):
        found = _scope.answer(scope, {"A-1": "why"}, issues)
        assert not found.is_open
        assert found.text == issues.problem
        assert found.needs
    assert _scope.answer(None, {}, issues).is_open


def test_the_answer_is_one_line_of_the_gate():
    assert answer(["A-1"], []).line() == (
        "closed: scope: not built: A-1 (needs scope or excused in the plan: A-1)"
    )
    assert answer(["A-1\n"], []).line().isprintable()


@given(IDS, IDS, IDS)
def test_it_is_open_if_and_only_if_each_difference_is_excused(scope, built, excused):
    planned, there, spared = ({name.lower() for name in some} for some in (scope, built, excused))

    assert answer(scope, built, excused).is_open == ((planned ^ there) <= spared)
