# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The trial: a release is made live, restarted into, probed, and accepted or put back.

``current`` is replaced in one step, and the state says before what it is about to be. A process
that ends at any point leaves the old or the new release live, and the next run settles it.
"""

from __future__ import annotations

import os

from ..files import _durable
from ..root import _claim, _inspection, _records, _state
from ..tree import _drift
from . import _plan, _service, _shared


class PutBack(_claim.DeploymentError):
    """A release failed its trial, and the host is back on the one before."""

    code = "rolled_back"


def activate(claim, tree):
    """Point ``current`` to *tree*, which the caller has verified: on trial.

    Marks wait for no run, so only here is it sure that the release is not marked bad.
    """
    _shared.prepare(claim, tree)
    with claim.commit_point() as state:
        _plan.refuse_bad(state, state.trees[tree].digest, state.trees[tree].version)
        event = "went back" if _state.is_older(state, tree, state.current) else "activated"
        _switch(claim, state, tree)
        claim.tries = True
        claim.record(event, tree, state.left)


def try_out(claim, restart, probe, timeout):
    """Restart the service if it was not since the switch, and probe it.

    When either fails, switch back, restart in the same way and raise PutBack. *timeout* is the
    most seconds that a restart may take.
    """
    claim.tries = True
    with claim.commit_point() as state:  # an overtaken run does not touch the service
        restarted = state.restarted
    try:
        if restart and not restarted:
            _restart(claim, restart, timeout)
        if probe:
            _service.probe(probe)
    except _service.ServiceError as error:
        _put_back(claim, restart, timeout, str(error))


def withdraw(claim, restart, timeout):
    """End the trial that is on: switch back and restart; return in words what was and what is.

    The way back leads to the live release, or to an earlier one where that is gone. One that
    differs from what was sealed is still better than one that failed, and is named.
    """
    with claim.commit_point() as state:
        failed = state.trees[state.trial].version
        trees = _state.ways_back(state, claim.root.existing_trees(state))
        if state.live and not trees:
            raise _claim.DeploymentError("no earlier release is left, so %s stays" % failed)
        target = trees[0] if trees else None
        _switch(claim, state, target)
        if target != state.live:
            _accept(claim, state)
        claim.record("put back", target, failed)
    outcome = _say_where(claim, state, target)
    if restart:
        try:
            _restart(claim, restart, timeout)
        except _service.ServiceError as error:
            # Without an earlier release there is nothing to start: it was stopped, then.
            if target:
                outcome += ", but its %s" % error
    return failed, outcome


def _say_where(claim, state, target):
    if not target:
        return "nothing is live, as before"
    outcome = "back on %s" % state.trees[target].version
    if state.trees[target].digest in state.bad:
        outcome += ", which is marked bad"
    drift, _runtime = _inspection.look_through(claim.root, state, target, ())
    if drift:
        outcome += ", which differs from what was sealed: %s" % _drift.name_drift(drift)
    return outcome


def accept(claim):
    """Let the release that is on trial be the live and good one."""
    with claim.commit_point() as state:
        if state.trial:
            _accept(claim, state)
            claim.record("accepted", state.live, None)


def _switch(claim, state, tree):
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


def _accept(claim, state):
    state.live, state.trial = state.trial, None
    state.good = _state.accepted(state.good, state.trees[state.live].digest)
    claim.root.write_state(state)


def _restart(claim, command, timeout):
    _service.restart(command, timeout)
    with claim.commit_point() as state:
        state.restarted = True
        claim.root.write_state(state)


def _put_back(claim, restart, timeout, reason):
    with claim.commit_point() as state:
        is_tried = state.trial
    if not is_tried:
        raise _claim.DeploymentError("%s; nothing was on trial, so nothing was put back" % reason)
    try:
        failed, outcome = withdraw(claim, restart, timeout)
    except _claim.Overtaken:
        raise
    except _claim.DeploymentError as error:
        raise _claim.DeploymentError("%s; %s" % (reason, error)) from None
    raise PutBack("%s: %s; %s" % (failed, reason, outcome))
