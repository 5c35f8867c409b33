# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode: what a call would answer, with nothing written."""

from __future__ import annotations

import contextlib
import copy
import os
from dataclasses import replace

from ..release import _manifest
from ..root import _records, _state
from ..tree import _drift, _layout, _objects
from . import _answer, _plan, _shared, _staging


def first(params, call, state):
    """Return what a first deployment would do, where nothing of ours is yet.

    *state* has what would be adopted, if anything.
    """
    release = _state.Release(links=tuple(sorted(params["linked_paths"])), **call["release"])
    plan = _plan.Plan(release, "stage", None, [], state)
    tree = _manifest.tree_name(release.version, release.digest)
    result = _answer.result(params["root"], state, _after(plan, tree, params, call), changed=True)
    result["is_live"] = params["state"] == "live" and params["commit"]
    result["seeded"] = _seeded(plan, params)
    need = _answer.need(params["root"], release, [])
    result["need"] = {**need, **_to_share(state, params, release)}
    return result


def predict(root, before, plan, params, call, now):
    """Return what carrying out *plan* would return; it was made for *before*, settled."""
    state, release, tree = plan.state, plan.release, plan.tree
    if plan.step == "withdraw":
        return _answer.result(params["root"], before, replace(state, trial=None), changed=True)
    if plan.step == "stage":
        tree = _staging.free_name(root, _manifest.tree_name(release.version, release.digest))
    after = _after(plan, tree, params, call)
    existing = root.existing_trees(state) | {tree}
    removed = []
    if params["state"] == "live" and params["commit"]:
        removed = _state.superfluous(
            after, existing, params["keep"], _state.since(now(), params["keep_days"])
        )
    changed = bool(plan.drift) or _plan.changes(plan.step, state, params)
    after = without(after, removed)
    result = _answer.result(params["root"], before, after, changed, removed, plan.drift)
    result["is_live"] = params["state"] == "live" and params["commit"]
    result["seeded"] = _seeded(plan, params)
    if plan.step == "stage":
        result.update(_missing(root, plan, params))
    elif plan.step == "activate" and params["state"] == "live":
        _shared.check(root.path, release.links, root.read_manifest(release.digest))
    return result


def without(state, trees):
    """Return *state* as it is once *trees* are removed."""
    after = copy.deepcopy(state)
    for tree in trees:
        after.trees.pop(tree, None)
    return after


def _missing(root, plan, params):
    """Return the ``need`` of a release that cannot be laid out from what is held here."""
    state, release, damaged = plan.state, plan.release, None
    manifest = root.read_manifest(release.digest)
    if manifest is None:
        if plan.drift:
            damaged = _drift.Damaged("the manifest held here is damaged")
    else:
        damaged = _damaged(root, state, manifest, params, release)
        if not damaged:
            if params["state"] == "live":
                _shared.check(root.path, release.links, manifest)
            return {}
    need = _answer.need(root.path, release, _answer.held(root, state), damaged)
    return {"need": {**need, **_to_share(state, params, release)}}


def _damaged(root, state, manifest, params, release):
    """Return the Damaged that names the contents that are not whole here, or None."""
    # Refuses what cannot be linked.
    _layout.expected(manifest, release.links, _may_seed(state, params, release))
    with contextlib.ExitStack() as stack:
        store = root.folder("objects")
        stack.callback(os.close, store)
        objects = _objects.Objects(store, None, state.known_access())
        entries = _manifest.tree(manifest).values()
        lost = objects.lost(entry for entry in entries if entry.type == "file")
    return _staging.lost(lost) if lost else None


def _to_share(state, params, release):
    """Return what the controller compares with the release, which is not here: ``_shared.refuse``
    takes ``unshared``, and whether the release may bring linked paths is ``seed``.
    """
    live = params["state"] == "live"
    unshared = _shared.wanting(params["root"], release.links) if live else {}
    return {"unshared": unshared, "seed": _may_seed(state, params, release)}


def _seeded(plan, params):
    """Return the linked paths that come to ``shared/``: where ``current`` is switched, and then."""
    switches = params["state"] == "live" and plan.step in ("stage", "activate")
    return _shared.absent(params["root"], plan.release.links) if switches else []


def _may_seed(state, params, release):
    return params["seed"] or _state.was_laid_out(state, release)


def _after(plan, tree, params, call):
    """Return the State that the step with *tree* leads to."""
    state, after = plan.state, copy.deepcopy(plan.state)
    if plan.step == "stage":
        after.trees[tree] = _state.recorded(plan.release, state.token + 1)
    live, held = params["state"] == "live", state.lease and state.lease.run == call["run"]
    after.lease = _records.Lease(call["run"], "") if params["hold"] and (live or held) else None
    if live:
        after.left = after.current if tree != after.current else after.left
        after.trial = None if tree == after.live else tree
        if params["commit"]:
            after.live, after.trial = tree, None
            after.good = _state.accepted(after.good, after.trees[tree].digest)
    return after
