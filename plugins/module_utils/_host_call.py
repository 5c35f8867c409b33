# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of the controller to a host: what ``release_deployment`` does there.

The controller's half says what it wants with plain data and gets plain data back: either what was
done, or what it has to send first. Nothing here knows Ansible.
"""

from __future__ import annotations

import contextlib
import copy
import os

from . import (
    _adoption,
    _answer,
    _claim,
    _drift,
    _drop,
    _ownership,
    _paths,
    _plan,
    _prediction,
    _removal,
    _root,
    _service,
    _staging,
    _state,
    _trial,
)

MARKS = {
    "bad": ("bad", True),
    "good": ("bad", False),
    "pinned": ("pinned", True),
    "unpinned": ("pinned", False),
}


def remove(params, call, now, check_mode):
    """Do ``state: absent``: one release, or everything of ours; return the result."""
    with _root.opened(params["root"]) as root:
        if root is None:
            if not check_mode:
                _removal.sweep(params["root"])  # what a removal that was killed left to delete
            return _answer.result(params["root"], None, None, changed=False)
        state = root.read_state()
        _claim.check_owner(root.path, state, None)
        root.read_current(state)  # refuses what is not ours
        before = copy.deepcopy(state)
        release = call["release"]
        trees = _removal.removable(root, state, release["digest"]) if release else []
        if release and not trees:
            return _answer.result(params["root"], before, state, changed=False)
        if check_mode:
            claim = _claim_of(root, params, call, now)
            claim.check_turn(state)
            _claim.settle(root, state, None)
            if claim.took_over:
                state.lease = None
            after = _prediction.without(state, trees) if release else None
            removed = trees or _removal.ours(root, state)
            result = _answer.result(params["root"], before, after, changed=True, removed=removed)
            return _with(claim, result)
        _root.ensure_folders(root)  # a removal that was killed may have begun with them
        with _leased(root, params, call, now) as (claim, _state_now):
            if release:
                _removal.clean(claim, trees)
            else:
                trees = _removal.ours(root, state)
                _removal.remove_all(claim, params["purge_shared"])
        after = root.read_state() if release else None
    return _with(claim, _answer.result(params["root"], before, after, changed=True, removed=trees))


def mark(params, call, now, check_mode):
    """Do ``mark``: remember that a release is bad or pinned, or no longer; return the result."""
    field, wanted = MARKS[params["mark"]]
    digest = call["release"]["digest"]
    with _root.opened(params["root"]) as root:
        if root is None:
            raise _claim.DeploymentError("nothing is deployed at %s" % params["root"])
        before = root.read_state()
        _claim.check_owner(root.path, before, None)
        held = {record["digest"] for record in before.trees.values()}
        if params["mark"] == "pinned" and digest not in held:
            raise _claim.DeploymentError("release sha256:%s is not here" % digest)
        changed = (digest in getattr(before, field)) != wanted
        after = copy.deepcopy(before)
        claim = _claim_of(root, params, call, now)
        if changed and check_mode:
            _remark(getattr(after, field), digest, wanted, {})
        elif changed:
            with claim.noting() as after:
                _remark(getattr(after, field), digest, wanted, {"run": claim.run, "at": now()})
                claim.record("marked " + params["mark"], digest, None)
        return _answer.result(params["root"], before, after, changed=changed)


def _remark(marks, digest, wanted, mark_):
    if wanted:
        marks[digest] = mark_
    else:
        marks.pop(digest, None)


def bring(params, call, now, check_mode):
    """Do ``state: staged`` and ``state: live``; return the result.

    Where the release is not here and no pack came with the call, the result has ``need``: the
    digest wanted, the releases held, the codecs that can be read, and where to drop the pack.
    """
    for name in ("keep", "keep_days"):
        if (params[name] or 0) < 0:
            raise _claim.DeploymentError("%s is %d: give 0 or more" % (name, params[name]))
    if params["probe"]:
        _service.check(params["probe"])
    with _root.opened(params["root"]) as root:
        state = root.read_state() if root else _state.State()
    access = _ownership.asked(params, state)
    adopted = _to_adopt(params, state)
    if root is None and not adopted and call["release"] is None:
        raise _claim.DeploymentError(
            "nothing is deployed at %s, so there is nothing to go back to" % params["root"]
        )
    if not check_mode:
        _root.create(params["root"], access)
    with _root.opened(params["root"]) as root:
        if adopted:
            _adoption.record(state, adopted, now())
        if root is None:
            return _prediction.first(params, call, state)
        return _bring(root, access, adopted, params, call, now, check_mode)


def _to_adopt(params, state):
    """Return the tree that another tool made live here, if it is to be adopted, or None.

    Raises RootError for what is not ours and may not, or cannot, be adopted.
    """
    if state.token or not os.path.lexists(os.path.join(_paths.local(params["root"]), "current")):
        return None
    if not params["adopt"]:
        raise _root.RootError(
            "%s/current is not ours: nothing was touched; with adopt: true the release that it "
            "leads to stays as the way back" % params["root"]
        )
    return _adoption.find(params["root"])


def _bring(root, access, adopted, params, call, now, check_mode):
    state = root.read_state()
    _claim.check_owner(root.path, state, access)
    if adopted and not state.token:
        _adoption.record(state, adopted, now())
    before = copy.deepcopy(state)
    _claim.settle(root, state, None)  # what a killed run left counts as what it really did
    if call["release"] is None and params["release"] != "current":
        if state.trial and not state.live:
            return _withdraw_first(root, before, params, call, now, check_mode)
    plan = _plan.make(root, state, params, call)
    if plan.step == "nothing" and not call["pack"]:
        return _nothing(root, before, state, params, plan)
    claim = _claim_of(root, params, call, now)
    if check_mode:
        claim.check_turn(state)
        return _with(claim, _prediction.predict(root, before, state, plan, params, call, now))
    if _needs_pack(root, plan) and not call["pack"]:
        claim.await_turn()
        return _ask_for_pack(root, before, plan.release, call)
    with _leased(root, params, call, now, access, adopted) as (claim, state):
        if claim.token != before.token + 1:  # another run has come between
            plan = _plan.make(root, state, params, call)
        outcome = _carry_out(root, claim, before, plan, params, call)
    if "need" in outcome:
        return _with(claim, outcome)
    changed = outcome["changed"] or _plan.changes(plan.step, state, params)
    result = _answer.result(
        root.path, before, root.read_state(), changed, outcome["removed"], plan.drift
    )
    is_live = params["state"] == "live" and params["commit"]
    return _with(claim, {**result, "is_live": is_live})


def _carry_out(root, claim, before, plan, params, call):
    """Do what *plan* says; return whether that changed anything by itself and what was removed.

    Where contents turn out to be damaged, return the result that asks for them instead.
    """
    live, tree = params["state"] == "live", plan.tree
    try:
        if call["pack"]:
            tree = _unpack(claim, plan.release, params, call)
        elif plan.step == "stage":
            if _needs_pack(root, plan):
                return _ask_for_pack(root, before, plan.release, call)
            tree = _staging.rebuild(claim, plan.release, params["seed"])
        if live and (call["pack"] or plan.step in ("stage", "activate")):
            _trial.activate(claim, tree)
    except _drift.Damaged as error:
        if call["pack"] and call["whole"]:
            raise
        if plan.drift:  # people know paths better than digests
            words = _drift.name_drift([_drift.of(item) for item in plan.drift])
            error = _drift.Damaged("differs from what was sealed: " + words, error.contents)
        return _ask_for_pack(root, before, plan.release, call, error)
    removed = []
    if live:
        _try_and_accept(root, claim, before, params)
        if params["commit"]:
            after = root.read_state()
            since = _state.since(claim.now(), params["keep_days"])
            removed = _state.superfluous(after, root.existing_trees(after), params["keep"], since)
            _removal.clean(claim, removed)
    _drop.clear(root, _answer.held(root, root.read_state()))
    return {"changed": bool(call["pack"] or plan.drift), "removed": removed}


def _withdraw_first(root, before, params, call, now, check_mode):
    """Go back from the trial of a first release: to nothing being live."""
    after, claim = copy.deepcopy(before), _claim_of(root, params, call, now)
    if check_mode:
        claim.check_turn(before)
        _claim.settle(root, after, None)
        after.trial = None
    else:
        with _leased(root, params, call, now) as (claim, _state_now):
            _trial.withdraw(claim, params["restart"], params["restart_timeout"])
        after = root.read_state()
    return _with(claim, _answer.result(params["root"], before, after, changed=True))


def _nothing(root, before, state, params, plan):
    """Return the result of a call that had nothing to do."""
    wanted = {**params, "state": "live"}
    ahead, _tree_name = _plan.next_step(root, state, wanted, plan.release)
    result = _answer.result(params["root"], before, state, changed=False)
    return {**result, "is_live": ahead == "nothing" and not state.trial}


def _try_and_accept(root, claim, before, params):
    try:
        _trial.try_out(claim, params["restart"], params["probe"], params["restart_timeout"])
    except _trial.PutBack as error:
        result = _answer.result(params["root"], before, root.read_state(), changed=True)
        error.result = _with(claim, {**result, "switched_back": True})
        raise
    if params["commit"]:
        _trial.accept(claim)


def _unpack(claim, release, params, call):
    """Stage from the pack in the drop, which is removed: staged or refused, it is over.

    A pack that could not be sent, for the reason ``broken``, stays for the next run.
    """
    taker = _drop.taken_by(claim.root, call["pack"])
    if taker:
        raise _claim.DeploymentError(
            "%s is sending a release to %s too: wait for it, and run again"
            % (taker, claim.root.path)
        )
    if call.get("broken"):
        raise _claim.DeploymentError(call["broken"])
    try:
        with _drop.open_pack(call["pack"]) as stream:
            return _staging.stage(claim, release, params["seed"], stream, call["again"])
    finally:
        _drop.remove(claim.root, call["pack"])


def _needs_pack(root, plan):
    return plan.step == "stage" and root.read_manifest(plan.release.digest) is None


def _ask_for_pack(root, before, release, call, damaged=None):
    """Return the result that asks the controller for a pack, having made the place to drop it."""
    state = root.read_state()
    need = {
        **_answer.need(root.path, release, _answer.held(root, state), damaged),
        **_drop.make(root, call["login"], call["becomes"], release.digest, call["run"]),
    }
    return {**_answer.result(root.path, before, state, changed=False), "need": need}


def _claim_of(root, params, call, now):
    return _claim.Claim(root, call["run"], now, params["lock_timeout"], params["takeover"])


@contextlib.contextmanager
def _leased(root, params, call, now, access=None, adopted=None):
    """Give this call's Claim on the root, taken, and the State as it is then."""
    claim = _claim_of(root, params, call, now)
    state = claim.take(access, adopted)
    try:
        yield claim, state
    finally:
        claim.give_back(params["hold"])


def _with(claim, result):
    return {**result, "took_over": claim.took_over}
