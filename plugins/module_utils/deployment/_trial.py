# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The trial: a release is made live, restarted into, probed, and accepted or put back.

``current`` is replaced in one step, and the state says before what it is about to be. A process
that ends at any point leaves the old or the new release live, and the next run settles it.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, Dict, List, Mapping, NamedTuple, NoReturn, Optional, Sequence

from ..files import _durable
from ..root import _claim, _directory, _inspection, _records, _state
from ..tree import _drift
from . import _governance, _plan, _request, _reversal, _service, _shared


class Reported(_claim.DeploymentError):
    """A failure that comes with an *outcome*, empty until all of it is known."""

    def __init__(
        self, text: str, code: Optional[str] = None, outcome: Optional[Dict[str, Any]] = None
    ) -> None:
        super().__init__(text, code)
        self.outcome = outcome or {}


class PutBack(Reported):
    """A release failed its trial, and the host is back on the one before."""

    code = "rolled_back"
    probes: Sequence[Mapping[str, Any]] = ()  # the results of its probes


class Unready(Reported):
    """A staged release is not good by a probe that is asked before the switch."""


class Unwell(Reported):
    """A change was undone, and what is live again does not work."""


class Withdrawn(NamedTuple):
    """How a trial ended: the version that *failed*, in words what is live now, and perhaps what is
    wrong with that; *probes* are the results of those that it was asked by."""

    failed: str
    outcome: str
    problem: Optional[_service.ServiceError] = None
    probes: Sequence[Mapping[str, Any]] = ()

    @property
    def text(self) -> str:
        """The whole outcome in words."""
        return self.outcome + (", but its %s" % self.problem if self.problem else "")


def activate(claim: _claim.Claim, tree: str) -> None:
    """Point ``current`` to *tree*, which the caller has verified: on trial.

    Marks wait for no run, so only here is it sure that the release is not marked bad.
    """
    _shared.prepare(claim, tree)
    with claim.commit_point() as state:
        _plan.refuse_bad(state, state.trees[tree].digest, state.trees[tree].version)
        event = "went back" if _state.is_older(state, tree, state.current) else "activated"
        if tree != state.live:
            state.trial_change = _records.Change(
                claim.run, tree, back=state.live, good=tuple(state.good)
            )
        _switch(claim, state, tree)
        claim.tries = True
        claim.record(event, tree, state.left)


def try_staged(
    root: _directory.Root,
    state: _state.State,
    tree: str,
    service: _request.Service,
    changed: bool,
) -> List[Dict[str, Any]]:
    """Ask the probes before the switch about the staged *tree*; return their results.

    A release that was committed here before is not asked: a way back depends on no such probe.
    Raises Unready where one is not good; *changed* tells whether the tree was staged just now.
    """
    record = state.trees[tree]
    is_known = tree == state.current or record.adopted or record.digest in state.good
    if is_known or not service.probes_before:
        return []
    try:
        return _service.probe_staged(service.probes_before, "%s/releases/%s" % (root.path, tree))
    except _service.ServiceError as error:
        text = "%s: %s; nothing was switched" % (record.version, error)
        outcome = {"changed": changed, "probes": error.probes}
        raise Unready(text, error.code, outcome) from None


def try_out(claim: _claim.Claim, service: _request.Service) -> List[Dict[str, Any]]:
    """Restart the service if it was not since the switch, and probe it; return the results.

    When either fails, switch back, restart in the same way and raise PutBack.
    """
    claim.tries = True
    with claim.commit_point() as state:  # an overtaken run does not touch the service
        restarted, tried = state.restarted, state.trial_change
        if tried and tried.run != claim.run:  # the trial of an earlier run is this one's now
            state.trial_change = replace(tried, run=claim.run)
            claim.root.write_state(state)
    try:
        if service.restart and not restarted:
            _restart(claim, service)
        return _service.probe(service.probes_after)
    except _service.ServiceError as error:
        _put_back(claim, service, error)


def withdraw(claim: _claim.Claim, service: _request.Service) -> Withdrawn:
    """End the trial that is on: switch back and restart.

    The way back leads to the live release, or to an earlier one where that is gone. One that
    differs from what was sealed is still better than one that failed, and is named.
    """
    with claim.commit_point() as state:
        if not state.trial:
            raise AssertionError
        failed = state.trees[state.trial].version
        target = _reversal.target(claim.root, state)
        _switch(claim, state, target)
        if target != state.live:
            _accept(claim, state)
        claim.record("put back", target, failed)
    outcome = _say_where(claim, state, target)
    return Withdrawn(failed, outcome, _restart_again(claim, target, service))


def revert(claim: _claim.Claim, change: _records.Change, service: _request.Service) -> Withdrawn:
    """Undo *change*, on trial or committed: switch back, restart and probe what is live then.

    A committed release is on trial again first, so that whoever is killed here leaves a trial.
    """
    with claim.commit_point() as state:
        _reversal.put_on_trial(claim.root, state, change)
        # Once it has switched, the state has forgotten the change: only the history tells of it.
        claim.record(_reversal.REVERTED, change.to, change.run)
        claim.root.write_state(state)
    return _probe_again(claim, withdraw(claim, service), service)


def finish_reversal(claim: _claim.Claim, tree: str, service: _request.Service) -> Withdrawn:
    """Go on with a reversal that had switched from *tree*: restart and probe what is live."""
    with claim.commit_point() as state:
        failed = state.trees[tree].version if tree in state.trees else tree
    problem = None if state.restarted else _restart_again(claim, state.live, service)
    done = Withdrawn(failed, _say_where(claim, state, state.live), problem)
    return _probe_again(claim, done, service)


def _restart_again(
    claim: _claim.Claim, tree: Optional[str], service: _request.Service
) -> Optional[_service.ServiceError]:
    """Restart the service, now that *tree* is live again; return what is wrong with that, if so."""
    if not service.restart:
        return None
    try:
        _restart(claim, service)
    except _service.ServiceError as error:
        if tree:
            return error
        # There is nothing to start: it was stopped, then.
        with claim.commit_point() as state:
            state.restarted = True
            claim.root.write_state(state)
    return None


def _probe_again(claim: _claim.Claim, done: Withdrawn, service: _request.Service) -> Withdrawn:
    """Probe what is live again, if anything is; return *done* with what is wrong with that."""
    with claim.commit_point() as state:
        is_live = state.live
    if is_live and not done.problem:
        try:
            return done._replace(probes=_service.probe(service.probes_after))
        except _service.ServiceError as error:
            with claim.commit_point() as state:
                state.restarted = False  # so the same call again restarts and probes again
                claim.root.write_state(state)
            return done._replace(problem=error, probes=error.probes)
    return done


def _say_where(claim: _claim.Claim, state: _state.State, target: Optional[str]) -> str:
    if not target:
        return "nothing is live, as before"
    outcome = "back on %s" % state.trees[target].version
    if state.trees[target].digest in state.bad:
        outcome += ", which is marked bad"
    drift, _runtime = _inspection.look_through(claim.root, state, target, ())
    if drift:
        outcome += ", which differs from what was sealed: %s" % _drift.name_drift(drift)
    return outcome


def accept(claim: _claim.Claim, governed: Optional[Mapping[str, Any]] = None) -> None:
    """Let the release that is on trial be the live and good one, *governed* as the request says."""
    with claim.commit_point() as state:
        if state.trial:
            state.governed = _governance.after_commit(state.governed, governed)
            _accept(claim, state)
            claim.record("accepted", state.live, None)


def _switch(claim: _claim.Claim, state: _state.State, tree: Optional[str]) -> None:
    """Point ``current`` to *tree* (None: to nothing), inside a commit point."""
    claim.root.read_current(state)  # refuses what is not ours
    state.switching = _records.Switch(tree)
    claim.root.write_state(state)
    if tree:
        _durable.replace_link(claim.root.descriptor, "current", "releases/" + tree)
    else:
        _durable.remove_file(claim.root.descriptor, "current")
        os.fsync(claim.root.descriptor)
    _claim.note_switch(state, tree, claim.now())
    state.switching = None
    claim.root.write_state(state)


def _accept(claim: _claim.Claim, state: _state.State) -> None:
    state.change = _reversal.accepted(state, claim.run)
    state.live, state.trial, state.trial_change = state.trial, None, None
    if not state.live:
        raise AssertionError
    state.good = _state.accepted(state.good, state.trees[state.live].digest)
    claim.root.write_state(state)


def _restart(claim: _claim.Claim, service: _request.Service) -> None:
    _service.restart(service.restart, service.timeout)
    with claim.commit_point() as state:
        state.restarted = True
        claim.root.write_state(state)


def _put_back(
    claim: _claim.Claim, service: _request.Service, reason: _service.ServiceError
) -> NoReturn:
    with claim.commit_point() as state:
        is_tried = state.trial
    if not is_tried:
        raise _claim.DeploymentError(
            "%s; nothing was on trial, so nothing was put back" % reason, code=reason.code
        )
    try:
        done = withdraw(claim, service)
    except _claim.Overtaken:
        raise
    except _claim.DeploymentError as error:
        raise _claim.DeploymentError("%s; %s" % (reason, error)) from None
    put_back = PutBack("%s: %s; %s" % (done.failed, reason, done.text))
    put_back.probes = reason.probes
    raise put_back
