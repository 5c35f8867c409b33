# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparing two releases: component by component, file by file, exec bit apart."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.release import _comparison
from ansible_collections.itops.release.tests.fakes.estate import (
    component,
    directory,
    file,
    link,
    manifest,
)

NOTHING = {"added": [], "removed": [], "modified": [], "exec_changed": []}


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ([], [], {}),
        ([file("a", "1")], [file("a", "1")], {}),
        ([], [file("a", "1"), directory("d")], {"added": ["a", "d"]}),
        ([file("a", "1"), directory("d")], [], {"removed": ["a", "d"]}),
        ([file("a", "1")], [file("a", "2")], {"modified": ["a"]}),
        ([file("a", "1")], [file("a", "1", exec=True)], {"exec_changed": ["a"]}),
        (
            [file("a", "1", exec=True)],
            [file("a", "2")],
            {"modified": ["a"], "exec_changed": ["a"]},
        ),
        ([file("a", "1")], [link("a", "b")], {"modified": ["a"]}),
        ([file("a", "1", exec=True)], [link("a", "b")], {"modified": ["a"], "exec_changed": ["a"]}),
        ([link("a", "b")], [link("a", "c")], {"modified": ["a"]}),
        ([file("a", "1")], [file("a", "1", private=True)], {"modified": ["a"]}),
        ([file("a", "1")], [file("b", "1")], {"added": ["b"], "removed": ["a"]}),
    ],
)
def test_files_are_compared_one_by_one(before, after, changes):
    assert _comparison.compare_entries(before, after) == {**NOTHING, **changes}


def test_components_are_compared_by_name():
    first = manifest(
        component(file("a", "1"), name="api", version="1"),
        component(file("a", "1"), name="db", version="1"),
        component(file("a", "1"), name="same", version="1"),
        component(file("a", "1"), name="web", version="1"),
    )
    second = manifest(
        component(file("a", "1"), file("b", "2"), name="api", version="2"),
        component(file("a", "1"), name="queue", version="1"),
        component(file("a", "1"), name="same", version="1"),
        component(file("a", "1"), name="web", version="1", path="www"),
    )

    compared = _comparison.compare(first, second)

    assert [
        (item["name"], item["change"], item["from_version"], item["to_version"])
        for item in compared
    ] == [
        ("api", "modified", "1", "2"),
        ("db", "removed", "1", None),
        ("queue", "added", None, "1"),
        ("same", "unchanged", "1", "1"),
        ("web", "modified", "1", "1"),
    ]
    assert compared[0]["added"] == ["b"]
    assert compared[1]["removed"] == ["a"]
    assert compared[2]["added"] == ["a"]
    assert {key: compared[3][key] for key in NOTHING} == NOTHING


def test_a_diff_names_only_what_differs():
    def tree(*entries):
        return {entry.path: entry for entry in entries}

    before, after = _comparison.difference(
        tree(file("a", "1"), file("same", "2"), link("l", "a")),
        tree(file("a", "1", exec=True), file("same", "2"), directory("d")),
    )

    assert [line.split("  ")[0] for line in before.splitlines()] == ["a", "l -> a"]
    assert [line.split("  ")[0] for line in after.splitlines()] == ["a*", "d/"]
    assert before.endswith("\n")
