# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The diff of a deployment names what goes live, which paths are linked, and what is seeded."""

from __future__ import annotations

import os

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.deployment import _host_diff
from ansible_collections.itops.release.tests.fakes.estate import write_tree

FILES = {"app": "1", "conf/db.yml": "as sealed", "conf.ini": "as sealed"}
LINKS = ["conf/db.yml", "conf.ini", "log/"]


@pytest.fixture
def label(estate):
    return estate.seal("1.0", FILES)


@pytest.fixture(params=[True, False], ids=["check mode", "done"])
def lines(request, estate):
    """Return the lines that only one side of a call's diff has, before and after."""

    def call(host, label, **params):
        result = host.deploy(label, request.param, **params)
        diff = _host_diff.diff(find, result)
        before, after = (diff[side].splitlines() for side in ("before", "after"))
        gone = [line for line in before if line not in after]
        return gone, [line for line in after if line not in before]

    def find(digest):
        return estate.library.get(digest).manifest if digest else None

    return call


def test_links_and_what_is_seeded_are_told_instead_of_files(estate, label, lines):
    host = estate.host(seed=True)
    write_tree(host.root / "shared", {"conf/db.yml": "kept"})

    gone, come = lines(host, label, linked_paths=LINKS)

    assert gone == ["current: nothing (none)"]
    assert [line for line in come if not line.startswith("app")] == [
        "current: shop 1.0 (live)",
        "link: conf.ini -> shared/conf.ini",
        "link: conf/db.yml -> shared/conf/db.yml",
        "link: log/ -> shared/log/",
        f"release: {host.tree_of(label)} (linked: conf.ini, conf/db.yml, log/)",
        "shared/conf.ini: copied from the release",
        "shared/log/: new",
        "conf/",
    ]


def test_links_that_alone_come_and_go_are_told(estate, label, lines):
    host = estate.host(seed=True)
    host.deploy(label, linked_paths=["conf.ini", "log/"])

    gone, come = lines(host, label, linked_paths=["log/", "data/"])

    assert gone == ["link: conf.ini -> shared/conf.ini"]
    assert come[:3] == [
        "link: data/ -> shared/data/",
        f"release: {host.tree_of(label)}.2 (linked: data/, log/)",
        "shared/data/: new",
    ]
    assert [line.split()[0] for line in come[3:]] == ["conf.ini"]  # the sealed file is seen again


def test_what_is_staged_is_told_with_its_links_and_seeds_nothing(estate, label, lines):
    gone, come = lines(estate.host(seed=True), label, linked_paths=["conf.ini"], state="staged")

    assert gone == []
    assert come == [f"release: {estate.host().tree_of(label)} (linked: conf.ini)"]


def test_what_was_adopted_is_not_among_what_a_removal_takes(estate, label, lines):
    host = estate.host(adopt=True)
    write_tree(host.root / "releases/2015", {"app": "old"})
    os.symlink("releases/2015", host.root / "current")
    host.deploy(label, state="staged")

    assert lines(host, None, state="absent") == ([f"release: {host.tree_of(label)}"], [])


def test_a_release_that_no_library_knows_is_told_without_its_files(estate, label):
    host = estate.host(seed=True)
    result = host.deploy(label, linked_paths=["conf.ini"])

    after = _host_diff.diff(lambda digest: None, result)["after"]

    assert after.splitlines()[1:] == [
        "link: conf.ini -> shared/conf.ini",
        f"release: {host.tree_of(label)} (linked: conf.ini)",
        "shared/conf.ini: new",
    ]


def test_nothing_to_do_has_no_diff(estate, label):
    host = estate.host()
    host.deploy(label)

    diff = _host_diff.diff(lambda digest: None, host.deploy(label))

    assert diff["before"] == diff["after"] == ""
