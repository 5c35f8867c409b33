# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call does once there is something to do: stage, activate, try and accept, or foretell it.

This and what it needs is most of the code, so ``_host_call`` loads it only then.
"""

from __future__ import annotations

import contextlib
import copy

from ..files import _deletion
from ..formats import _codec
from ..release import _manifest, _pack
from ..root import _claim, _directory, _state
from ..tree import _drift, _layout
from . import _answer, _drop, _plan, _prediction, _removal, _service, _shared, _staging, _trial

OURS = (
    _claim.DeploymentError,
    _drift.Damaged,
    _directory.RootError,
    _service.ServiceError,
    _state.NoWayBack,
    _layout.TreeError,
)


def foresee(root, before, plan, params, call, now):
    """Return what ``bring`` would."""
    claim = claim_of(root, params, call, now)
    claim.check_turn(plan.state)
    return told(claim, _prediction.predict(root, before, plan, params, call, now))


def bring(root, before, plan, params, call, now, access, adopted):
    """Do what *plan* says, or ask for the pack that it needs; return the result.

    *before* is the State that was found; *access* and *adopted* are recorded with the first claim.
    A plan that another run has made untrue meanwhile, also while this one waited, is made anew.
    """
    if _needs_pack(root, plan) and not call["pack"]:
        state = claim_of(root, params, call, now).await_turn(adopted)
        before, plan = _up_to_date(root, before, plan, state, params, call)
        if _needs_pack(root, plan):
            return _ask_for_pack(root, before, plan.release, params, call)
    with leased(root, params, call, now, access, adopted) as (claim, state):
        before, plan = _up_to_date(root, before, plan, state, params, call)
        outcome = _carry_out(root, claim, before, plan, params, call)
    if "need" in outcome:
        return told(claim, outcome)
    changed = outcome["changed"] or _plan.changes(plan.step, state, params)
    result = _answer.result(
        root.path, before, root.read_state(), changed, outcome["removed"], plan.drift
    )
    result["is_live"] = params["state"] == "live" and params["commit"] and plan.step != "withdraw"
    return told(claim, {**result, "seeded": outcome["seeded"]})


def _up_to_date(root, before, plan, state, params, call):
    """Return *before* and *plan*, made anew unless they hold for *state*, which is settled."""
    if not _state.is_as_planned(state, plan.state):
        before = copy.deepcopy(state)
        plan = _plan.make(root, before, params, call)
    return before, plan


def foresee_removal(root, before, state, params, call, now):
    """Return what ``remove`` would."""
    claim = claim_of(root, params, call, now)
    claim.check_turn(state)
    if claim.took_over:
        state.lease = None
    trees = _removal.choice(root, call)(state)
    if call["release"]:
        after = _prediction.without(state, trees)
    else:
        after = _removal.what_stays(root, state)
    result = _answer.result(params["root"], before, after, changed=True, removed=trees)
    return told(claim, result)


def remove(root, before, state, params, call, now):
    """Remove the release of *call*, or everything of ours; return the result.

    *before* is the State that was found, and *state* that, settled.
    """
    _directory.ensure_folders(root)  # a removal that was killed may have begun with them
    with leased(root, params, call, now) as (claim, found):
        if not _state.is_as_planned(found, state):
            before = copy.deepcopy(found)
        if call["release"]:
            trees = _removal.clean(claim, _removal.choice(root, call))
        else:
            trees, after = _removal.remove_all(claim, params["purge_shared"])
    if call["release"]:
        after = root.read_state()
    changed = bool(trees) or not call["release"]
    return told(claim, _answer.result(params["root"], before, after, changed, trees))


def claim_of(root, params, call, now):
    """Return this call's Claim on the root, not taken yet."""
    return _claim.Claim(root, call["run"], now, params["lock_timeout"], params["takeover"])


@contextlib.contextmanager
def leased(root, params, call, now, access=None, adopted=None):
    """Give this call's Claim on the root, taken, and the State as it is then."""
    claim = claim_of(root, params, call, now)
    state = claim.take(access, adopted)
    try:
        with claim.unless_overtaken():
            yield claim, state
    finally:
        claim.give_back(params["hold"])


def told(claim, result):
    """Return *result* with the run that *claim* took over, and what it could not clear away."""
    warnings = _deletion.warnings(claim.leftovers)
    return {**result, "took_over": claim.took_over, "warnings": warnings}


def refusal(error, call, path):
    """Return the answer to a *call* about the root at *path* that ended by *error*: one line.

    An error that is not one of ours is raised again.
    """
    if isinstance(error, _trial.PutBack):
        return {"msg": str(error), **error.result}
    if isinstance(error, _claim.LeaseHeld):
        return {"msg": str(error), "lease": error.lease.brief()}
    if isinstance(error, (_codec.CodecError, _manifest.ManifestError, _pack.PackError)):
        return {"msg": str(error), "pack_refused": bool(call["pack"])}
    if isinstance(error, OSError):  # of what failed it tells a name in a folder, or nothing
        return {"msg": "%s: %s" % (path, error)}
    if isinstance(error, OURS):
        return {"msg": str(error)}
    raise error


def _carry_out(root, claim, before, plan, params, call):
    """Do what *plan* says; return whether that changed anything by itself, what was removed, and
    what came to ``shared/``.

    Where contents turn out to be damaged, return the result that asks for them instead.
    """
    live, tree = params["state"] == "live", plan.tree
    if plan.step == "withdraw":
        _trial.withdraw(claim, params["restart"], params["restart_timeout"])
        return {"changed": True, "removed": [], "seeded": []}
    seeded = []
    try:
        if call["pack"]:
            tree = _unpack(claim, plan.release, params, call)
        elif plan.step == "stage":
            if _needs_pack(root, plan):
                return _ask_for_pack(root, before, plan.release, params, call)
            tree = _staging.rebuild(claim, plan.release, params["seed"])
        if live and (call["pack"] or plan.step in ("stage", "activate")):
            seeded = _shared.absent(root.path, plan.release.links)
            _trial.activate(claim, tree)
        for line in call.get("despite", ()):
            claim.record("despite: " + line, tree, None)
    except _drift.Damaged as error:
        if call["pack"] and call["whole"]:
            raise
        if plan.drift:  # people know paths better than digests
            words = _drift.name_drift([_drift.of(item) for item in plan.drift])
            error = _drift.Damaged("differs from what was sealed: " + words, error.contents)
        return _ask_for_pack(root, before, plan.release, params, call, error)
    removed = []
    if live:
        _try_and_accept(root, claim, before, params)
        if params["commit"]:
            since = _state.since(claim.now(), params["keep_days"])
            removed = _removal.clean(
                claim,
                lambda state: _state.superfluous(
                    state, root.existing_trees(state), params["keep"], since
                ),
            )
    held = _answer.held(root, root.read_state())
    _drop.clear(root, held, call["run"], params["lock_timeout"])
    return {"changed": bool(call["pack"] or plan.drift), "removed": removed, "seeded": seeded}


def _try_and_accept(root, claim, before, params):
    try:
        _trial.try_out(claim, params["restart"], params["probe"], params["restart_timeout"])
    except _trial.PutBack as error:
        result = _answer.result(params["root"], before, root.read_state(), changed=True)
        # Ansible prints what a failed task returns: ``after`` has the part of this that matters.
        del result["deployment"]
        error.result = told(claim, {**result, "switched_back": True})
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
        with _drop.open_pack(claim.root, call["pack"]) as stream:
            return _staging.stage(claim, release, params["seed"], stream, call["again"])
    finally:
        _drop.remove(claim.root, call["pack"])


def _needs_pack(root, plan):
    return plan.step == "stage" and root.read_manifest(plan.release.digest) is None


def _ask_for_pack(root, before, release, params, call, damaged=None):
    """Return the result that asks the controller for a pack, having made the place to drop it."""
    state = root.read_state()
    need = _answer.need(root.path, release, _answer.held(root, state), damaged)
    timeout = params["lock_timeout"]
    drop = _drop.make(root, call["login"], call["becomes"], release.digest, call["run"], timeout)
    result = _answer.result(root.path, before, state, changed=False)
    return {**result, "need": {**need, **drop}}
