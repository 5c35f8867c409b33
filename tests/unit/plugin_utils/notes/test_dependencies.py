# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of others in two bills of materials: what came, went, and in which direction."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.notes import _dependencies


def bill(*packages):
    """Return a bill with a part for each (package URL, licence); the second lies in the first."""
    parts = [
        {"purl": purl, "licenses": [{"license": {"id": licence}}] if licence else []}
        for purl, licence in packages
    ]
    return [{"components": [{"name": "web", "components": parts}]}]


def changes(old, new):
    rows = _dependencies.compare(bill(*old), bill(*new))
    return [(row.package, row.change) for row in rows]


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ("pkg:pypi/a@1.9", "pkg:pypi/a@1.10", "upgraded"),
        ("pkg:pypi/a@2.0", "pkg:pypi/a@2.0rc1", "downgraded"),
        ("pkg:pypi/a@odd!", "pkg:pypi/a@2.0", "changed"),
        ("pkg:npm/%40s/a@1.0.0-rc.2", "pkg:npm/%40s/a@1.0.0-rc.10", "upgraded"),
        ("pkg:npm/a@1.0.0", "pkg:npm/a@1.0.0-rc.1", "downgraded"),
        ("pkg:npm/a@1.0.0", "pkg:npm/a@1.0.0+build", "changed"),
        ("pkg:deb/debian/a@1.0~rc1-1?arch=all", "pkg:deb/debian/a@1.0-1?arch=all", "upgraded"),
        ("pkg:deb/debian/a@1%3A1.0-1", "pkg:deb/debian/a@2.0-1", "downgraded"),
        ("pkg:golang/x/y@v1.2.3", "pkg:golang/x/y@v1.10.0", "upgraded"),
        ("pkg:generic/a@x", "pkg:generic/a@y", "changed"),
    ],
)
def test_versions_are_ordered_as_those_who_make_packages_have_it(old, new, change):
    ((_package, found),) = changes([(old, "")], [(new, "")])
    assert found == change


def test_packages_come_and_go_and_change_their_licence():
    old = [("pkg:pypi/gone@1", ""), ("pkg:pypi/same@1", "MIT"), ("pkg:pypi/free@1", "MIT")]
    new = [("pkg:pypi/new@1", ""), ("pkg:pypi/same@1", "MIT"), ("pkg:pypi/free@1", "BUSL-1.1")]

    assert changes(old, new) == [
        ("pkg:pypi/free", "relicensed"),
        ("pkg:pypi/gone", "removed"),
        ("pkg:pypi/new", "added"),
    ]


def test_a_package_that_is_there_twice_is_compared_by_its_highest_version():
    twice = [("pkg:npm/a@1.0.0", ""), ("pkg:npm/a@2.0.0", "")]

    (row,) = _dependencies.compare(bill(*twice), bill(("pkg:npm/a@3.0.0", "")))
    assert row.change == "upgraded"
    assert (row.from_versions, row.to_versions) == (("1.0.0", "2.0.0"), ("3.0.0",))
    assert changes(twice, twice[1:]) == [("pkg:npm/a", "changed")]


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"components": "x"},
        {"components": [None, "x", {"purl": 1}, {"components": {}}]},
        {"components": [{"purl": "pkg:npm/a@1", "licenses": [None, {"license": 1}, {}]}]},
    ],
)
def test_a_bill_that_is_odd_tells_what_it_can(odd):
    _dependencies.packages([odd])


def test_a_bill_that_is_nested_without_end_is_read_to_some_depth():
    deep = {"purl": "pkg:npm/deep@1"}
    for _level in range(5000):
        deep = {"components": [deep]}

    assert _dependencies.packages([deep]) == {}
