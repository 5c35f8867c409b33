# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What plays of a deployment know of each other, and the hosts and sizes that they have."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.fleet._fleet import Rules
from ansible_collections.itops.release.plugins.plugin_utils.fleet._waves import Batch
from ansible_collections.itops.release.plugins.plugin_utils.ledger._journal import Journal
from ansible_collections.itops.release.plugins.plugin_utils.planning import _kept
from ansible_collections.itops.release.plugins.plugin_utils.planning._kept import Kept

KEPT = Kept(
    release={"name": "shop", "version": "2.0.0", "digest": "2" * 64},
    environment="production",
    hosts=("a", "b", "c"),
    rules=Rules((1, "100%"), 60, "50%", missing=("d",)),
    batches=(Batch(1, ("a",)), Batch(2, ("b", "c"))),
    way_back=(Batch(1, ("c", "b")),),
    reason="c: the probe failed",
    runs={"b": "run-1"},
    earlier=("run-1",),
    gone=("e",),
    position=7,
)


@pytest.fixture
def journal(tmp_path):
    return Journal(str(tmp_path))


def test_all_of_it_is_kept(journal):
    KEPT.keep(journal)

    assert Kept.of(journal) == KEPT


def test_nothing_is_kept_of_a_run_that_was_not_staged(journal):
    assert Kept.of(journal) is None


@pytest.mark.parametrize(
    ("part", "hosts", "serial"),
    [("waves", ["a", "b", "c"], [1, 2]), ("way_back", ["c", "b"], [2])],
)
def test_a_play_has_the_hosts_and_batches_of_its_part(journal, part, hosts, serial):
    KEPT.keep(journal)

    play = _kept.play(journal, part)

    assert (play["hosts"], play["serial"], play["runs"]) == (hosts, serial, {"b": "run-1"})


@pytest.mark.parametrize("part", ["waves", "way_back", "reconcile"])
def test_a_play_whose_part_has_no_hosts_selects_none(journal, part):
    assert _kept.play(journal, part)["hosts"] == ["all:!all"]


def test_hosts_are_brought_together_at_once_each_to_its_release(journal):
    releases = {"a": "sha256:1", "b": "sha256:2"}
    journal.keep(_kept.RECONCILE, {"releases": releases, "late": []})

    play = _kept.play(journal, "reconcile")

    assert (play["hosts"], play["serial"], play["releases"]) == (["a", "b"], ["100%"], releases)


@pytest.mark.parametrize(("hosts", "number"), [(["a"], 0), (["c"], 1), (["b", "c"], 1), ([], 1)])
def test_a_batch_is_known_by_the_hosts_that_are_left_of_it(hosts, number):
    assert KEPT.batch_of("waves", hosts) == number
