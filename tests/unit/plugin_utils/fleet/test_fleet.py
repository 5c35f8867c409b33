# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes next for a fleet: go, stop, hold or back out; in which batches; and its verdict."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.fleet._fleet import (
    BACK_OUT,
    GO,
    HOLD,
    STOP,
    Decision,
    Fleet,
    Rules,
    reasons,
)
from ansible_collections.itops.release.plugins.plugin_utils.fleet._members import (
    BACK,
    COMMITTED,
    FAILED,
    LATE,
    LOST,
    ON_TRIAL,
    REFUSED,
    RESTORED,
    STAGED,
    UNKNOWN,
    UNWELL,
    Member,
)
from ansible_collections.itops.release.plugins.plugin_utils.fleet._waves import Batch, FleetError

WELL = {"was_well": True}
DOWN = {"was_well": False}
NEW = {"is_new": True}
DONE = {"touched": True, "works": True, "was_well": True}
WAS_DOWN = {"touched": True, "was_well": False}
TOUCHED = {"touched": True, "was_well": True}


def member(host, state=STAGED, **more):
    return Member(
        host, state, **{"reason": f"{state} here" if state in (LATE, LOST) else "", **more}
    )


def fleet(*members, **rules):
    """Return a fleet of *members*, each a state, or a state and more; they are a, b, c …"""
    found = {}
    for number, each in enumerate(members):
        state, more = each if isinstance(each, tuple) else (each, WELL)
        host = "abcdefghij"[number]
        found[host] = member(host, state, **more)
    return Fleet(found, Rules(**rules))


def parts(batches):
    return ["".join(batch.hosts) for batch in batches]


@pytest.mark.parametrize(
    ("members", "rules", "decided"),
    [
        ([STAGED, STAGED], {}, GO),
        ([STAGED, COMMITTED], {}, GO),
        ([STAGED, (STAGED, NEW)], {}, GO),
        ([STAGED, REFUSED], {}, STOP),
        ([STAGED, REFUSED], {"unhealthy": "allow"}, STOP),
        ([STAGED, LATE], {}, STOP),
        ([STAGED, LATE], {"unhealthy": "allow"}, GO),
        ([LATE, LATE], {"unhealthy": "allow"}, STOP),
        ([STAGED, (STAGED, DOWN)], {}, STOP),
        ([STAGED, (STAGED, DOWN)], {"unhealthy": "allow"}, GO),
    ],
)
def test_a_run_goes_on_after_staging_where_all_hosts_are_well(members, rules, decided):
    assert fleet(*members, **rules).after_staging().next == decided


@pytest.mark.parametrize(
    ("members", "rules", "batches"),
    [
        ([STAGED] * 4, {}, ["abcd"]),
        ([STAGED] * 4, {"waves": (1, "100%")}, ["a", "bcd"]),
        ([STAGED] * 4, {"min_in_service": 3}, ["a", "b", "c", "d"]),
        ([STAGED] * 4, {"min_in_service": "50%"}, ["ab", "cd"]),
        ([STAGED, LATE, STAGED], {"unhealthy": "allow"}, ["ac"]),
        ([(STAGED, DOWN), STAGED, STAGED], {"min_in_service": 1}, ["ab", "c"]),
        ([(STAGED, NEW), STAGED, STAGED], {"min_in_service": 1}, ["ab", "c"]),
        ([(STAGED, NEW)] * 3, {"min_in_service": 3}, ["abc"]),
        ([(COMMITTED, DONE), STAGED, STAGED], {"min_in_service": 2}, ["ab", "c"]),
        ([STAGED] * 2, {"min_in_service": 2, "missing": ("y",)}, ["a", "b"]),
        # Those that are down bring it back to where others may change.
        ([STAGED, (STAGED, DOWN), STAGED], {"min_in_service": 2}, ["b", "a", "c"]),
        ([STAGED, (STAGED, DOWN), (STAGED, DOWN)], {"min_in_service": 1}, ["bc", "a"]),
    ],
)
def test_batches_leave_enough_hosts_in_service(members, rules, batches):
    assert parts(fleet(*members, **rules).waves()) == batches


def test_a_minimum_that_leaves_no_host_names_those_out_of_service():
    few = fleet(STAGED, (STAGED, DOWN), LATE, STAGED, min_in_service=3, unhealthy="allow")

    with pytest.raises(FleetError) as caught:
        few.waves()

    assert str(caught.value) == (
        "min_in_service: 3 of 4 hosts must stay in service, and 2 are (not b, c): "
        "no host may change"
    )


@pytest.mark.parametrize(
    ("members", "rules", "decided"),
    [
        ([(COMMITTED, DONE), STAGED], {}, GO),
        ([(ON_TRIAL, DONE), STAGED], {}, GO),
        ([(COMMITTED, DONE), LATE], {"unhealthy": "allow"}, GO),
        ([(COMMITTED, DONE), LATE], {}, BACK_OUT),
        ([(COMMITTED, DONE), (RESTORED, TOUCHED)], {}, BACK_OUT),
        ([(COMMITTED, DONE), (RESTORED, TOUCHED)], {"on_failure": HOLD}, HOLD),
        ([(COMMITTED, DONE), (LOST, TOUCHED)], {"unhealthy": "allow"}, BACK_OUT),
        ([(FAILED, TOUCHED)], {}, BACK_OUT),
        ([(RESTORED, TOUCHED), STAGED], {}, STOP),
        ([(RESTORED, TOUCHED), STAGED], {"on_failure": HOLD}, HOLD),
        ([(COMMITTED, DONE), (RESTORED, WAS_DOWN)], {"unhealthy": "allow"}, GO),
        ([(ON_TRIAL, DONE), (RESTORED, WAS_DOWN)], {"unhealthy": "allow"}, GO),
        ([(COMMITTED, DONE), (RESTORED, WAS_DOWN)], {}, BACK_OUT),
        ([(COMMITTED, DONE), (FAILED, WAS_DOWN)], {"unhealthy": "allow"}, BACK_OUT),
        ([(STAGED, DOWN), (RESTORED, WAS_DOWN)], {"unhealthy": "allow"}, STOP),
        ([REFUSED, STAGED], {}, STOP),
    ],
)
def test_a_failure_in_a_wave_stops_it(members, rules, decided):
    assert fleet(*members, **rules).after_wave().next == decided


@pytest.mark.parametrize(
    ("members", "rules", "decided"),
    [
        ([(COMMITTED, DONE), STAGED, STAGED], {}, GO),
        ([(COMMITTED, DONE), STAGED, STAGED], {"min_in_service": 2}, GO),
        ([LATE, STAGED, STAGED], {"min_in_service": 2}, HOLD),
        ([LATE, (COMMITTED, DONE), (COMMITTED, DONE)], {"min_in_service": 2}, GO),
        ([LATE, (STAGED, DOWN), (STAGED, DOWN)], {"min_in_service": 2}, GO),
    ],
)
def test_a_wave_goes_only_where_enough_hosts_are_left_now(members, rules, decided):
    going = fleet(*members, unhealthy="allow", **rules)

    assert going.may_go_on(Batch(2, ("b",))).next == decided


def test_what_was_changed_last_is_undone_first():
    changed = fleet(*[(COMMITTED, DONE)] * 4, STAGED)

    assert parts(changed.way_back([Batch(1, ("c",)), Batch(2, ("a", "d")), Batch(3, ("e",))])) == [
        "ad",
        "c",
        "b",
    ]


def test_hosts_that_are_down_are_undone_first_and_at_once_and_new_ones_last():
    changed = fleet(
        (COMMITTED, {**DONE, "is_new": True}),
        (COMMITTED, DONE),
        (FAILED, TOUCHED),
        (COMMITTED, DONE),
        (LOST, TOUCHED),
        min_in_service=4,
    )
    order = [Batch(1, ("a", "b")), Batch(2, ("c", "d", "e"))]

    assert parts(changed.way_back(order)) == ["ce", "d", "b", "a"]


def test_the_way_back_leaves_enough_hosts_in_service():
    changed = fleet(*[(COMMITTED, DONE)] * 5, min_in_service=3)

    assert parts(changed.way_back([Batch(1, tuple("abcde"))])) == ["ab", "cd", "e"]


@pytest.mark.parametrize(
    ("members", "batch", "least", "decided"),
    [
        ([(COMMITTED, DONE)] * 3, "a", 2, GO),
        ([(COMMITTED, DONE)] * 3, "ab", 2, HOLD),
        ([(COMMITTED, DONE), (COMMITTED, DONE), (UNWELL, TOUCHED)], "a", 2, HOLD),
        ([(COMMITTED, DONE), (COMMITTED, DONE), (LOST, TOUCHED)], "c", 2, GO),
        ([(COMMITTED, {**DONE, **NEW}), (BACK, {"is_new": True})], "a", 2, GO),
        ([(COMMITTED, {**DONE, **NEW}), (COMMITTED, DONE)], "ab", 2, HOLD),
    ],
)
def test_a_batch_goes_back_only_where_enough_hosts_are_left(members, batch, least, decided):
    found = fleet(*members, min_in_service=least).may_go_back(Batch(1, tuple(batch)))

    assert found.next == decided
    assert ("min_in_service" in found.reason) == (decided == HOLD)


@pytest.mark.parametrize(
    ("members", "rules", "decided", "verdict", "reason"),
    [
        ([(COMMITTED, DONE)] * 2, {}, GO, "done", ""),
        ([(COMMITTED, DONE), LATE], {}, GO, "held", "late: b "),
        ([(COMMITTED, DONE)], {"missing": ("y", "z")}, GO, "held", "left out by --limit: y, z"),
        ([(COMMITTED, DONE), STAGED], {}, GO, "held", "not deployed: b"),
        ([(COMMITTED, DONE), (ON_TRIAL, DONE)], {}, GO, "held", "not deployed: b"),
        ([STAGED, REFUSED], {}, STOP, "refused", "why"),
        ([STAGED, UNKNOWN], {}, STOP, "refused", "why"),
        ([(RESTORED, TOUCHED), STAGED], {}, STOP, "backed_out", "why"),
        ([(COMMITTED, DONE), REFUSED], {}, STOP, "failed", "why; not backed out: a"),
        ([(COMMITTED, DONE), (RESTORED, TOUCHED)], {}, HOLD, "held", "why"),
        ([(BACK, TOUCHED), (RESTORED, TOUCHED)], {}, BACK_OUT, "backed_out", "why"),
        ([(BACK, TOUCHED), (FAILED, TOUCHED)], {}, BACK_OUT, "failed", "not backed out: b"),
        ([(BACK, TOUCHED), (LOST, TOUCHED)], {}, BACK_OUT, "failed", "lost: b"),
        ([(BACK, TOUCHED), (UNWELL, TOUCHED)], {}, BACK_OUT, "failed", "not in service: b"),
        ([STAGED, (UNWELL, TOUCHED)], {}, STOP, "failed", "not in service: b"),
    ],
)
def test_the_verdict_names_what_is_not_as_it_should_be(members, rules, decided, verdict, reason):
    found = fleet(*members, **rules).verdict(Decision(decided, "" if decided == GO else "why"))

    assert found[0] == verdict
    assert reason in found[1]


def test_three_reasons_are_shown():
    lost = [member(host, LOST) for host in "abcde"]

    assert reasons(lost) == "a: lost here; b: lost here; c: lost here; and 2 more"


def test_rules_survive_the_journal():
    rules = Rules((1, "50%"), 60.0, "75%", HOLD, "allow", ("y",))

    assert Rules.from_plain(rules.to_plain()) == rules
