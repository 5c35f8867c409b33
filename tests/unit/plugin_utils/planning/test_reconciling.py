# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts reconcile brings to which release, and what it records before."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.tests.fakes.simulated_fleet import Chances
from ansible_collections.itops.release.tests.fakes.simulated_run import Run
from ansible_collections.itops.release.tests.fakes.simulated_stories import (
    NEW,
    OLD,
    digest_of,
    killed_when,
    quiet,
)


@pytest.fixture
def fleet():
    """Return a Fleet of four hosts of which one was away when the plan was deployed."""
    found = quiet(4, unhealthy="allow")
    found.hosts["h2"].is_reachable = False
    found.chances = Chances(back=0)
    assert Run(found).deploy() == "held"
    return found


def reconciled(fleet):
    """Return what reconcile brings, by host; or why it is refused."""
    run = Run(fleet)
    return run.reconcile() or run.releases


def versions(fleet):
    return {row["host"]: row["version"] for row in fleet.ledger.rows("deployments")}


def test_a_late_host_is_brought_to_the_release_of_its_fleet(fleet):
    assert reconciled(fleet) == {}
    fleet.hosts["h2"].is_reachable = True

    assert reconciled(fleet) == {"h2": digest_of(NEW)}

    assert versions(fleet) == dict.fromkeys(fleet.hosts, "2.0.0")
    assert reconciled(fleet) == {}


def test_nothing_is_brought_whose_issue_is_open(fleet):
    fleet.hosts["h2"].is_reachable = True
    fleet.open_issue()

    assert "its issue is open" in reconciled(fleet)


def test_what_hosts_did_without_the_ledger_is_recorded_first(fleet):
    fleet.hosts["h2"].is_reachable = True
    Run(fleet, "backed_out", records=False).deploy()

    assert "not committed on h1, h3, h4" in reconciled(fleet)

    assert versions(fleet) == dict.fromkeys(fleet.hosts, "1.0.0")


def test_a_run_that_was_killed_is_not_gone_on_with():
    fleet = killed_when("2 1 1 1", 4, waves=(1,))

    assert reconciled(fleet) == {"h1": digest_of(OLD)}

    assert fleet.live == "1 1 1 1"
