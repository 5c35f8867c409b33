# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of a plan on pretended hosts: what is decided after each batch, and what is recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ansible_collections.itops.release.tests.fakes.simulated_fleet import Chances
from ansible_collections.itops.release.tests.fakes.simulated_run import Run
from ansible_collections.itops.release.tests.fakes.simulated_stories import (
    NEW,
    digest_of,
    killed_when,
    quiet,
)

SOAK = timedelta(microseconds=1)


def make_bad(fleet, *hosts):
    for host in hosts:
        fleet.hosts[host].bad.add(digest_of(NEW))


def recorded(fleet):
    """Return act and verdict of all runs on record but the first, which is not by the plan."""
    return [(row["act"], row["verdict"]) for row in fleet.ledger.rows("runs", "began")][1:]


@pytest.mark.parametrize("soak", [timedelta(), SOAK], ids=["at once", "after a soak"])
def test_all_hosts_get_the_release_wave_by_wave(soak):
    fleet = quiet(4, waves=(1, "50%", "100%"), wave_soak=soak)

    assert Run(fleet).deploy() == "done"

    assert fleet.live == "2 2 2 2"
    assert recorded(fleet) == [("deploy", "done")]


def test_a_release_that_fails_in_its_last_wave_is_backed_out_everywhere_and_bad():
    fleet = quiet(4, waves=(1, "50%", "100%"))
    make_bad(fleet, "h4")

    assert Run(fleet).deploy() == "backed_out"

    assert fleet.live == "1 1 1 1"
    assert fleet.bad_releases() == {digest_of(NEW)}
    assert Run(fleet).deploy() == "refused"


def test_a_run_that_is_held_goes_on_later():
    fleet = quiet(3, on_failure="hold", waves=(1,))
    make_bad(fleet, "h2")

    assert Run(fleet).deploy() == "held"
    assert fleet.live == "2 1 1"
    fleet.hosts["h2"].bad.clear()
    assert Run(fleet).deploy() == "done"
    assert fleet.live == "2 2 2"


def test_a_run_that_goes_on_backs_out_what_the_earlier_one_changed():
    fleet = quiet(3, on_failure="hold", waves=(1,))
    make_bad(fleet, "h2")
    assert Run(fleet).deploy() == "held"
    fleet.plan = replace(fleet.plan, on_failure="back_out")

    assert Run(fleet).deploy() == "backed_out"

    assert fleet.live == "1 1 1"


def test_the_next_wave_waits_where_hosts_were_lost_meanwhile():
    fleet = quiet(5, min_in_service=3, unhealthy="allow")
    fleet.hooks = True
    run = Run(fleet)

    def loses(host):
        if host == "h1" and run.switched:
            run._lose_in_hook([host])
        return host in run.removed

    run._is_lost_in_hook = loses

    assert run.deploy() == "held"

    assert fleet.live == "1 2 1 1 1"
    assert "min_in_service: 4 hosts are in service, and 3 must stay" in "".join(fleet.story)


def test_the_first_batch_of_the_way_back_waits_too():
    fleet = quiet(3, on_failure="hold", waves=(1,))
    make_bad(fleet, "h2")
    assert Run(fleet).deploy() == "held"
    fleet.plan = replace(fleet.plan, path=(replace(fleet.step, min_in_service=3),))

    assert Run(fleet, "backed_out").deploy() == "failed"

    assert fleet.live == "2 1 1"


@pytest.mark.parametrize("soak", [timedelta(), SOAK], ids=["at once", "after a soak"])
def test_what_a_killed_run_left_on_trial_is_backed_out_by_the_run_that_took_it_over(soak):
    fleet = killed_when("2? 1 1 1", 4, waves=(1, "100%"), wave_soak=SOAK)
    fleet.plan = replace(fleet.plan, path=(replace(fleet.step, wave_soak=soak),))
    make_bad(fleet, "h3")

    assert Run(fleet).deploy() == "backed_out"

    assert fleet.live == "1 1 1 1"


def test_a_killed_run_is_settled_before_what_follows_is_recorded():
    fleet = killed_when("2 1 1", 3, waves=(1,))

    assert Run(fleet).deploy() == "done"

    rows = {row["host"]: row["version"] for row in fleet.ledger.rows("deployments")}
    assert rows == dict.fromkeys(fleet.hosts, "2.0.0")
    assert fleet.ledger.rows("runs", ended=None) == []


def test_a_gate_that_closes_between_waves_holds_a_run_that_took_over_a_trial():
    fleet = killed_when("2? 1", 2, waves=(1,), wave_soak=SOAK)
    run = Run(fleet)
    gate = run._gate

    def closes(play, batch):
        fleet.chances = Chances(gate=1 if batch == ["h2"] else 0)
        return gate(play, batch)

    run._gate = closes

    assert run.deploy() == "held"


def test_new_hosts_go_back_to_nothing_whatever_must_stay_in_service():
    fleet = quiet(3, waves=(1,), min_in_service=1, on_failure="hold")
    for host in fleet.hosts.values():
        host.live = host.change = None
        host.history.clear()
    make_bad(fleet, "h3")
    assert Run(fleet).deploy() == "held"
    assert fleet.live == "2 2 -"

    assert Run(fleet, "backed_out").deploy() == "done"

    assert fleet.live == "- - -"
