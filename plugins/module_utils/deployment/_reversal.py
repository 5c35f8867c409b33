# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which change of a root ``state: reverted`` undoes, and what that leads to."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, Dict, List, Optional

from ..root import _claim, _directory, _history, _records, _state
from . import _request

SWITCHES = ("activated", "went back")  # events of a run that tries a release
ACCEPTED = "accepted"
UNDONE = "put back"
REVERTED = "reverted"  # of another run, perhaps: that one is told as what it was from
OF_A_RUN = (*SWITCHES, ACCEPTED, UNDONE)
MOVES = (*OF_A_RUN, "adopted", "settled")  # after these something else may be live
MOST_EVENTS = 10_000


def choose(
    root: _directory.Root, state: _state.State, request: _request.Request
) -> Optional[_records.Change]:
    """Return the Change of the run that *request* names, or None where nothing is to be undone.

    With ``commit: false`` a release that the run committed stays. Raises DeploymentError where
    something else became live since.
    """
    trial, commit = state.trial_change, state.change
    tried = trial if trial and trial.run == request.reverts and trial.to == state.trial else None
    if not request.commit:  # asked after a failure: a release committed, by whomever, stays
        return tried
    if commit and commit.run == request.reverts and commit.to == state.live:
        if tried:  # a run that does one thing after another is undone as a whole
            is_back = tried.to == commit.back
            return commit if is_back else replace(commit, to=tried.to)
        if not state.trial:
            return commit
        raise _changed_since(root, state, request)
    if tried is None:
        _demand_undone(root, state, request)
    return tried


def unfinished(
    root: _directory.Root, before: _state.State, state: _state.State, request: _request.Request
) -> Optional[str]:
    """Return the tree that a reversal of the run took away without coming to its end, or None.

    It switched, and was killed before it recorded that, or the service was not restarted since, or
    its probe failed. *before* is the State as recorded, and *state* that, settled: there is nothing
    left to undo.
    """
    service = request.service
    waits = is_left_open(before, state, service) or (service.probes_after and not state.restarted)
    if not waits or state.trial:
        return None
    for event in reversed(_history.read(root, MOST_EVENTS)):
        if event["event"] == REVERTED:
            return event["tree"] if event["from"] == request.reverts else None
        if event["event"] in MOVES and event["event"] not in (UNDONE, "settled"):
            return None
    return None


def is_left_open(before: _state.State, state: _state.State, service: _request.Service) -> bool:
    """Tell whether a switch was not recorded, or not followed by the restart of the *service*."""
    return bool(before.switching or (service.restart and not state.restarted))


def accepted(state: _state.State, run: str) -> Optional[_records.Change]:
    """Return the Change that made the trial of *state* live, which *run* accepts.

    It answers for it from then on; what it committed before is part of it. A damaged tree that is
    replaced changes nothing.
    """
    if not state.trial:
        raise AssertionError
    trial, commit = state.trial_change, state.change
    if commit and commit.to != state.live:
        commit = None
    if _is_repair(state):
        return commit and replace(commit, to=state.trial)
    if trial is None or trial.to != state.trial:
        return None
    change = replace(trial, run=run)
    if commit and commit.run == run:
        change = replace(change, back=commit.back, good=commit.good)
    return None if change.to == change.back else change


def _is_repair(state: _state.State) -> bool:
    """Tell whether the tree on trial is another one of what is live."""
    tried, live = state.record_of(state.trial), state.record_of(state.live)
    return bool(tried and live and (tried.digest, tried.links) == (live.digest, live.links))


def put_on_trial(root: _directory.Root, state: _state.State, change: _records.Change) -> None:
    """Edit *state* so that *change* is a trial, which only has to be withdrawn.

    Raises DeploymentError where what was live before is gone.
    """
    if state.live == change.back:
        return
    if change.back and change.back not in root.existing_trees(state):
        raise _claim.DeploymentError(
            "%s was live before, and is not on this host any more: deploy it by its digest"
            % change.back,
            code="no_rollback_target",
        )
    state.live, state.trial = change.back, change.to
    state.change, state.trial_change = None, change
    state.good = list(change.good)


def target(root: _directory.Root, state: _state.State) -> Optional[str]:
    """Return the tree to go back to from the trial, None where nothing was live before.

    That is the live one, or an earlier one where that is gone or marked bad. Raises DeploymentError
    where none is left.
    """
    trees = _state.ways_back(state, root.existing_trees(state))
    if state.live and not trees:
        if not state.trial:
            raise AssertionError
        raise _claim.DeploymentError(
            "no earlier release is left, so %s stays" % state.trees[state.trial].version
        )
    return trees[0] if trees else None


def undone(root: _directory.Root, state: _state.State, change: _records.Change) -> _state.State:
    """Return *state* as it is once *change* is undone."""
    after = copy.deepcopy(state)
    put_on_trial(root, after, change)
    back = target(root, after)
    if back and back != after.live:
        after.live, after.good = back, _state.accepted(after.good, after.trees[back].digest)
    after.trial = after.lease = None
    return after


def _demand_undone(root: _directory.Root, state: _state.State, request: _request.Request) -> None:
    """Raise DeploymentError where something stands of what the run changed.

    No Change says what that was, so the history is asked.
    """
    history = _history.read(root, MOST_EVENTS)
    events = [event for event in history if event["event"] in (*MOVES, REVERTED)]
    own = [
        number
        for number, event in enumerate(events)
        if event["run"] == request.reverts and event["event"] in OF_A_RUN
    ]
    if not own or events[own[-1]]["event"] == UNDONE:
        return
    last, since = events[own[-1]], events[own[-1] + 1 :]
    if any((event["event"], event["from"]) == (REVERTED, request.reverts) for event in since):
        return
    before = _live_before(events, own[-1])
    if not since:
        # What undid it, then, was killed before it could write that down.
        if state.trial or state.live != before:
            raise _claim.DeploymentError(
                "%s: what %s changed cannot be undone: what was live before is not recorded; roll "
                "back instead (release: previous, or the role rollback)"
                % (root.path, request.reverts),
                code="no_rollback_target",
            )
        return
    # A trial ends by being put back, or by going back; who did that and was killed is settled.
    after, was_tried = since[0], last["event"] in SWITCHES
    if after["event"] == UNDONE:
        return
    if not (was_tried and after["event"] in (*SWITCHES, "settled") and after["tree"] == before):
        raise _changed_since(root, state, request)


def _live_before(events: List[Dict[str, Any]], last: int) -> Optional[str]:
    """Return the tree that was live before what the run of the event number *last* did."""
    live = None
    for event in events[:last]:
        is_own = event["run"] == events[last]["run"]
        if event["event"] == "adopted" or (event["event"] in (ACCEPTED, UNDONE) and not is_own):
            live = event["tree"]
    return live


def _changed_since(
    root: _directory.Root, state: _state.State, request: _request.Request
) -> _claim.DeploymentError:
    live = state.trees[state.current].version if state.current else "nothing"
    return _claim.DeploymentError(
        "%s: what %s changed cannot be undone: something else became live since, now %s"
        % (root.path, request.reverts, live),
        code="changed_since",
    )
