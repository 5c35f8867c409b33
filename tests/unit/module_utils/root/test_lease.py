# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lease on a root: who may go on, who waits, who is refused, and what ends it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from ansible_collections.itops.release.plugins.module_utils.formats import _canonical
from ansible_collections.itops.release.plugins.module_utils.root import (
    _claim,
    _directory,
    _lease,
    _records,
    _state,
)
from ansible_collections.itops.release.plugins.module_utils.tree import _layout
from ansible_collections.itops.release.tests.fakes.estate import access

ONE, TWO = "anna@ctl.1.a", "ben@ctl.2.b"


@pytest.fixture
def labels(estate):
    return [estate.seal(f"{n}.0", {"app": str(n), "lib": "same"}) for n in (1, 2, 3)]


@pytest.fixture
def host(estate, labels):
    host = estate.host()
    host.run = ONE
    host.deploy(labels[0])
    return host


def events(host):
    lines = (host.root / ".release/history.jsonl").read_text().splitlines()
    return [(event["event"], event["from"]) for event in map(json.loads, lines)]


def lease_of(pid, proc=_lease.PROC):
    """Return the lease that the process *pid* would have taken."""
    taken = _lease.taken(ONE, "2026-01-01T00:00:00Z")
    with open(f"{proc}/{pid}/stat", encoding="ascii") as stream:
        started = stream.read().rpartition(")")[2].split()[19]
    return replace(taken, pid=pid, started=started)


@pytest.fixture
def sleeper():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_call_gives_its_lease_back(host, labels):
    assert host.state.lease is None
    host.deploy(labels[1], state="staged")
    assert host.state.lease is None


def test_a_run_that_leaves_a_trial_keeps_the_lease_and_goes_on(host, labels):
    result = host.deploy(labels[1], commit=False)

    assert result["deployment"]["run"] == ONE
    assert host.state.lease.pid is None
    assert host.deploy(labels[1])["deployment"]["run"] is None
    assert host.state.lease is None


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    "wanted",
    [(1, {}), (2, {}), (None, {}), (2, {"state": "staged"}), (None, {"state": "absent"})],
    ids=["accept", "another", "previous", "stage", "remove"],
)
def test_another_run_is_refused_while_one_has_a_release_on_trial(host, labels, wanted, check_mode):
    host.deploy(labels[1], commit=False)
    host.run = TWO
    before = host.state
    index, params = wanted
    label = None if index is None else labels[index]

    with pytest.raises(_claim.LeaseHeld) as refused:
        host.deploy(label, check_mode, **params)

    assert f"is held by {ONE}, which has 2.0 on trial since" in str(refused.value)
    assert str(refused.value).endswith(f"set takeover (deploy_takeover in the role) to {ONE}")
    assert ": wait for it or, if that run is over, " in str(refused.value)
    assert refused.value.lease.run == ONE
    assert host.state == before


def test_marks_need_no_lease_and_end_none(host, labels):
    host.deploy(labels[1], commit=False)
    host.run = TWO

    host.deploy(labels[1], mark="bad")

    assert host.state.lease.run == ONE
    host.run = ONE
    host.deploy(None)
    assert host.read("app") == "1"


@pytest.mark.parametrize("check_mode", [False, True])
def test_what_is_live_is_nothing_to_do_for_another_run_too(host, labels, check_mode):
    host.run = TWO

    for state in ("staged", "live"):
        assert not host.deploy(labels[0], check_mode, state=state)["changed"]


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("staged", [0, 1], ids=["what is live", "what is on trial"])
def test_what_could_not_go_live_for_a_lease_is_refused_when_staging(
    host, labels, staged, check_mode
):
    host.deploy(labels[1], commit=False)
    host.run = TWO

    with pytest.raises(_claim.LeaseHeld, match=f"is held by {ONE}, which has 2.0 on trial"):
        host.deploy(labels[staged], check_mode, state="staged")
    assert not host.deploy(labels[staged], check_mode, state="staged", takeover=ONE)["changed"]


def test_a_trial_that_nobody_holds_is_open_to_all(host, labels):
    host.deploy(labels[1], commit=False, hold=False)
    host.run = TWO

    assert host.deploy(labels[1])["took_over"] is None
    assert host.state.live == host.tree_of(labels[1])


@pytest.mark.parametrize(
    "wanted",
    [{"state": "staged", "linked_paths": ["log/"]}, {"state": "absent"}, {"linked_paths": ["app"]}],
    ids=["stage", "remove", "a switch that is refused"],
)
def test_a_call_that_tries_nothing_leaves_a_trial_as_open_as_it_was(host, labels, wanted):
    host.deploy(labels[2], state="staged")
    host.deploy(labels[1], commit=False, hold=False)
    before = host.state
    host.run = TWO

    with contextlib.suppress(_layout.TreeError):
        host.deploy(labels[2], **wanted)

    assert host.state.token > before.token
    assert host.state.trial == before.trial
    assert host.state.lease is None


def test_a_run_that_stages_while_it_tries_another_release_keeps_its_lease(host, labels):
    host.deploy(labels[1], commit=False)
    host.deploy(labels[2], state="staged")

    assert host.state.lease.run == ONE
    assert host.state.lease.pid is None


def test_a_trial_that_was_left_open_belongs_to_the_run_that_takes_it_on(host, labels):
    host.deploy(labels[1], commit=False, hold=False)
    host.run = TWO

    foretold = host.deploy(labels[1], True, commit=False)
    result = host.deploy(labels[1], commit=False)

    assert not result["changed"]
    assert result["deployment"]["run"] == foretold["deployment"]["run"] == TWO
    assert host.state.lease.run == TWO
    host.run = ONE
    with pytest.raises(_claim.LeaseHeld, match=f"held by {TWO}"):
        host.deploy(labels[1], commit=False)


def test_a_run_lets_go_of_its_trial_when_it_says_so_without_a_probe(host, labels):
    host.deploy(labels[1], commit=False)

    result = host.deploy(labels[1], commit=False, hold=False)

    assert not result["changed"]
    assert host.state.trial == host.tree_of(labels[1])
    assert host.state.lease is None


@pytest.mark.parametrize(
    "wanted",
    [
        (2, {}),
        (2, {"state": "staged", "linked_paths": ["log/"]}),
        (2, {"state": "absent"}),
        (None, {"state": "absent"}),
    ],
    ids=["deploy", "stage", "remove", "remove all"],
)
def test_a_takeover_is_foretold(host, labels, wanted):
    host.deploy(labels[2], state="staged")
    host.deploy(labels[1], commit=False)
    host.run = TWO
    index, wanted = wanted
    label = None if index is None else labels[index]

    foretold = host.deploy(label, True, takeover=ONE, **wanted)
    done = host.deploy(label, takeover=ONE, **wanted)

    assert foretold["took_over"] == done["took_over"] == ONE
    assert foretold["deployment"]["run"] == done["deployment"]["run"]


def test_a_switch_that_its_run_had_no_time_to_record_is_its_trial_too(host, labels):
    host.deploy(labels[1], commit=False)
    with _directory.opened(str(host.root)) as root:
        state = root.read_state()
        state.switching, state.trial = _records.Switch(state.trial), None
        root.write_state(state)
    host.run = TWO

    for check_mode in (True, False):
        with pytest.raises(_claim.LeaseHeld, match=r"has 2\.0 on trial"):
            host.deploy(labels[2], check_mode)


def test_a_takeover_goes_on_and_is_recorded(host, labels):
    host.deploy(labels[1], commit=False)
    host.run = TWO

    result = host.deploy(labels[1], takeover=ONE)

    assert result["took_over"] == ONE
    assert result["after"]["phase"] == "live"
    assert ("took over", ONE) in events(host)


def test_a_takeover_of_a_run_that_does_not_hold_the_lease_is_refused(host, labels):
    host.deploy(labels[1], commit=False)
    host.run = TWO

    with pytest.raises(_claim.LeaseHeld, match=f"held by {ONE}"):
        host.deploy(labels[1], takeover="carl@ctl.3.c")


def test_a_call_of_another_run_is_waited_for(host, labels, sleeper):
    hold(host, lease_of(sleeper.pid))
    host.run = TWO
    begun = time.monotonic()

    with pytest.raises(_claim.LeaseHeld) as refused:
        host.deploy(labels[1], lock_timeout=1)

    assert time.monotonic() - begun >= 1
    assert f"held by {ONE}, whose process {sleeper.pid} works here" in str(refused.value)
    assert refused.value.lease.pid == sleeper.pid
    sleeper.kill()
    sleeper.wait()
    assert host.deploy(labels[1])["changed"]


def test_a_call_that_was_killed_and_left_no_trial_has_ended_its_lease(host, labels, sleeper):
    lease = lease_of(sleeper.pid)
    sleeper.kill()
    sleeper.wait()
    hold(host, lease)
    host.run = TWO

    assert host.deploy(labels[1])["took_over"] == ONE


def test_a_call_that_was_killed_on_trial_leaves_the_lease_to_its_run(host, labels, sleeper):
    host.deploy(labels[1], commit=False)
    lease = lease_of(sleeper.pid)
    sleeper.kill()
    sleeper.wait()
    hold(host, lease)
    host.run = TWO

    with pytest.raises(_claim.LeaseHeld, match=r"has 2\.0 on trial"):
        host.deploy(labels[1])


def test_the_same_run_overtakes_a_call_of_its_own(host, labels, sleeper):
    hold(host, lease_of(sleeper.pid))

    assert host.deploy(labels[1])["took_over"] is None


@pytest.mark.parametrize(
    "changes",
    [{"started": "1"}, {"boot": "of another boot"}, {"pid": None}, {"started": None}],
    ids=lambda changes: next(iter(changes)),
)
def test_a_number_that_was_used_again_is_not_that_process(sleeper, changes):
    lease = lease_of(sleeper.pid)

    assert _lease.is_running(lease)
    assert not _lease.is_running(replace(lease, **changes))


def test_a_process_that_nobody_has_waited_for_is_gone(sleeper):
    lease = lease_of(sleeper.pid)
    sleeper.kill()
    while os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT) is None:
        pass

    assert not _lease.is_running(lease)


def test_where_there_is_no_proc_a_process_is_known_by_its_number(sleeper, tmp_path):
    lease = _records.Lease(ONE, "2026-01-01T00:00:00Z", sleeper.pid)

    assert _lease.is_running(lease, str(tmp_path / "none"))
    sleeper.kill()
    sleeper.wait()
    assert not _lease.is_running(lease, str(tmp_path / "none"))


def test_a_run_that_failed_gives_its_lease_back(host, labels):
    failing = {"command": [sys.executable, "-c", "raise SystemExit(1)"]}

    with pytest.raises(_claim.DeploymentError):
        host.deploy(labels[1], probe=failing)

    assert host.state.lease is None


def test_giving_back_ends_no_lease_of_a_run_that_took_over(host):
    with _directory.opened(str(host.root)) as root:
        first = _claim.Claim(root, ONE, host.now, 1)
        first.take(access())
        second = _claim.Claim(root, TWO, host.now, 1, takeover=ONE)
        second.take(access())

        first.give_back(hold=True)

        assert root.read_state().lease.run == TWO


def hold(host, lease):
    """Let the root be leased as *lease* says."""
    with _directory.opened(str(host.root)) as root:
        state = root.read_state()
        state.lease = lease
        root.write_state(state)


@pytest.mark.parametrize(
    ("format_", "unknown", "unknown_of_trees"),
    [
        (1, ("lease", "left", "pinned", "change", "trial_change"), ("at", "run")),
        (2, ("change", "trial_change"), ("run",)),
    ],
)
def test_a_state_of_a_format_before_is_read_and_written_in_this_one(
    host, labels, format_, unknown, unknown_of_trees
):
    path = host.root / ".release/state.json"
    plain = _canonical.unsummed(json.loads(path.read_text()))
    for name in unknown:
        del plain[name]
    for record in plain["trees"].values():
        for name in unknown_of_trees:
            del record[name]
    plain["format"] = format_
    path.write_text(json.dumps(_canonical.summed(plain) if format_ > 1 else plain))

    assert not host.deploy(labels[0])["changed"]
    assert json.loads(path.read_text())["format"] == format_
    host.deploy(labels[1])
    assert json.loads(path.read_text())["format"] == _directory.FORMAT == 3
    assert host.deploy(None)["after"]["version"] == "1.0"


@pytest.mark.parametrize("part", ["token", "trees", "live", "good", "lease", "restarted"])
def test_a_state_with_a_part_of_another_type_cannot_be_read(host, labels, part):
    path = host.root / ".release/state.json"
    plain = _canonical.unsummed(json.loads(path.read_text()))
    path.write_text(json.dumps({**plain, part: 1.5}))

    with pytest.raises(_directory.RootError, match="cannot be read"):
        host.deploy(labels[1])


def test_hindrance_knows_no_clock():
    state = _state.State(
        lease=_lease.left_open(_lease.taken(ONE, "1970-01-01T00:00:00Z")), trial="a"
    )

    assert _lease.hindrance(state, TWO, None) == "on trial"
