# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What another run undoes of what a run changed, what it leaves alone, and what it refuses."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import _host_call, _trial
from ansible_collections.itops.release.plugins.module_utils.formats import _canonical
from ansible_collections.itops.release.plugins.module_utils.root import (
    _claim,
    _directory,
    _history,
    _lease,
)
from ansible_collections.itops.release.tests.fakes.estate import snapshot

FIRST, MINE, OTHER, BACK = "the first run", "the run", "another run", "the run that reverts"
WELL = {"command": [sys.executable, "-c", ""]}
ILL = {"command": [sys.executable, "-c", "raise SystemExit('not well')"]}
FAILING = [sys.executable, "-c", "raise SystemExit(3)"]


class Story:
    """A host, and what the runs do there: each call names its run."""

    def __init__(self, estate):
        self.host = estate.host()
        self.labels = {
            number: estate.seal(f"{number}.0", {"app": str(number), "lib": "same"})
            for number in (1, 2, 3, 4)
        }

    def deploy(self, by, number, check=False, **params):
        """Let a run deploy release *number*, None for the previous one; return the outcome."""
        self.host.run = by
        return self.host.deploy(self.labels[number] if number else None, check, **params)

    def fail(self, run, number):
        """Let the trial of *run* be put back."""
        with pytest.raises(_trial.PutBack):
            self.deploy(run, number, probe=ILL)

    def revert(self, by=BACK, check=False, **params):
        """Undo what MINE did; return the outcome."""
        return self.deploy(by, None, check, state="reverted", run=MINE, **params)

    @property
    def live(self):
        """The number of the release that is live, None where nothing is."""
        return int(self.host.read("app")) if self.host.current else None

    def tree(self, number):
        return self.host.root / "releases" / self.host.tree_of(self.labels[number])

    def good(self):
        """Return the numbers of the releases on the way back, the live one last."""
        numbers = {label.digest: number for number, label in self.labels.items()}
        return [numbers[digest] for digest in self.host.state.good]

    def events(self):
        with _directory.opened(str(self.host.root)) as root:
            return [(event["run"], event["event"]) for event in _history.read(root, 100)]


@pytest.fixture
def story(estate):
    return Story(estate)


# What happened, and the releases that must be on the way back after the reversal, live one last.


def a_trial(story):
    story.deploy(FIRST, 1)
    story.deploy(MINE, 2, commit=False)
    return [1]


def a_trial_of_a_first_release(story):
    story.deploy(MINE, 1, commit=False)
    return []


def a_trial_that_nobody_holds(story):
    story.deploy(FIRST, 1)
    story.deploy(MINE, 2, commit=False, hold=False)
    return [1]


def two_trials(story):
    story.deploy(FIRST, 1)
    story.deploy(MINE, 2, commit=False)
    story.deploy(MINE, 3, commit=False)
    return [1]


def a_commit(story):
    story.deploy(FIRST, 1)
    story.deploy(MINE, 2)
    return [1]


def a_commit_of_a_first_release(story):
    story.deploy(MINE, 1)
    return []


def two_commits(story):
    story.deploy(FIRST, 1)
    story.deploy(MINE, 2)
    story.deploy(MINE, 3)
    return [1]


def a_commit_and_a_trial(story):
    story.deploy(FIRST, 1)
    story.deploy(MINE, 2)
    story.deploy(MINE, 3, commit=False)
    return [1]


def a_commit_and_a_trial_of_what_was_live_before(story):
    story.deploy(FIRST, 1)
    story.deploy(MINE, 2)
    story.deploy(MINE, None, commit=False)
    return [1]


def a_rollback(story):
    for number in (1, 2, 3):
        story.deploy(FIRST, number)
    story.deploy(MINE, None)
    return [1, 2, 3]


def a_rollback_on_trial(story):
    for number in (1, 2):
        story.deploy(FIRST, number)
    story.deploy(MINE, None, commit=False)
    return [1, 2]


def a_trial_of_another_that_it_accepted(story):
    story.deploy(FIRST, 1)
    story.deploy(OTHER, 2, commit=False)
    story.deploy(MINE, 2, takeover=OTHER)
    return [1]


def a_commit_after_which_the_trial_of_another_failed(story):
    a_commit(story)
    story.fail(OTHER, 3)
    return [1]


def a_commit_after_which_another_tried_and_went_back(story):
    a_commit(story)
    story.deploy(OTHER, 3, commit=False)
    story.deploy(OTHER, None)
    return [1]


def a_commit_that_another_repaired(story):
    a_commit(story)
    (story.tree(2) / "lib").unlink()
    story.deploy(OTHER, 2, verify=True)
    return [1]


def a_trial_that_was_killed_in_its_switch(story):
    """The lease is that of a process that is gone; the state says what was about to be."""
    a_trial(story)
    edit(story, trial=None, switching={"to": story.tree(2).name})
    return [1]


def a_commit_that_an_earlier_reversal_had_begun_to_undo(story):
    """As a kill leaves it right before the switch: on trial again, with the lease of a dead one."""
    a_commit(story)
    change = story.host.state.change
    edit(
        story,
        live=change.back,
        trial=change.to,
        change=None,
        trial_change={**vars(change), "good": list(change.good)},
        good=list(change.good),
    )
    return [1]


UNDONE = [
    a_trial,
    a_trial_of_a_first_release,
    a_trial_that_nobody_holds,
    two_trials,
    a_commit,
    a_commit_of_a_first_release,
    two_commits,
    a_commit_and_a_trial,
    a_commit_and_a_trial_of_what_was_live_before,
    a_rollback,
    a_rollback_on_trial,
    a_trial_of_another_that_it_accepted,
    a_commit_after_which_the_trial_of_another_failed,
    a_commit_after_which_another_tried_and_went_back,
    a_commit_that_another_repaired,
    a_trial_that_was_killed_in_its_switch,
    a_commit_that_an_earlier_reversal_had_begun_to_undo,
]


def edit(story, **parts):
    """Change the recorded state behind everybody's back."""
    path = story.host.root / ".release/state.json"
    plain = {**_canonical.unsummed(json.loads(path.read_text())), **parts}
    path.write_bytes(_canonical.dumps(_canonical.summed(plain)))


def predictable(outcome):
    """Return what a prediction shares with an outcome: no time, no words, no results of probes."""
    outcome = {key: value for key, value in outcome.items() if key not in ("summary", "probes")}
    for part in ("after", "deployment"):
        outcome[part] = {**outcome[part], "since": None}
    return outcome


def without_lock(found):
    """Leave out the name of who had the lock last."""
    return {path: what for path, what in found.items() if path != ".release/lock"}


@pytest.mark.parametrize("happened", UNDONE, ids=lambda happened: happened.__name__)
def test_what_a_run_changed_is_undone_by_another(story, happened):
    good = happened(story)
    before = snapshot(story.host.root)

    predicted = story.revert(check=True)
    assert snapshot(story.host.root) == before
    done = story.revert()

    assert predictable(predicted) == predictable(done)
    assert (done["changed"], done["switched_back"]) == (True, True)
    assert done["after"]["phase"] == ("live" if good else "none")
    live = good[-1] if good else None
    assert (story.live, story.good()) == (live, good)
    state = story.host.state
    assert (state.current, state.trial, state.lease) == (story.host.current, None, None)
    if live:
        assert story.host.drift() == []
    version = f"back on {live}.0" if live else "nothing is live, as before"
    assert done["summary"] == version


@pytest.mark.parametrize("happened", UNDONE, ids=lambda happened: happened.__name__)
@pytest.mark.parametrize("by", [BACK, "a third run"])
def test_undone_again_nothing_changes(story, happened, by):
    happened(story)
    story.revert()
    before = snapshot(story.host.root)

    assert not story.revert(by, check=True)["changed"]
    assert not story.revert(by)["changed"]
    assert snapshot(story.host.root) == before


@pytest.mark.parametrize("happened", UNDONE, ids=lambda happened: happened.__name__)
def test_what_was_undone_can_be_deployed_again(story, happened):
    happened(story)
    story.revert()

    story.deploy("the next run", 4)
    story.deploy("the next run", 2)

    assert story.live == 2
    assert story.host.drift() == []


# What leaves nothing to be undone.


def only_staged(story):
    story.deploy(FIRST, 1)
    story.deploy(MINE, 2, state="staged")


def never_here(story):
    story.deploy(FIRST, 1)


def nowhere(story):
    del story


def nothing_to_do(story):
    story.deploy(FIRST, 1)
    story.deploy(MINE, 1)


def put_back_by_its_own_probe(story):
    story.deploy(FIRST, 1)
    story.fail(MINE, 2)


def went_back_itself(story):
    story.deploy(FIRST, 1)
    story.deploy(MINE, 2, commit=False)
    story.deploy(MINE, None)


def rolled_back_itself(story):
    a_commit(story)
    story.deploy(MINE, None)


def tried_and_ended_by_another(story):
    story.deploy(FIRST, 1)
    story.deploy(MINE, 2, commit=False)
    story.deploy(OTHER, None, takeover=MINE)


def tried_for_the_first_time_and_ended_by_another(story):
    story.deploy(MINE, 1, commit=False)
    story.deploy(OTHER, None, takeover=MINE)


def reverted_and_then_deployed_by_another(story):
    a_commit(story)
    story.revert()
    story.deploy(OTHER, 3)


def put_back_and_then_deployed_by_another(story):
    put_back_by_its_own_probe(story)
    story.deploy(OTHER, 3)


def tried_ended_and_then_deployed_by_another(story):
    tried_and_ended_by_another(story)
    story.deploy(OTHER, 3)


def marked(story):
    story.deploy(FIRST, 1)
    story.deploy(MINE, 1, mark="bad")


def repaired(story):
    story.deploy(FIRST, 1)
    (story.tree(1) / "lib").unlink()
    story.deploy(MINE, 1, verify=True)


def removed_altogether(story):
    a_commit(story)
    story.deploy(OTHER, None, state="absent")


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(
    "happened",
    [
        only_staged,
        never_here,
        nowhere,
        nothing_to_do,
        put_back_by_its_own_probe,
        went_back_itself,
        rolled_back_itself,
        tried_and_ended_by_another,
        tried_for_the_first_time_and_ended_by_another,
        reverted_and_then_deployed_by_another,
        put_back_and_then_deployed_by_another,
        tried_ended_and_then_deployed_by_another,
        marked,
        removed_altogether,
    ],
    ids=lambda happened: happened.__name__,
)
def test_where_nothing_of_a_run_stands_nothing_is_done(story, happened, check):
    happened(story)
    before = snapshot(story.host.root)

    result = story.revert(check=check, restart=FAILING, probe=ILL)

    assert (result["changed"], result["switched_back"]) == (False, False)
    assert snapshot(story.host.root) == before


# After these, something else is live.


def deployed_by_another(story):
    a_commit(story)
    story.deploy(OTHER, 3)


def accepted_by_another(story):
    a_trial(story)
    story.deploy(OTHER, 2, takeover=MINE)


def rolled_back_by_another(story):
    for number in (1, 2):
        story.deploy(FIRST, number)
    story.deploy(MINE, 3)
    story.deploy(OTHER, None)


def replaced_on_trial_by_another(story):
    a_commit(story)
    story.deploy(OTHER, 3, commit=False, hold=False)


def tried_and_replaced_by_another(story):
    a_trial(story)
    story.deploy(OTHER, 3, takeover=MINE)


def replaced_and_reverted_by_another(story):
    """What was live before the run is not known any more."""
    a_commit(story)
    story.deploy(OTHER, 3)
    story.deploy(BACK, None, state="reverted", run=OTHER)


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(
    ("happened", "now"),
    [
        (deployed_by_another, 3),
        (accepted_by_another, 2),
        (rolled_back_by_another, 2),
        (replaced_on_trial_by_another, 3),
        (tried_and_replaced_by_another, 3),
        (replaced_and_reverted_by_another, 2),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_where_something_else_became_live_since_it_is_refused(story, happened, now, check):
    happened(story)
    before = snapshot(story.host.root)

    told = rf"what {MINE} changed cannot be undone: something else became live since, now {now}\.0$"
    with pytest.raises(_claim.DeploymentError, match=told) as refused:
        story.revert(check=check)

    assert refused.value.code == "changed_since"
    assert snapshot(story.host.root) == before


@pytest.mark.parametrize("check", [False, True])
def test_what_an_earlier_version_deployed_cannot_be_undone(story, check):
    a_commit(story)
    edit(story, change=None)
    before = snapshot(story.host.root)

    with pytest.raises(_claim.DeploymentError, match="live before is not recorded; roll back ins"):
        story.revert(check=check)
    assert snapshot(story.host.root) == before


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("happened", [a_commit, a_commit_of_a_first_release, a_rollback])
def test_after_a_failure_what_is_committed_stays(story, happened, check):
    """By whomever: the run that asks does not know whether its commit got there."""
    happened(story)
    before = snapshot(story.host.root)

    assert not story.revert(check=check, commit=False)["changed"]
    assert snapshot(story.host.root) == before


@pytest.mark.parametrize("happened", [deployed_by_another, accepted_by_another, never_here])
def test_after_a_failure_what_others_did_since_is_none_of_it(story, happened):
    happened(story)

    assert not story.revert(commit=False)["changed"]


@pytest.mark.parametrize(
    ("happened", "live"),
    [(a_trial, 1), (a_trial_of_a_first_release, None), (two_trials, 1), (a_commit_and_a_trial, 2)],
)
def test_after_a_failure_a_trial_is_undone(story, happened, live):
    happened(story)

    predicted = story.revert(check=True, commit=False)
    done = story.revert(MINE, commit=False)

    assert {**predictable(predicted), "took_over": None} == predictable(done)
    assert story.live == live
    assert story.host.state.current == story.host.current


def test_a_trial_that_the_run_went_on_with_is_its_own(story):
    story.deploy(FIRST, 1)
    story.deploy(OTHER, 2, commit=False, hold=False)
    story.deploy(MINE, 2, commit=False)

    assert story.revert(by=MINE, commit=False)["changed"]

    assert story.live == 1


def test_a_commit_is_undone_after_its_trial_alone_was(story):
    a_commit_and_a_trial(story)
    story.revert(commit=False)
    assert story.live == 2

    story.revert()

    assert (story.live, story.good()) == (1, [1])


# Whose turn it is.


def test_an_open_trial_is_taken_over_from_the_run_that_is_named(story):
    a_trial(story)

    assert story.revert()["took_over"] == MINE
    assert (BACK, "took over") in story.events()
    with pytest.raises(_claim.Overtaken, match=f"was taken over by {BACK}"):
        story.deploy(MINE, 2)


def test_the_run_itself_undoes_its_trial(story):
    a_trial(story)

    assert story.revert(MINE)["took_over"] is None
    story.deploy(MINE, 3)
    assert story.live == 3


@pytest.mark.parametrize("check", [False, True])
def test_the_trial_of_another_run_is_not_taken_over(story, check):
    a_commit(story)
    story.deploy(OTHER, 3, commit=False)

    with pytest.raises(_claim.DeploymentError) as refused:
        story.revert(check=check)
    assert refused.value.code == "changed_since"
    assert story.host.state.lease.run == OTHER


@pytest.fixture
def at_work():
    """Give a function that makes a process hold the lease of a run."""
    with contextlib.ExitStack() as stack:

        def hold(story, run):
            process = stack.enter_context(
                subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
            )
            stack.callback(process.kill)
            with open(f"/proc/{process.pid}/stat", encoding="ascii") as stream:
                started = stream.read().rpartition(")")[2].split()[19]
            lease = _lease.taken(run, "2026-01-01T00:00:00Z")
            edit(story, lease=vars(replace(lease, pid=process.pid, started=started)))
            return process

        yield hold


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")
@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("happened", [never_here, only_staged, a_trial, a_commit])
def test_a_run_that_is_at_work_now_is_not_undone(story, at_work, happened, check):
    """It may be about to switch: then there would be something to undo in a moment."""
    happened(story)
    process = at_work(story, MINE)
    before = snapshot(story.host.root)

    told = f"is held by {MINE}, whose process {process.pid} works here"
    with pytest.raises(_claim.LeaseHeld, match=told):
        story.revert(check=check, lock_timeout=0)
    assert without_lock(snapshot(story.host.root)) == without_lock(before)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")
def test_a_run_at_work_is_waited_for(story, at_work, monkeypatch):
    a_trial(story)
    process = at_work(story, MINE)

    def end_it(_seconds):
        process.kill()
        process.wait()

    monkeypatch.setattr(time, "sleep", end_it)
    assert story.revert(lock_timeout=30)["after"]["version"] == "1.0"
    assert process.returncode == -signal.SIGKILL


def test_what_another_reversal_did_meanwhile_is_not_done_twice(story, estate, monkeypatch):
    a_commit(story)
    restarts = estate.folder / "restarts"
    chosen = _host_call._claim.Claim.take

    def take(claim, *args):
        monkeypatch.undo()
        story.revert("a third run", restart=noting(restarts))
        story.host.run = BACK
        return chosen(claim, *args)

    monkeypatch.setattr(_host_call._claim.Claim, "take", take)

    assert not story.revert(restart=noting(restarts))["changed"]
    assert restarts.read_text() == "1"
    assert [event for event in story.events() if event[1] == "put back"] == [
        ("a third run", "put back")
    ]


# The service.


def noting(path):
    """Return a command that notes at *path* which release it found."""
    return ["/bin/sh", "-c", f'cat "{path.parent}/srv/shop/current/app" >>"{path}"']


@pytest.mark.parametrize("happened", [a_trial, a_commit, a_rollback])
def test_the_service_is_restarted_and_probed_with_what_is_live_again(story, estate, happened):
    good = happened(story)
    restarts, probes = estate.folder / "restarts", estate.folder / "probes"

    story.revert(restart=noting(restarts), probe={"command": noting(probes)})

    assert restarts.read_text() == probes.read_text() == str(good[-1])
    assert story.host.state.restarted


def test_where_nothing_was_live_before_nothing_is_probed(story):
    a_commit_of_a_first_release(story)

    result = story.revert(restart=FAILING, probe=ILL)

    assert (result["changed"], result["summary"]) == (True, "nothing is live, as before")


@pytest.mark.parametrize("happened", [a_trial, a_commit])
@pytest.mark.parametrize(
    ("service", "told"),
    [({"restart": FAILING}, "restart failed"), ({"probe": ILL}, "probe failed: .*not well")],
)
def test_a_service_that_is_not_well_again_is_an_answer_that_says_what_was_done(
    story, happened, service, told
):
    happened(story)
    story.host.run = BACK
    request = story.host.request(state="reverted", run=MINE, **service)

    answer = _host_call.answer(request, story.host.now)

    assert (answer.code, answer.failed) == ("service_failed", True)
    assert answer.text.startswith("2.0 was undone: back on 1.0, but its ")
    assert told.partition(":")[0] in answer.text
    assert answer.text.isprintable()
    assert (answer.outcome["changed"], answer.outcome["switched_back"]) == (True, True)
    assert answer.outcome["after"]["version"] == "1.0"
    assert (story.live, story.host.state.trial, story.host.state.lease) == (1, None, None)


def test_a_restart_that_failed_is_tried_again_by_the_next_reversal(story, estate):
    a_commit(story)
    restarts = estate.folder / "restarts"
    for _time in range(2):
        with pytest.raises(_trial.Unwell, match=r"2\.0 was undone: back on 1\.0, but its restart"):
            story.revert(restart=FAILING)

    predicted = story.revert(check=True, restart=noting(restarts))
    done = story.revert("a third run", restart=noting(restarts), probe=WELL)

    assert predictable(predicted) == predictable(done)
    assert (done["changed"], done["summary"]) == (True, "back on 1.0")
    assert restarts.read_text() == "1"
    assert not story.revert(restart=FAILING)["changed"]


@pytest.mark.parametrize("restart", [None, WELL["command"]])
def test_a_probe_that_failed_is_asked_again_by_the_next_reversal(story, restart):
    """Else a call that is repeated would succeed over a service that does not work."""
    service = {"restart": restart} if restart else {}
    a_commit(story)
    for _time in range(2):
        with pytest.raises(_trial.Unwell, match=r"2\.0 was undone: back on 1\.0, but its probe"):
            story.revert(probe=ILL, **service)

    predicted = story.revert(check=True, probe=WELL, **service)
    done = story.revert("a third run", probe=WELL, **service)

    assert predictable(predicted) == predictable(done)
    assert done["changed"] is bool(restart)
    assert story.live == 1
    assert not story.revert(probe=WELL, **service)["changed"]


def test_a_restart_that_others_left_undone_is_none_of_a_reversal(story):
    a_commit(story)
    story.revert()
    story.deploy(OTHER, 3)

    assert not story.revert(restart=FAILING)["changed"]


# What was live before, and is not what it was.


@pytest.mark.parametrize("check", [False, True])
def test_what_was_live_before_and_is_gone_is_not_gone_back_to(story, check):
    a_commit(story)
    shutil.rmtree(story.tree(1))
    before = snapshot(story.host.root)

    with pytest.raises(
        _claim.DeploymentError, match="is not on this host any more: dep"
    ) as refused:
        story.revert(check=check)

    assert refused.value.code == "no_rollback_target"
    assert story.live == 2
    if check:
        assert snapshot(story.host.root) == before
    assert story.host.state.trial is None


def test_from_a_trial_it_goes_back_further_where_what_was_live_is_gone(story):
    for number in (1, 2):
        story.deploy(FIRST, number)
    story.deploy(MINE, 3, commit=False)
    shutil.rmtree(story.tree(2))

    predicted = story.revert(check=True)
    done = story.revert()

    assert predictable(predicted) == predictable(done)
    assert (story.live, story.good()) == (1, [1])


@pytest.mark.parametrize("commit", [False, True])
def test_what_was_marked_bad_since_is_passed_over(story, commit):
    for number in (1, 2):
        story.deploy(FIRST, number)
    story.deploy(MINE, 3, commit=commit)
    story.deploy(OTHER, 2, mark="bad")

    predicted = story.revert(check=True)
    done = story.revert()

    assert predictable(predicted) == predictable(done)
    assert (story.live, story.good()) == (1, [1])


@pytest.mark.parametrize("happened", [a_trial, a_commit])
def test_where_nothing_better_is_left_what_is_marked_bad_is_gone_back_to_and_named(story, happened):
    happened(story)
    story.deploy(OTHER, 1, mark="bad")

    done = story.revert()

    assert story.live == 1
    assert done["summary"] == "back on 1.0, which is marked bad"


@pytest.mark.parametrize("happened", [a_trial, a_commit])
def test_what_is_damaged_is_gone_back_to_and_named(story, happened):
    happened(story)
    (story.tree(1) / "lib").unlink()

    done = story.revert()

    assert story.live == 1
    assert done["summary"] == "back on 1.0, which differs from what was sealed: missing lib"


def test_what_was_adopted_is_gone_back_to(story):
    (story.host.root / "releases/20250101").mkdir(parents=True)
    (story.host.root / "releases/20250101/app").write_text("0")
    (story.host.root / "current").symlink_to("releases/20250101")
    story.deploy(MINE, 1, adopt=True)

    story.revert()

    assert (story.live, story.host.current) == (0, "20250101")
    assert not story.revert("a third run")["changed"]


def test_a_repair_alone_is_no_change_to_undo(story):
    """What was there before was damaged."""
    repaired(story)

    with pytest.raises(_claim.DeploymentError, match="not recorded"):
        story.revert()
    assert story.host.drift() == []
