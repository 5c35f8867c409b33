# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories of pretended fleets, drawn from seeds, keep what is promised of waves and verdicts.

A story that does not prints its seed and what happened; ``simulated_stories.live(seed)`` lives it
again. The promises are in ``simulated_promises``: min_in_service, verdicts, releases that are bad;
and that after one reconcile all hosts have the fleet's release, and the ledger equals the hosts.
"""

from __future__ import annotations

import re

import pytest

from ansible_collections.itops.release.tests.fakes import simulated_stories
from ansible_collections.itops.release.tests.fakes.simulated_run import Run

BLOCK = 50  # stories in a test
ENDS = {"done", "refused", "held", "backed_out", "killed"}  # in each block; "failed" is rare
ENDED = re.compile(r"^  run-\d+: (\w+)")


def ends(fleets):
    """Return how the runs of all stories ended."""
    found = [ENDED.match(line) for fleet in fleets for line in fleet.story]
    return {match[1] for match in found if match}


@pytest.mark.parametrize("block", range(4))
def test_stories_of_fleets_keep_what_is_promised(block):
    seeds = range(block * BLOCK, (block + 1) * BLOCK)

    fleets = [simulated_stories.live(seed) for seed in seeds]

    assert ends(fleets) >= ENDS


@pytest.mark.every_point
@pytest.mark.parametrize("block", range(4, 104))
def test_many_more_stories_keep_it(block):
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        simulated_stories.live(seed)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_fleet_of_a_thousand_hosts_keeps_it(seed):
    simulated_stories.live(seed, hosts=1000)


@pytest.mark.parametrize("seed", range(8))
def test_it_is_kept_with_a_ledger_and_journals_in_files(seed, tmp_path):
    on_disk = simulated_stories.live(seed, folder=tmp_path)

    assert on_disk.story == simulated_stories.live(seed).story


def test_what_reconcile_brought_is_backed_out_with_the_plan():
    fleet = simulated_stories.quiet(4, unhealthy="allow")
    fleet.hosts["h4"].is_reachable = False
    assert Run(fleet).deploy() == "held"
    fleet.hosts["h4"].is_reachable = True
    assert Run(fleet).reconcile() is None
    assert fleet.live == "2 2 2 2"

    assert Run(fleet, "backed_out").deploy() == "done"

    assert fleet.live == "1 1 1 1"


def test_a_run_that_fails_backs_out_what_reconcile_brought_before():
    fleet = simulated_stories.quiet(4, unhealthy="allow")
    fleet.chances.back = 0
    for name in ("h3", "h4"):
        fleet.hosts[name].is_reachable = False
    assert Run(fleet).deploy() == "held"
    fleet.hosts["h4"].is_reachable = True
    Run(fleet).reconcile()
    assert fleet.live == "2 2 1 2"
    fleet.hosts["h3"].is_reachable = True
    fleet.hosts["h3"].bad.add(fleet.digest)

    assert Run(fleet).deploy() == "backed_out"

    assert fleet.live == "1 1 1 1"
