# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that meet at one root: stopped, overtaken, killed or side by side, they lose nothing.

What is live, the state and the history agree; who was overtaken writes nothing any more.
"""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.tests.faults import looking, overtaking, racing
from ansible_collections.itops.release.tests.faults.host_operations import ALL
from ansible_collections.itops.release.tests.faults.operations import Operation

ROUNDS_QUICK = 24
ROUNDS = 300
SAMPLED = 2
SEED = 4
# Others would only need that the other run has their options too, or knows whose trial it finds.
STOPPED = [
    each
    for each in ALL
    if not (each.layout or each.removed_next or "owner" in each.params)
    and "on trial" not in each.params.get("found", ())
]
LOOKS = {
    "to deploy": ("4", {}),
    "to go back": (None, {}),
    "to verify": (None, {"release": "current", "verify": True}),
    "to remove one": ("1", {"state": "absent"}),
    "to remove all": (None, {"state": "absent"}),
}
MET = (
    Operation("deploying", ("1", "2"), "3", params={"keep": 2}, sent=True),
    Operation("going back", ("1", "2"), None),
    Operation("removing all", ("1", "2"), None, params={"state": "absent"}),
)


@pytest.mark.parametrize("operation", STOPPED, ids=lambda operation: operation.name)
def test_a_run_that_is_stopped_overtaken_and_continued_writes_nothing(
    operation, bench, every_point, record_property
):
    most = None if every_point else SAMPLED

    count, problems = overtaking.sweep(bench, operation, most)

    record_property("swept", [operation.name, "STOP", count])
    assert problems == []


@pytest.mark.parametrize("operation", MET, ids=lambda operation: operation.name)
@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_call_that_looks_while_another_works_finds_what_is_ours(
    operation, look, bench, every_point
):
    most = None if every_point else 1  # the first is that from which on a run has its token

    count, problems = looking.sweep(bench, operation, look, most)

    assert count
    assert problems == []


@pytest.mark.parametrize("kills", [False, True], ids=["stopped", "killed"])
def test_of_three_runs_at_once_none_loses_what_must_stay(kills, bench, tmp_path, every_point):
    race = racing.Race(bench, tmp_path, SEED, kills)

    race.run(ROUNDS if every_point else ROUNDS_QUICK)

    assert race.problems == []
    assert race.ends["done"] > ROUNDS_QUICK
    if every_point:
        assert kills or race.ends["overtaken"], race.ends
        assert kills or race.ends["locked"], race.ends
