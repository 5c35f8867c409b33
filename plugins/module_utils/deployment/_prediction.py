# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode: what a call would answer, with nothing written."""

from __future__ import annotations

import contextlib
import copy
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional

from ..release import _manifest
from ..root import _records, _state
from ..tree import _drift, _layout, _objects
from . import _answer, _governance, _plan, _request, _shared, _staging, _upload

if TYPE_CHECKING:
    from ..root import _directory

Outcome = Dict[str, Any]


def first(request: _request.Request, state: _state.State) -> Outcome:
    """Return what a first deployment would do, where nothing of ours is yet.

    *state* has what would be adopted, if anything.
    """
    if not request.release:  # the caller has seen to it
        raise AssertionError
    release = request.release._replace(links=tuple(sorted(request.linked_paths)))
    plan = _plan.Plan(release, "stage", None, [], state)
    tree = _manifest.tree_name(release.version, release.digest)
    result = _answer.outcome(request.root, state, _after(plan, tree, request), changed=True)
    result["is_live"] = request.goes_live and request.commit
    result["seeded"] = _seeded(plan, request)
    need = _answer.need(_upload.space(request.root), release, [])
    result["need"] = _with_shared(need, state, request, release)
    return result


def predict(
    root: _directory.Root,
    before: _state.State,
    plan: _plan.Plan,
    request: _request.Request,
    now: Callable[[], str],
) -> Outcome:
    """Return what carrying out *plan* would return; it was made for *before*, settled."""
    state, release, tree = plan.state, plan.release, plan.tree
    if release is None:  # the step withdraw
        return _answer.outcome(request.root, before, replace(state, trial=None), changed=True)
    if plan.step == "stage":
        tree = _staging.free_name(root, _manifest.tree_name(release.version, release.digest))
    if not tree:
        raise AssertionError
    after = _after(plan, tree, request)
    existing = root.existing_trees(state) | {tree}
    removed: List[str] = []
    if request.goes_live and request.commit:
        removed = _state.superfluous(
            after, existing, request.retention.keep, _state.since(now(), request.retention.days)
        )
    changed = bool(plan.drift) or _plan.changes(plan.step, state, request)
    after = without(after, removed)
    result = _answer.outcome(request.root, before, after, changed, removed, plan.drift)
    result["is_live"] = request.goes_live and request.commit
    result["seeded"] = _seeded(plan, request)
    if plan.step == "stage":
        result.update(_missing(root, plan, request))
    elif plan.step == "activate" and request.goes_live:
        _shared.check(root.path, release.links, root.read_manifest(release.digest))
    return result


def without(state: _state.State, trees: Iterable[str]) -> _state.State:
    """Return *state* as it is once *trees* are removed."""
    after = copy.deepcopy(state)
    for tree in trees:
        after.trees.pop(tree, None)
    return after


def _missing(root: _directory.Root, plan: _plan.Plan, request: _request.Request) -> Outcome:
    """Return the ``need`` of a release that cannot be laid out from what is held here."""
    state, release, damaged = plan.state, plan.release, None
    if not release:
        raise AssertionError
    manifest = root.read_manifest(release.digest)
    if manifest is None:
        if plan.drift:
            damaged = _drift.Damaged("the manifest held here is damaged")
    else:
        damaged = _damaged(root, state, manifest, request, release)
        if not damaged:
            _shared.check(root.path, release.links, manifest)
            return {}
    need = _answer.need(_upload.space(root.path), release, _answer.held(root, state), damaged)
    return {"need": _with_shared(need, state, request, release)}


def _damaged(
    root: _directory.Root,
    state: _state.State,
    manifest: _manifest.Manifest,
    request: _request.Request,
    release: _state.Release,
) -> Optional[_drift.Damaged]:
    """Return the Damaged that names the contents that are not whole here, or None."""
    # Refuses what cannot be linked.
    _layout.expected(manifest, release.links, may_seed(state, request, release))
    with contextlib.ExitStack() as stack:
        store = root.folder("objects")
        stack.callback(os.close, store)
        objects = _objects.Objects(store, None, state.known_access())
        entries = _manifest.tree(manifest).values()
        lost = objects.lost(entry for entry in entries if entry.type == "file")
    return _staging.lost(lost) if lost else None


def _with_shared(
    need: _answer.Need, state: _state.State, request: _request.Request, release: _state.Release
) -> _answer.Need:
    """Return *need* with what the controller compares with the release, which is not here."""
    unshared = _shared.wanting(request.root, release.links)
    return replace(need, unshared=unshared, seed=may_seed(state, request, release))


def _seeded(plan: _plan.Plan, request: _request.Request) -> List[str]:
    """Return the linked paths that come to ``shared/``: where ``current`` is switched, and then."""
    switches = request.goes_live and plan.step in ("stage", "activate")
    if not switches or plan.release is None:
        return []
    return _shared.absent(request.root, plan.release.links)


def may_seed(state: _state.State, request: _request.Request, release: _state.Release) -> bool:
    """Return whether *release* may bring to ``shared/`` what it has at linked paths."""
    return request.seed or _state.was_laid_out(state, release)


def _after(plan: _plan.Plan, tree: str, request: _request.Request) -> _state.State:
    """Return the State that the step with *tree* leads to."""
    state, after = plan.state, copy.deepcopy(plan.state)
    if plan.step == "stage":
        if not plan.release:
            raise AssertionError
        after.trees[tree] = _state.recorded(plan.release, state.token + 1)
    live, held = request.goes_live, state.lease and state.lease.run == request.run
    after.lease = _records.Lease(request.run, "") if request.hold and (live or held) else None
    if live:
        after.left = after.current if tree != after.current else after.left
        after.trial = None if tree == after.live else tree
        if request.commit:
            if after.trial:
                after.governed = _governance.after_commit(after.governed, request.governed)
            after.live, after.trial = tree, None
            after.good = _state.accepted(after.good, after.trees[tree].digest)
    return after
