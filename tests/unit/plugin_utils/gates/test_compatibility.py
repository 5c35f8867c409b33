# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release that does not fit what is live closes the gate."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.gates import _compatibility


def test_without_problems_it_is_open():
    found = _compatibility.answer([])

    assert (found.gate, found.is_open, found.needs) == ("compatibility", True, "")
    assert found.line() == "open: compatibility: compatible with all that is live there"


@pytest.mark.parametrize(
    ("problems", "text"),
    [
        (["web 1 requires api"], "web 1 requires api"),
        (["web 1 requires api", "b"], "2 problems, the first: web 1 requires api"),
    ],
)
def test_each_problem_closes_and_the_first_is_named(problems, text):
    found = _compatibility.answer(problems)

    assert (found.is_open, found.text) == (False, text)
    assert found.needs == "a release that is compatible with what is live there"
