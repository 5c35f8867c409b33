# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan is deployed wave by wave: it ends on one good release, or says exactly where not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.itops.release.tests.integration.fleets import (
    FleetOfShop,
    end_of,
    seal_versions,
)

pytestmark = pytest.mark.slow
AWAY = {"ansible_connection": "ssh", "ansible_host": "198.18.255.1", "ansible_ssh_timeout": 1}


@pytest.fixture(scope="module")
def library(tmp_path_factory, _sockets):
    """Return a media library with shop 1.0.0 to 3.0.0."""
    return seal_versions(tmp_path_factory.mktemp("sealed"), _sockets)


@pytest.fixture
def shop(local_hosts, inventory, controller, library, tmp_path):
    """Return a FleetOfShop with four hosts on which 1.0.0 is live."""
    fleet = FleetOfShop(local_hosts(4), inventory, controller, library, tmp_path)
    fleet.begin_with("1.0.0")
    return fleet


def test_a_plan_goes_from_its_dry_run_over_a_part_of_the_hosts_to_all_of_them(shop):
    plan = shop.propose("2.0.0", waves=[1, "100%"], canary=["local3"], wave_soak="1s")

    dry = shop.deploy(plan, check=True)
    assert dry.rc == 0, dry.output
    assert "waves 1: local3 · 2: local1, local2, local4" in dry.stdout
    assert shop.live() == shop.recorded() == ["1.0.0"] * 4

    staged = shop.deploy(plan, release_as="staged")
    assert staged.rc == 0, staged.output
    assert shop.live() == ["1.0.0"] * 4
    assert all(list((host.seen / "shop/releases").glob("2.0.0-*")) for host in shop.hosts)
    assert shop.runs() == [("deploy", "done")]

    limited = shop.deploy(plan, limit="local1,local2")
    assert limited.rc == 2, limited.output
    assert end_of(limited) == "held: left out by --limit: local3, local4"
    assert shop.live() == shop.recorded() == ["2.0.0", "2.0.0", "1.0.0", "1.0.0"]

    run = shop.deploy(plan)
    assert run.rc == 0, run.output
    assert "wave 2 of 2: 4 of 4 hosts done" in run.stdout
    assert shop.live() == shop.recorded() == ["2.0.0"] * 4
    assert shop.on_trial() == []
    assert shop.runs() == [("deploy", "done"), ("deploy", "held"), ("deploy", "done")]


@pytest.mark.parametrize(
    "soak",
    [{}, pytest.param({"wave_soak": "1s"}, marks=pytest.mark.every_point)],
    ids=["at once", "after a soak"],
)
def test_a_failure_in_the_last_wave_backs_all_hosts_out(shop, soak):
    plan = shop.propose("2.0.0", waves=[1, "50%", "100%"], **soak)
    shop.make_sick(shop.hosts[-1], "2.0.0")

    run = shop.deploy(plan)

    assert run.rc == 2, run.output
    line = end_of(run)
    assert line.startswith("backed_out: local4: "), line
    assert line.endswith("(issue I-1)")
    assert run.stdout.rstrip().endswith(f"Verdict: {line}")
    assert shop.live() == shop.recorded() == ["1.0.0"] * 4
    assert shop.on_trial() == []
    assert shop.runs()[-1] == ("deploy", "backed_out")
    (issue,) = shop.issues()
    assert issue.is_blocker
    assert "local4" in issue.text("title")
    refused = shop.deploy(plan)
    assert refused.rc == 2
    assert "blockers: open: I-1" in end_of(refused, "Check the gates")


@pytest.mark.every_point
def test_a_run_that_is_held_goes_on_later(shop):
    plan = shop.propose("2.0.0", waves=[1, "100%"], on_failure="hold")
    shop.make_sick(shop.hosts[2], "2.0.0")

    held = shop.deploy(plan)

    assert held.rc == 2, held.output
    assert end_of(held).startswith("held: local3: ")
    assert shop.live() == shop.recorded() == ["2.0.0", "2.0.0", "1.0.0", "2.0.0"]
    shop.make_well(shop.hosts[2], "2.0.0")
    again = shop.deploy(plan)
    assert again.rc == 0, again.output
    assert shop.live() == shop.recorded() == ["2.0.0"] * 4
    assert shop.runs() == [("deploy", "done"), ("deploy", "held"), ("deploy", "done")]
    assert shop.issues() == []


def test_a_run_that_is_held_is_backed_out_without_ledger_and_policy(shop):
    plan = shop.propose("2.0.0", waves=[1, "100%"], on_failure="hold")
    shop.make_sick(shop.hosts[2], "2.0.0")
    assert shop.deploy(plan).rc == 2
    assert "shop 2.0.0 in production: local3: " in shop.run("status").stdout
    elsewhere = shop.written(release_ledger="", release_policy="", release_approvals="")

    back = shop.deploy(plan, inventory=elsewhere, release_as="backed_out")

    assert back.rc == 0, back.output
    assert shop.live() == ["1.0.0"] * 4
    again = shop.deploy(plan, release_as="backed_out")
    assert again.rc == 0, again.output
    found = shop.run("ledger_import")
    assert found.rc == 0, found.output
    assert shop.recorded() == ["1.0.0"] * 4


def test_a_run_that_goes_on_backs_out_what_the_earlier_one_changed(shop):
    plan = shop.propose("2.0.0", waves=[1, "100%"], on_failure="hold")
    shop.make_sick(shop.hosts[2], "2.0.0")
    assert shop.deploy(plan).rc == 2
    plan = shop.propose("2.0.0", waves=[1, "100%"], on_failure="back_out")

    run = shop.deploy(plan)

    assert run.rc == 2, run.output
    assert end_of(run).startswith("backed_out: local3: ")
    assert shop.live() == shop.recorded() == ["1.0.0"] * 4


def test_what_was_broken_before_stops_the_run_unless_it_is_allowed(shop):
    plan = shop.propose("2.0.0")
    shop.make_sick(shop.hosts[1], "1.0.0")

    run = shop.deploy(plan)
    assert run.rc == 2, run.output
    assert end_of(run).startswith("refused: local2: ")

    plan = shop.propose("2.0.0", unhealthy="allow", min_in_service=3)
    run = shop.deploy(plan)
    assert run.rc == 0, run.output
    # None in service may change, until the one that is not has come back.
    assert "waves 1: local2 · 2: local1 · 2: local3 · 2: local4" in run.stdout
    assert shop.live() == ["2.0.0"] * 4


def test_late_hosts_are_brought_to_the_release_of_their_fleet(shop):
    plan = shop.propose("2.0.0", unhealthy="allow", min_in_service=1)
    late = replace(shop.hosts[1], variables={**shop.hosts[1].variables, **AWAY})
    hosts = [shop.hosts[0], late, *shop.hosts[2:]]

    run = shop.deploy(plan, inventory=shop.written(hosts))

    assert run.rc == 2, run.output
    assert end_of(run).startswith("held: late: local2")
    assert shop.live() == ["2.0.0", "1.0.0", "2.0.0", "2.0.0"]
    assert "late: local2" in shop.run("status").stdout
    dry = shop.run("reconcile", check=True)
    assert dry.rc == 0, dry.output
    assert shop.live()[1] == "1.0.0"
    run = shop.run("reconcile")
    assert run.rc == 0, run.output
    assert shop.live() == shop.recorded() == ["2.0.0"] * 4
    assert shop.runs()[-1] == ("reconcile", "done")


@pytest.mark.every_point
def test_a_late_host_on_which_the_release_of_the_fleet_fails_is_reported(shop):
    plan = shop.propose("2.0.0", unhealthy="allow", min_in_service=1)
    late = replace(shop.hosts[1], variables={**shop.hosts[1].variables, **AWAY})
    hosts = [shop.hosts[0], late, *shop.hosts[2:]]
    assert shop.deploy(plan, inventory=shop.written(hosts)).rc == 2
    shop.make_sick(shop.hosts[1], "2.0.0")

    run = shop.run("reconcile")

    assert run.rc == 2, run.output
    assert shop.live() == shop.recorded() == ["2.0.0", "1.0.0", "2.0.0", "2.0.0"]
    assert shop.runs()[-1] == ("reconcile", "backed_out")


@pytest.mark.every_point
def test_reconcile_records_what_was_done_without_the_ledger(shop):
    plan = shop.propose("2.0.0")
    assert shop.deploy(plan).rc == 0
    elsewhere = shop.written(release_ledger="", release_policy="", release_approvals="")
    assert shop.run("rollback", inventory=elsewhere, limit="local1").rc == 0

    run = shop.run("reconcile")

    assert run.rc == 0, run.output
    assert "imported as found" in run.stdout
    assert shop.live() == shop.recorded() == ["2.0.0"] * 4
