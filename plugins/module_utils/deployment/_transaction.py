# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call does once there is something to do: stage, activate, try and accept, or foretell it.

This and what it needs is most of the code, so ``_host_call`` loads it only then.
"""

from __future__ import annotations

import contextlib
import copy
from dataclasses import replace
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from ..errors._release_error import ReleaseError
from ..files import _deletion
from ..formats import _codec
from ..release import _manifest, _pack
from ..root import _claim, _directory, _state
from ..tree import _drift, _layout
from . import (
    _answer,
    _plan,
    _prediction,
    _removal,
    _request,
    _reversal,
    _shared,
    _staging,
    _trial,
    _upload,
)

Now = Callable[[], str]
Outcome = Dict[str, Any]


def foresee(
    root: _directory.Root,
    before: _state.State,
    plan: _plan.Plan,
    request: _request.Request,
    now: Now,
) -> Outcome:
    """Return what ``bring`` would."""
    claim = claim_of(root, request, now)
    claim.check_turn(plan.state)
    return told(claim, _prediction.predict(root, before, plan, request, now))


def bring(
    root: _directory.Root,
    before: _state.State,
    plan: _plan.Plan,
    request: _request.Request,
    now: Now,
    access: _layout.Access,
    adopted: Optional[str],
) -> Outcome:
    """Do what *plan* says, or ask for the pack that it needs; return the outcome.

    *before* is the State that was found; *access* and *adopted* are recorded with the first claim.
    A plan that another run has made untrue meanwhile, also while this one waited, is made anew.
    """
    if _needs_pack(root, plan) and not request.upload_dir:
        state = claim_of(root, request, now).await_turn(adopted)
        before, plan = _up_to_date(root, before, plan, state, request)
        if _needs_pack(root, plan):
            return _ask_for_pack(root, before, plan, request)
    with leased(root, request, now, access, adopted) as (claim, state):
        before, plan = _up_to_date(root, before, plan, state, request)
        done = _carry_out(root, claim, before, plan, request)
    if "need" in done:
        return told(claim, done)
    changed = done["changed"] or _plan.changes(plan.step, state, request)
    outcome = _answer.outcome(
        root.path, before, root.read_state(), changed, done["removed"], plan.drift
    )
    outcome["is_live"] = request.goes_live and request.commit and plan.step != "withdraw"
    return told(claim, {**outcome, "seeded": done["seeded"], "probes": done["probes"]})


def _up_to_date(
    root: _directory.Root,
    before: _state.State,
    plan: _plan.Plan,
    state: _state.State,
    request: _request.Request,
) -> Tuple[_state.State, _plan.Plan]:
    """Return *before* and *plan*, made anew unless they hold for *state*, which is settled."""
    if not _state.is_as_planned(state, plan.state):
        before = copy.deepcopy(state)
        plan = _plan.make(root, before, request)
    return before, plan


def foresee_removal(
    root: _directory.Root,
    before: _state.State,
    state: _state.State,
    request: _request.Request,
    now: Now,
) -> Outcome:
    """Return what ``remove`` would."""
    claim = claim_of(root, request, now)
    claim.check_turn(state)
    if claim.took_over:
        state.lease = None
    trees = _removal.choice(root, request.release)(state)
    if request.release:
        after = _prediction.without(state, trees)
    else:
        after = _removal.what_stays(root, state)
    outcome = _answer.outcome(request.root, before, after, changed=True, removed=trees)
    return told(claim, outcome)


def remove(
    root: _directory.Root,
    before: _state.State,
    state: _state.State,
    request: _request.Request,
    now: Now,
) -> Outcome:
    """Remove the release of *request*, or everything of ours; return the outcome.

    *before* is the State that was found, and *state* that, settled.
    """
    _directory.ensure_folders(root)  # a removal that was killed may have begun with them
    with leased(root, request, now) as (claim, found):
        if not _state.is_as_planned(found, state):
            before = copy.deepcopy(found)
        if request.release:
            trees = _removal.clean(claim, _removal.choice(root, request.release))
        else:
            trees, after = _removal.remove_all(claim, request.purge_shared)
    if request.release:
        after = root.read_state()
    changed = bool(trees) or not request.release
    return told(claim, _answer.outcome(request.root, before, after, changed, trees))


def foresee_reversal(
    root: _directory.Root,
    before: _state.State,
    state: _state.State,
    request: _request.Request,
    now: Now,
) -> Outcome:
    """Return what ``revert`` would."""
    claim = claim_of(root, request, now)
    claim.check_turn(state)
    change = _reversal.choose(root, state, request)
    after = _reversal.undone(root, state, change) if change else replace(state, lease=None)
    changed = bool(change) or _reversal.is_left_open(before, state, request.service)
    outcome = _answer.outcome(request.root, before, after, changed=changed)
    return told(claim, {**outcome, "switched_back": changed})


def revert(
    root: _directory.Root,
    before: _state.State,
    planned_for: _state.State,
    request: _request.Request,
    now: Now,
) -> Outcome:
    """Undo what the run that *request* names changed; return the outcome.

    *before* is the State that was found, and *planned_for* that, settled. Raises Unwell where what
    is live again does not restart, or its probe fails.
    """
    with leased(root, request, now) as (claim, state):
        if not _state.is_as_planned(state, planned_for):
            before = copy.deepcopy(state)
        change = _reversal.choose(root, state, request)
        changed = bool(change) or _reversal.is_left_open(before, state, request.service)
        if change:
            done = _trial.revert(claim, change, request.service)
        else:
            tree = _reversal.unfinished(root, before, state, request)
            if tree is None:  # another call came first
                return told(claim, _answer.outcome(root.path, before, state, changed=False))
            done = _trial.finish_reversal(claim, tree, request.service)
    outcome = _answer.outcome(root.path, before, root.read_state(), changed=changed)
    outcome = {**outcome, "switched_back": changed, "summary": done.text}
    outcome = told(claim, {**outcome, "probes": list(done.probes)})
    if done.problem:
        text = "%s was undone: %s" % (done.failed, done.text)
        raise _trial.Unwell(text, done.problem.code, outcome)
    return outcome


def claim_of(root: _directory.Root, request: _request.Request, now: Now) -> _claim.Claim:
    """Return this request's Claim on the root, not taken yet."""
    return _claim.Claim(
        root,
        request.run,
        now,
        request.lock_timeout,
        request.takeover,
        request.reverts,
        request.process,
        request.ledger,
    )


@contextlib.contextmanager
def leased(
    root: _directory.Root,
    request: _request.Request,
    now: Now,
    access: Optional[_layout.Access] = None,
    adopted: Optional[str] = None,
) -> Iterator[Tuple[_claim.Claim, _state.State]]:
    """Give this request's Claim on the root, taken, and the State as it is then."""
    claim = claim_of(root, request, now)
    state = claim.take(access, adopted)
    try:
        with claim.unless_overtaken():
            yield claim, state
    finally:
        claim.give_back(request.hold)


def told(claim: _claim.Claim, outcome: Outcome) -> Outcome:
    """Return *outcome* with the run that *claim* took over, and what it could not clear away."""
    warnings = _deletion.warnings(claim.leftovers)
    return {**outcome, "took_over": claim.took_over, "warnings": warnings}


def refusal(error: Exception, request: _request.Request) -> _answer.Answer:
    """Return the answer to a *request* that ended by *error*: one line.

    An error that is not one of ours is raised again.
    """
    if isinstance(error, OSError):  # of what failed it tells a name in a folder, or nothing
        text = "%s: %s" % (request.root, error)
        return _answer.Answer("system_error", text, outcome=_left_by(request))
    if not isinstance(error, ReleaseError):
        raise error
    code = error.code
    if request.upload_dir and isinstance(
        error, (_codec.CodecError, _manifest.ManifestError, _pack.PackError)
    ):
        code = _answer.PACK_REFUSED
    reported = error.outcome if isinstance(error, _trial.Reported) else {}
    outcome = reported or _left_by(request)
    lease = error.lease.brief() if isinstance(error, _claim.LeaseHeld) else None
    return _answer.Answer(code, str(error), error.hint, lease=lease, outcome=outcome)


def _left_by(request: _request.Request) -> Outcome:
    """Return what the run of *request* made live and left so, empty where it left nothing."""
    if request.check or request.state not in ("live", "reverted"):
        return {}
    with contextlib.suppress(OSError, ValueError), _directory.opened(request.root) as root:
        state = root.read_state() if root else _state.State()
        if root:
            _claim.settle(root, state, None)
        change = state.trial_change if state.trial else state.change
        if change and change.run in (request.run, request.reverts):
            known = _answer.outcome(request.root, None, state, changed=True)
            return {name: known[name] for name in ("changed", "after")}
    return {}


def _carry_out(
    root: _directory.Root,
    claim: _claim.Claim,
    before: _state.State,
    plan: _plan.Plan,
    request: _request.Request,
) -> Outcome:
    """Do what *plan* says; return whether that changed anything by itself, what was removed, what
    came to ``shared/``, and the results of probes.

    Where contents turn out to be damaged, return the outcome that asks for them instead.
    """
    if plan.release is None:  # the step withdraw
        _trial.withdraw(claim, request.service)
        return {"changed": True, "removed": [], "seeded": [], "probes": []}
    packed, seeded = request.upload_dir is not None, []
    probes: List[Dict[str, Any]] = []
    try:
        tree = _stage(root, claim, plan, request)
        if tree is None:
            return _ask_for_pack(root, before, plan, request)
        if packed or plan.step in ("stage", "activate"):
            is_new = packed or plan.step == "stage"
            probes = _trial.try_staged(root, root.read_state(), tree, request.service, is_new)
            if request.goes_live:
                seeded = _shared.absent(root.path, plan.release.links)
                _trial.activate(claim, tree)
        for line in request.overrides:
            claim.record("despite: " + line, tree, None)
    except _drift.Damaged as error:
        if packed and request.full_pack:
            raise
        if plan.drift:  # people know paths better than digests
            words = _drift.name_drift([_drift.of(item) for item in plan.drift])
            error = _drift.Damaged("differs from what was sealed: " + words, error.contents)
        return _ask_for_pack(root, before, plan, request, error)
    removed: Sequence[str] = ()
    if request.goes_live:
        probes += _try_and_accept(root, claim, before, request, probes)
        if request.commit:
            removed = _clean(root, claim, request.retention)
    held = _answer.held(root, root.read_state())
    _upload.clear(root, held, request.run, request.lock_timeout)
    changed = packed or bool(plan.drift)
    return {"changed": changed, "removed": removed, "seeded": seeded, "probes": probes}


def _stage(
    root: _directory.Root, claim: _claim.Claim, plan: _plan.Plan, request: _request.Request
) -> Optional[str]:
    """Return the tree that *plan* is about, staged now where it was not; None without a pack.

    Raises Damaged where contents are not whole.
    """
    if not plan.release:
        raise AssertionError
    if request.upload_dir is not None:
        return _unpack(claim, plan.release, request)
    if plan.step != "stage":
        return plan.tree
    if _needs_pack(root, plan):
        return None
    _shared.check(root.path, plan.release.links, root.read_manifest(plan.release.digest))
    return _staging.rebuild(claim, plan.release, request.seed)


def _clean(
    root: _directory.Root, claim: _claim.Claim, retention: _request.Retention
) -> Sequence[str]:
    """Remove the trees that *retention* does not keep; return them."""
    since = _state.since(claim.now(), retention.days)
    return _removal.clean(
        claim,
        lambda state: _state.superfluous(state, root.existing_trees(state), retention.keep, since),
    )


def _try_and_accept(
    root: _directory.Root,
    claim: _claim.Claim,
    before: _state.State,
    request: _request.Request,
    staged: Sequence[Dict[str, Any]],
) -> List[Dict[str, Any]]:
    """Try what is on trial, and accept it where the request says so; return what probes found.

    *staged* is what those before the switch found, for the outcome of a release that is put back.
    """
    try:
        probes = _trial.try_out(claim, request.service)
    except _trial.PutBack as error:
        outcome = _answer.outcome(request.root, before, root.read_state(), changed=True)
        # Ansible prints what a failed task returns: ``after`` has the part of this that matters.
        del outcome["deployment"]
        outcome["probes"] = [*staged, *error.probes]
        error.outcome = told(claim, {**outcome, "switched_back": True})
        raise
    if request.commit:
        _trial.accept(claim, request.governed)
    return probes


def _unpack(claim: _claim.Claim, release: _state.Release, request: _request.Request) -> str:
    """Stage from the pack that was uploaded, which is removed: staged or refused, it is over.

    A pack that could not be sent, for the reason ``transfer_error``, stays for the next run.
    """
    upload_dir = request.upload_dir
    if upload_dir is None:
        raise AssertionError
    taker = _upload.taken_by(claim.root, upload_dir)
    if taker:
        raise _claim.DeploymentError(
            "%s is sending a release to %s too: wait for it, and run again"
            % (taker, claim.root.path)
        )
    if request.transfer_error:
        raise _claim.DeploymentError(request.transfer_error, code=_answer.TRANSFER_FAILED)
    try:
        with _upload.open_pack(claim.root, upload_dir) as stream:
            return _staging.stage(claim, release, request.seed, stream, request.resend)
    finally:
        _upload.remove(claim.root, upload_dir)


def _needs_pack(root: _directory.Root, plan: _plan.Plan) -> bool:
    if plan.step != "stage" or plan.release is None:
        return False
    return root.read_manifest(plan.release.digest) is None


def _ask_for_pack(
    root: _directory.Root,
    before: _state.State,
    plan: _plan.Plan,
    request: _request.Request,
    damaged: Optional[_drift.Damaged] = None,
) -> Outcome:
    """Return the outcome that asks the controller for a pack, having made the place for it."""
    release = plan.release
    if release is None:
        raise AssertionError
    state = root.read_state()
    need = _answer.need(_upload.space(root.path), release, _answer.held(root, state), damaged)
    upload_dir, partial = _upload.make(
        root, request.login, request.becomes, release.digest, request.run, request.lock_timeout
    )
    outcome = _answer.outcome(root.path, before, state, changed=False)
    return {
        **outcome,
        "need": replace(
            need,
            unshared=_shared.wanting(root.path, release.links),
            seed=_prediction.may_seed(state, request, release),
            upload_dir=upload_dir,
            partial=partial,
        ),
    }
