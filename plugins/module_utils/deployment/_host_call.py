# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of the controller to a host: a request in, an answer out.

Nothing here knows Ansible.

Most calls find nothing to do, and a host compiles at each call what that imports. So what only
writing needs is imported where writing begins.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import os
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional

from ..files import _paths
from ..root import _adoption, _claim, _directory, _ownership, _records, _state
from . import _answer, _governance, _plan, _request

if TYPE_CHECKING:
    from ..tree import _layout

Now = Callable[[], str]
Outcome = Dict[str, Any]
MARKS = {
    "bad": ("bad", True),
    "good": ("bad", False),
    "pinned": ("pinned", True),
    "unpinned": ("pinned", False),
}


def _at_one_moment(act: Callable[[_request.Request, Now], Outcome]) -> Callable[..., Outcome]:
    """Return *act* so that it looks again where another run switched while it looked."""

    @functools.wraps(act)
    def looks_again(request: _request.Request, now: Now) -> Outcome:
        while True:
            with contextlib.suppress(_directory.Moved):
                return act(request, now)

    return looks_again


def answer(request: _request.Request, now: Now) -> _answer.Answer:
    """Carry out *request* and return the Answer; *now* returns the time as text.

    What is refused or fails is an answer too. An error that is not of this collection is raised.
    """
    try:
        return carry_out(request, now)
    except (OSError, ValueError) as error:
        from . import _transaction

        return _transaction.refusal(error, request)


def carry_out(request: _request.Request, now: Now) -> _answer.Answer:
    """Carry out *request* and return the Answer; raises ReleaseError where it is refused."""
    outcome = _act(request)(request, now)
    if request.baseline:
        outcome.update(_baseline(request.service, outcome))
    need = outcome.pop("need", None)
    return _answer.Answer(_answer.NEED if need else _answer.OK, need=need, outcome=outcome)


def _baseline(service: _request.Service, outcome: Outcome) -> Outcome:
    """Return whether what is live now is in service, and in a line why not: null for not known.

    It is asked in check mode too: to probe changes nothing.
    """
    if not service.probes_of_baseline or outcome["before"]["phase"] == "none":
        return {"in_service": None, "out_of_service": None}
    from . import _service

    return _service.baseline(service.probes_of_baseline)


def _act(request: _request.Request) -> Callable[[_request.Request, Now], Outcome]:
    """Return what carries out a request, by its state."""
    _check_named(request)
    if request.mark:
        return mark
    return {"absent": remove, "reverted": revert}.get(request.state, bring)


@_at_one_moment
def remove(request: _request.Request, now: Now) -> Outcome:
    """Do ``state: absent``: one release, or everything of ours; return the outcome."""
    from ..files import _deletion
    from . import _removal, _transaction

    with _directory.opened(request.root) as root:
        if root is None:
            # What a removal that was killed left to delete.
            leftovers = {} if request.check else _removal.sweep(request.root)
            outcome = _answer.outcome(request.root, None, None, changed=False)
            return {**outcome, "warnings": _deletion.warnings(leftovers)}
        before = root.read_state()
        _claim.check_owner(root.path, before, None)
        root.read_current(before)  # refuses what is not ours
        state = copy.deepcopy(before)
        _claim.settle(root, state, None)  # what a killed run made live is on trial
        trees = _removal.choice(root, request.release)(state)
        # A removal that was killed is gone on with.
        has_leftovers = not request.check and _removal.unused_manifests(root, before)
        if request.release and not trees and not has_leftovers:
            return _answer.outcome(request.root, before, before, changed=False)
        act = _transaction.foresee_removal if request.check else _transaction.remove
        return act(root, before, state, request, now)


@_at_one_moment
def revert(request: _request.Request, now: Now) -> Outcome:
    """Do ``state: reverted``: undo what a run changed here; return the outcome.

    Raises DeploymentError where something else became live since.
    """
    from . import _reversal, _transaction

    _check_service(request.service)
    with _directory.opened(request.root) as root:
        if root is None:
            return _answer.outcome(request.root, None, None, changed=False)
        before = root.read_state()
        _claim.check_owner(root.path, before, None)
        state = copy.deepcopy(before)
        _claim.settle(root, state, None)
        if state.lease and state.lease.run == request.reverts:
            # It may be about to switch: then there is something to undo in a moment.
            claim = _transaction.claim_of(root, request, now)
            if not request.check:
                state = claim.await_turn()
            claim.check_turn(state)
        change = _reversal.choose(root, state, request)
        if not change and not _reversal.unfinished(root, before, state, request):
            return _answer.outcome(request.root, before, state, changed=False)
        act = _transaction.foresee_reversal if request.check else _transaction.revert
        return act(root, before, state, request, now)


def mark(request: _request.Request, now: Now) -> Outcome:
    """Do ``mark``: remember that a release is bad or pinned, or no longer; return the outcome."""
    from . import _transaction

    if not request.release:  # see _check_named
        raise AssertionError
    if not request.mark:
        raise AssertionError
    digest = request.release.digest
    with _directory.opened(request.root) as root:
        if root is None:
            raise _claim.DeploymentError("nothing is deployed at %s" % request.root)
        before = root.read_state()
        _claim.check_owner(root.path, before, None)
        after = copy.deepcopy(before)
        changed = _remark(after, digest, request.mark, _records.Mark(request.run, ""))
        if changed and not request.check:
            claim = _transaction.claim_of(root, request, now)
            with claim.noting() as after:
                before = copy.deepcopy(after)
                changed = _remark(after, digest, request.mark, _records.Mark(claim.run, now()))
                if changed:
                    claim.record("marked " + request.mark, digest, None)
        return _answer.outcome(request.root, before, after, changed=changed)


def _remark(state: _state.State, digest: str, mark_: str, record: _records.Mark) -> bool:
    """Mark a release in *state*, with *record*; tell whether that changes anything."""
    field, wanted = MARKS[mark_]
    marks: Dict[str, _records.Mark] = getattr(state, field)
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
def bring(request: _request.Request, now: Now) -> Outcome:
    """Do ``state: staged`` and ``state: live``; return the outcome.

    Where the release is not here and no pack came with the request, the outcome has ``need``, a
    Need.
    """
    for name, value, least in (
        ("keep", request.retention.keep, 0),
        ("keep_days", request.retention.days, 0),
        ("lock_timeout", request.lock_timeout, 0),
        ("restart_timeout", request.service.timeout, 1),
    ):
        if value is not None and value < least:
            raise _claim.DeploymentError(
                "%s (deploy_%s in the role) is %d: give %d or more" % (name, name, value, least)
            )
    _governance.check(request.governed)
    _check_service(request.service)
    with _directory.opened(request.root) as root:
        state = root.read_state() if root else _state.State()
    access = _ownership.asked(request.owner, request.group, request.access, state.access)
    adopted = _to_adopt(request, state)
    if root is None and request.release is None:
        return _as_it_is(request, adopted, now)
    if root is None:
        _directory.refuse_foreign(request.root, request.foreign_files or bool(adopted))
    if not request.check:
        _directory.create(request.root, access)
    with _directory.opened(request.root) as root:
        if adopted:
            _adoption.record(state, adopted, now())
        if root is None:
            from . import _prediction

            return _prediction.first(request, state)
        return _bring(root, access, adopted, request, now)


def _check_service(service: _request.Service) -> None:
    """Raise ServiceError where the service cannot be restarted or probed at all."""
    if service.restart or service.probes:
        from . import _service

        if service.restart:
            _service.check_command("restart (deploy_restart in the role)", service.restart)
        if service.probes:
            _service.check(service.probes)


def _check_named(request: _request.Request) -> None:
    """Raise DeploymentError where what is removed or marked would have to be guessed."""
    needs_name = request.mark or (request.state == "absent" and request.reference)
    if needs_name and request.release is None:
        what = "mark" if request.mark else "state: absent"
        raise _claim.DeploymentError(
            what + " needs the release that it is about, as name:version or sha256:<digest>"
        )


def _to_adopt(request: _request.Request, state: _state.State) -> Optional[str]:
    """Return the tree that another tool made live here, if it is to be adopted, or None.

    Raises RootError for what is not ours and may not, or cannot, be adopted.
    """
    if state.token or not os.path.lexists(os.path.join(_paths.local(request.root), "current")):
        return None
    with _directory.opened(request.root) as root:
        if root and root.read_state().token:
            return None  # the first deployment was made meanwhile
    if not request.adopt:
        raise _directory.RootError(
            "%s/current is not ours: nothing was touched; with adopt: true (deploy_adopt in the "
            "role) the release that it leads to stays as the way back" % request.root
        )
    return _adoption.find(request.root)


def _as_it_is(request: _request.Request, adopted: Optional[str], now: Now) -> Outcome:
    """Return the outcome of a request that names no release where nothing of ours is.

    What is current is live already. Raises NoWayBack where the previous one is meant.
    """
    if not adopted:
        raise _claim.DeploymentError(
            "nothing is deployed at %s, so there is nothing to go back to" % request.root
        )
    state = _state.State()
    _adoption.record(state, adopted, now())
    if request.reference != "current":
        _state.previous_release(state)
    return {**_answer.outcome(request.root, state, state, changed=False), "is_live": True}


def _bring(
    root: _directory.Root,
    access: _layout.Access,
    adopted: Optional[str],
    request: _request.Request,
    now: Now,
) -> Outcome:
    state = root.read_state()
    _claim.check_owner(root.path, state, access)
    if adopted and not state.token:
        _adoption.record(state, adopted, now())
    before = copy.deepcopy(state)
    _claim.settle(root, state, None)  # what a killed run left counts as what it really did
    plan = _plan.make(root, state, request)
    if plan.step == "nothing" and not request.upload_dir:
        return _nothing(root, before, state, request, plan)
    from . import _transaction

    if request.check:
        return _transaction.foresee(root, before, plan, request, now)
    return _transaction.bring(root, before, plan, request, now, access, adopted)


def _nothing(
    root: _directory.Root,
    before: _state.State,
    state: _state.State,
    request: _request.Request,
    plan: _plan.Plan,
) -> Outcome:
    """Return the outcome of a request that had nothing to do.

    Where the release is to go live later, what would hinder that is refused now.
    """
    outcome = _answer.outcome(request.root, before, state, changed=False)
    if plan.release is None:
        return outcome
    if not request.goes_live:
        from . import _shared, _transaction, _trial

        _shared.check(root.path, plan.release.links, root.read_manifest(plan.release.digest))
        _transaction.claim_of(root, request, _no_time).check_turn(state)
        if plan.tree and not request.check:
            service = request.service
            outcome["probes"] = _trial.try_staged(root, state, plan.tree, service, False)
    wanted = request.after(state="live")
    ahead, _tree_name = _plan.next_step(root, state, wanted, plan.release)
    return {**outcome, "is_live": ahead == "nothing" and not state.trial}


def _no_time() -> str:
    """Stand for the time where nothing is recorded."""
    return ""
