# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of the controller to a host: what ``release_deployment`` does there.

The controller's half says what it wants with plain data and gets plain data back: either what was
done, or what it has to send first. Nothing here knows Ansible.

Most calls find nothing to do, and a host compiles at each call what that imports. So what only
writing needs is imported where writing begins.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import os

from ..files import _paths
from ..root import _adoption, _claim, _directory, _ownership, _records, _state
from . import _answer, _plan

MARKS = {
    "bad": ("bad", True),
    "good": ("bad", False),
    "pinned": ("pinned", True),
    "unpinned": ("pinned", False),
}


def _at_one_moment(act):
    """Return *act* so that it looks again where another run switched while it looked."""

    @functools.wraps(act)
    def looks_again(*args):
        while True:
            with contextlib.suppress(_directory.Moved):
                return act(*args)

    return looks_again


@_at_one_moment
def remove(params, call, now, check_mode):
    """Do ``state: absent``: one release, or everything of ours; return the result."""
    _check_named(params, call)
    from ..files import _deletion
    from . import _removal, _transaction

    with _directory.opened(params["root"]) as root:
        if root is None:
            # What a removal that was killed left to delete.
            leftovers = {} if check_mode else _removal.sweep(params["root"])
            result = _answer.result(params["root"], None, None, changed=False)
            return {**result, "warnings": _deletion.warnings(leftovers)}
        before = root.read_state()
        _claim.check_owner(root.path, before, None)
        root.read_current(before)  # refuses what is not ours
        state = copy.deepcopy(before)
        _claim.settle(root, state, None)  # what a killed run made live is on trial
        trees = _removal.choice(root, call)(state)
        # A removal that was killed is gone on with.
        has_leftovers = not check_mode and _removal.unused_manifests(root, before)
        if call["release"] and not trees and not has_leftovers:
            return _answer.result(params["root"], before, before, changed=False)
        act = _transaction.foresee_removal if check_mode else _transaction.remove
        return act(root, before, state, params, call, now)


def mark(params, call, now, check_mode):
    """Do ``mark``: remember that a release is bad or pinned, or no longer; return the result."""
    _check_named(params, call)
    from . import _transaction

    digest = call["release"]["digest"]
    with _directory.opened(params["root"]) as root:
        if root is None:
            raise _claim.DeploymentError("nothing is deployed at %s" % params["root"])
        before = root.read_state()
        _claim.check_owner(root.path, before, None)
        after = copy.deepcopy(before)
        changed = _remark(after, digest, params["mark"], _records.Mark(call["run"], ""))
        if changed and not check_mode:
            claim = _transaction.claim_of(root, params, call, now)
            with claim.noting() as after:
                before = copy.deepcopy(after)
                changed = _remark(after, digest, params["mark"], _records.Mark(claim.run, now()))
                if changed:
                    claim.record("marked " + params["mark"], digest, None)
        return _answer.result(params["root"], before, after, changed=changed)


def _remark(state, digest, mark_, record):
    """Mark a release in *state*, with *record*; tell whether that changes anything."""
    field, wanted = MARKS[mark_]
    marks = getattr(state, field)
    held = {tree.digest for tree in state.trees.values()}
    if mark_ == "pinned" and digest not in held:
        raise _claim.DeploymentError("release sha256:%s is not here" % digest)
    if (digest in marks) == wanted:
        return False
    if wanted:
        marks[digest] = record
    else:
        del marks[digest]
    return True


@_at_one_moment
def bring(params, call, now, check_mode):
    """Do ``state: staged`` and ``state: live``; return the result.

    Where the release is not here and no pack came with the call, the result has ``need``: the
    digest wanted, the releases held, the codecs that can be read, and where to drop the pack.
    """
    _check_named(params, call)
    for name in ("keep", "keep_days"):
        if (params[name] or 0) < 0:
            raise _claim.DeploymentError(
                "%s (deploy_%s in the role) is %d: give 0 or more" % (name, name, params[name])
            )
    if params["probe"]:
        from . import _service

        _service.check(params["probe"])
    with _directory.opened(params["root"]) as root:
        state = root.read_state() if root else _state.State()
    asked = (params[name] for name in ("owner", "group", "access"))
    access = _ownership.asked(*asked, state.access)
    adopted = _to_adopt(params, state)
    if root is None and call["release"] is None:
        return _as_it_is(params, adopted, now)
    if not check_mode:
        _directory.create(params["root"], access)
    with _directory.opened(params["root"]) as root:
        if adopted:
            _adoption.record(state, adopted, now())
        if root is None:
            from . import _prediction

            return _prediction.first(params, call, state)
        return _bring(root, access, adopted, params, call, now, check_mode)


def _check_named(params, call):
    """Raise DeploymentError where what is removed, marked or staged would have to be guessed.

    Without a release in the *call*, the current or the previous one is meant, or all of them.
    """
    what = "mark" if params["mark"] else "state: " + params["state"]
    all_removed = params["state"] == "absent" and not params["release"]
    if call["release"] is None and what != "state: live" and not all_removed:
        raise _claim.DeploymentError(
            what + " needs the release that it is about, as name:version or sha256:<digest>"
        )


def _to_adopt(params, state):
    """Return the tree that another tool made live here, if it is to be adopted, or None.

    Raises RootError for what is not ours and may not, or cannot, be adopted.
    """
    if state.token or not os.path.lexists(os.path.join(_paths.local(params["root"]), "current")):
        return None
    with _directory.opened(params["root"]) as root:
        if root and root.read_state().token:
            return None  # the first deployment was made meanwhile
    if not params["adopt"]:
        raise _directory.RootError(
            "%s/current is not ours: nothing was touched; with adopt: true (deploy_adopt in the "
            "role) the release that it leads to stays as the way back" % params["root"]
        )
    return _adoption.find(params["root"])


def _as_it_is(params, adopted, now):
    """Return the result of a call that names no release where nothing of ours is.

    What is current is live already. Raises NoWayBack where the previous one is meant.
    """
    if not adopted:
        raise _claim.DeploymentError(
            "nothing is deployed at %s, so there is nothing to go back to" % params["root"]
        )
    state = _state.State()
    _adoption.record(state, adopted, now())
    if params["release"] != "current":
        _state.previous_release(state)
    return {**_answer.result(params["root"], state, state, changed=False), "is_live": True}


def _bring(root, access, adopted, params, call, now, check_mode):
    state = root.read_state()
    _claim.check_owner(root.path, state, access)
    if adopted and not state.token:
        _adoption.record(state, adopted, now())
    before = copy.deepcopy(state)
    _claim.settle(root, state, None)  # what a killed run left counts as what it really did
    plan = _plan.make(root, state, params, call)
    if plan.step == "nothing" and not call["pack"]:
        return _nothing(root, before, state, params, plan)
    from . import _transaction

    if check_mode:
        return _transaction.foresee(root, before, plan, params, call, now)
    return _transaction.bring(root, before, plan, params, call, now, access, adopted)


def _nothing(root, before, state, params, plan):
    """Return the result of a call that had nothing to do."""
    wanted = {**params, "state": "live"}
    ahead, _tree_name = _plan.next_step(root, state, wanted, plan.release)
    result = _answer.result(params["root"], before, state, changed=False)
    return {**result, "is_live": ahead == "nothing" and not state.trial}
