# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The trial: a release is made live, restarted into, probed, and accepted or put back.

``current`` is replaced in one step, and the state says before what it is about to be. A process
that ends at any point leaves the old or the new release live, and the next run settles it.
"""

from __future__ import annotations

import contextlib
import os

from . import _claim, _drift, _durable, _root, _service, _state, _tree


class PutBack(_claim.DeploymentError):
    """A release failed its trial, and the host is back on the one before."""


def activate(claim, tree, runtime_paths=None):
    """Verify *tree* and point ``current`` to it: on trial.

    Without *runtime_paths* this process has just built and verified it.
    """
    if runtime_paths is not None:
        _verify(claim, tree, runtime_paths)
    _check_shared(claim, tree)
    with claim.commit_point() as state:
        _switch(claim, state, tree)
        claim.record("activated", tree, state.live)


def try_out(claim, restart, probe):
    """Restart the service if it was not since the switch, and probe it.

    When either fails, switch back, restart in the same way and raise PutBack.
    """
    state = claim.root.read_state()
    try:
        if restart and not state.restarted:
            _restart(claim, restart)
        if probe:
            _service.probe(probe)
    except _service.ServiceError as error:
        _put_back(claim, restart, str(error))


def withdraw(claim, restart):
    """End the trial that is on: switch back and restart; return in words what was and what is."""
    with claim.commit_point() as state:
        failed, back = state.trees[state.trial]["version"], _state.describe(state, state.live)
        _switch(claim, state, state.live)
        claim.record("put back", state.live, failed)
    outcome = "back on %s" % back["version"] if back else "nothing is live, as before"
    if restart:
        try:
            _restart(claim, restart)
        except _service.ServiceError as error:
            # Without an earlier release there is nothing to start: it was stopped, then.
            if back:
                outcome += ", but its %s" % error
    return failed, outcome


def accept(claim):
    """Let the release that is on trial be the live and good one."""
    with claim.commit_point() as state:
        if not state.trial:
            return
        state.live, state.trial = state.trial, None
        state.good = _state.accepted(state.good, state.trees[state.live]["digest"])
        claim.root.write_state(state)
        claim.record("accepted", state.live, None)


def mark(claim, digest, bad):
    """Mark a release as bad, so that nothing goes back to it, or as good again."""
    with claim.commit_point() as state:
        if bad:
            state.bad[digest] = {"run": claim.run, "at": claim.now()}
        else:
            state.bad.pop(digest, None)
        claim.root.write_state(state)
        claim.record("marked bad" if bad else "marked good", digest, None)


def _switch(claim, state, tree):
    """Point ``current`` to *tree* (None: to nothing), inside a commit point."""
    claim.root.read_current(state)  # refuses what is not ours
    state.switching = {"to": tree}
    claim.root.write_state(state)
    if tree:
        _durable.replace_link(claim.root.descriptor, "current", "releases/" + tree)
    else:
        _durable.remove_file(claim.root.descriptor, "current")
        os.fsync(claim.root.descriptor)
    _claim.note_switch(state, tree, claim.now())
    state.switching = None
    claim.root.write_state(state)


def _restart(claim, command):
    _service.restart(command)
    with claim.commit_point() as state:
        state.restarted = True
        claim.root.write_state(state)


def _put_back(claim, restart, reason):
    if not claim.root.read_state().trial:
        raise _claim.DeploymentError("%s; nothing was on trial, so nothing was put back" % reason)
    failed, outcome = withdraw(claim, restart)
    raise PutBack("%s: %s; %s" % (failed, reason, outcome))


def _verify(claim, tree, runtime_paths):
    drift, _runtime = _drift.look_through(claim.root, claim.root.read_state(), tree, runtime_paths)
    if drift:
        raise _drift.Damaged(
            "%s differs from what was sealed: %s" % (tree, _drift.name_drift(drift))
        )


def _check_shared(claim, tree):
    """Make the shared directories that *tree* links to; refuse where a file is missing."""
    state = claim.root.read_state()
    with contextlib.ExitStack() as stack:
        shared = claim.folder(stack, "shared")
        for link in state.trees[tree]["links"]:
            if link.endswith("/"):
                access = _tree.Access(**state.access)
                _make_shared(shared, link.rstrip("/"), access)
            elif not _exists(shared, link):
                raise _claim.DeploymentError(
                    "%s/shared/%s does not exist: put it there first, or write %s/ for a "
                    "directory" % (claim.root.path, link, link)
                )


def _make_shared(shared, path, access):
    names = path.split("/")
    for depth in range(1, len(names) + 1):
        part = "/".join(names[:depth])
        if not _exists(shared, part):
            parent = _root.open_directory(shared, "/".join(names[: depth - 1]) or ".")
            try:
                _tree.make_directory(parent, names[depth - 1], access, lambda descriptor: None)
            finally:
                os.close(parent)


def _exists(directory, path):
    try:
        os.stat(path, dir_fd=directory)
    except FileNotFoundError:
        return False
    return True
