# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which release a fleet has, by the ledger; where that is not decided, nothing is brought."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.fleet import _reconcile
from ansible_collections.itops.release.plugins.plugin_utils.fleet._waves import FleetError

OLD, NEW = "1" * 64, "2" * 64


def run(verdict="done", act="deploy", digest=NEW, ended="2026-12-01", name="run-2"):
    return {
        "run": name,
        "act": act,
        "verdict": verdict,
        "digest": digest,
        "ended": ended,
        "version": "2.0.0",
    }


def rows(**digests):
    return [{"host": h, "digest": d, "phase": "live"} for h, d in digests.items()]


MIXED = rows(a=NEW, b=OLD, c=OLD)
NEWER = rows(a=NEW, b=NEW, c=OLD)
BEFORE = run(digest=OLD, name="run-1")


def target(runs, there=NEWER, unreached=(), bad=(), hosts="abc"):
    return _reconcile.target("shop", "production", runs, there, hosts, unreached, bad)


@pytest.mark.parametrize(
    ("runs", "there", "unreached", "digest"),
    [
        ([run()], NEWER, (), NEW),
        ([run()], rows(a=NEW, b=NEW, c=NEW, d=OLD), (), NEW),
        ([run(act="rollback", digest=OLD)], MIXED, (), OLD),
        ([run("backed_out"), BEFORE], MIXED, (), OLD),
        ([run("failed")], NEWER, (), OLD),
        ([run(act="back_out"), run()], NEWER, (), OLD),
        ([run("held")], MIXED, ("b", "c"), NEW),
        ([run("held")], rows(a=NEW), ("b", "c"), NEW),
    ],
)
def test_the_release_is_that_of_the_last_run_that_left_one(runs, there, unreached, digest):
    assert target(runs, there, unreached) == digest


@pytest.mark.parametrize(
    ("runs", "there", "unreached", "bad", "why"),
    [
        ([], NEWER, (), (), "nothing is on record"),
        ([run(None, ended=None)], NEWER, (), (), "a run is not at its end"),
        ([run("done", ended=None)], NEWER, (), (), "a run is not at its end"),
        ([run("held")], MIXED, ("b",), (), "2.0.0 is held, and not committed on c: finish it"),
        ([run("held")], rows(a=NEW), ("b",), (), "2.0.0 is held, and not committed on c: finish"),
        ([run("held")], MIXED, ("b", "c"), (NEW,), "its issue is open"),
        ([run()], NEWER, (), (NEW,), "its issue is open"),
        ([run()], MIXED, (), (), "2.0.0, of the last deploy, is not on most hosts"),
        ([run(act="rollback", digest=OLD)], NEWER, (), (), "the last rollback, is not on most"),
    ],
)
def test_nothing_is_decided(runs, there, unreached, bad, why):
    with pytest.raises(FleetError, match=why):
        target(runs, there, unreached, bad)


def test_a_back_out_of_a_few_hosts_is_not_completed_on_the_others():
    there = rows(a=OLD, b=NEW, c=NEW)

    with pytest.raises(FleetError, match="backed out of some hosts, and is live on b, c: back it"):
        target([run(act="back_out"), run()], there, hosts="a")
    assert target([run(act="back_out"), run()], rows(a=OLD, b=OLD, c=NEW), hosts="abc") == OLD


def test_a_trial_of_a_held_run_is_left_to_a_run_that_soaks():
    there = [*rows(a=NEW, c=NEW), {**rows(b=NEW)[0], "phase": "on trial"}]

    with pytest.raises(FleetError, match="not committed on b"):
        target([run("held")], there)


@pytest.mark.parametrize(
    ("there", "bad"),
    [
        (rows(a=OLD, b="3" * 64), ()),
        (rows(a=NEW, b=NEW), ()),
        (rows(a=OLD, b=NEW), (OLD,)),
        ([], ()),
    ],
    ids=["as many", "only what was undone", "only what is bad", "nothing"],
)
def test_without_a_release_on_most_hosts_nothing_is_decided(there, bad):
    with pytest.raises(FleetError, match="no release is live on most hosts"):
        target([run("backed_out")], there, bad=bad)


def test_a_trial_is_not_what_the_fleet_has():
    there = [{**row, "phase": "on trial"} for row in rows(a=OLD, b=OLD)]

    with pytest.raises(FleetError, match="no release is live"):
        target([run("failed")], there)
