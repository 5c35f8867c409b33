# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removal: of releases that retention lets go, and of everything of ours."""

from __future__ import annotations

import contextlib
import os

from . import _ancestors, _claim, _deletion, _durable, _manifest, _paths, _root, _state


def ours(root, state):
    """Return the trees that are there and ours, sorted: one that was adopted is not."""
    adopted = {tree for tree, record in state.trees.items() if record.get("adopted")}
    return sorted(root.existing_trees(state) - adopted)


def removable(root, state, digest):
    """Return the trees of the release *digest*; DeploymentError where one of them is needed."""
    trees = [tree for tree, record in state.trees.items() if record["digest"] == digest]
    needed = {state.live: "live", state.trial: "on trial"}
    needed.setdefault(_state.previous_tree(state, root.existing_trees(state)), "the way back")
    if digest in state.pinned:
        needed = {**dict.fromkeys(trees, "pinned"), **needed}
    for tree in trees:
        if tree in needed:
            raise _claim.DeploymentError("%s is %s: it is not removed" % (tree, needed[tree]))
    return trees


def choice(root, call):
    """Return what names, of a State, the trees that *call* removes: of its release, or all."""
    release = call["release"]
    if release is None:
        return lambda state: ours(root, state)
    return lambda state: removable(root, state, release["digest"])


def clean(claim, choose):
    """Remove the trees that *choose* names of a State, and what no other tree needs; return them.

    They are named anew where no other run can pin them, or make them live, any more.
    """
    trees = choose(claim.root.read_state())
    if not trees:
        return []
    with contextlib.ExitStack() as stack:
        staging = claim.staging(stack)
        with claim.commit_point() as state:
            claim.root.read_current(state)  # where it cannot be read, nothing is removed
            trees = choose(state)
            if trees:
                _take_away(claim, stack, state, trees, staging)
                claim.root.write_state(state)
                claim.record("removed", " ".join(trees), None)
                _drop_unused(claim, stack, state)
    return trees


def what_stays(root, state):
    """Return the State of what is left once everything of ours is removed: what was adopted."""
    current = root.read_current(state)
    kept = {key: getattr(state, key) for key in ("token", "run", "uid", "access")}
    left = _state.State(**kept)
    left.trees = {tree: record for tree, record in state.trees.items() if record.get("adopted")}
    if current in left.trees:
        left.live, left.good, left.since = current, [left.trees[current]["digest"]], state.since
    return left


def remove_all(claim, purge_shared):
    """Remove everything of ours from the root; ``current`` goes first.

    Returns the trees, and the State of what stays.

    It is one commit point. Our folder is moved aside at its end, and deleted after it: whoever
    comes then begins anew.
    """
    top = claim.root.descriptor
    with contextlib.ExitStack() as stack:
        staging = claim.staging(stack)
        with claim.commit_point() as state:
            left = what_stays(claim.root, state)
            if not left.live and claim.root.read_current(state):
                _durable.remove_file(top, "current")
                os.fsync(top)
            trees = ours(claim.root, state)
            _take_away(claim, stack, state, trees, staging)
            claim.root.write_state(left)
            claim.record("removed", "everything", None)
            if purge_shared:
                reason = _deletion.discard(top, "shared")
                if reason:  # data that were to go are there: that is no mere leftover
                    raise _claim.DeploymentError(
                        "%s/shared cannot be removed: %s" % (claim.root.path, reason)
                    )
            _remove_if_empty(top, "shared")
            _remove_if_empty(top, "releases")
            gone = "%s.gone-%d" % (_root.OURS, state.token)
            os.rename(_root.OURS, gone, src_dir_fd=top, dst_dir_fd=top)
            os.fsync(top)
    claim.leftovers = sweep(claim.root.path)  # what staging left is below that now
    return trees, left


def sweep(path):
    """Delete what removals have moved aside at *path*, and the folder itself if it is empty.

    Returns ``{path: why it cannot be removed}`` of what stays.
    """
    try:
        top = _root.open_top(path)
    except FileNotFoundError:
        return {}
    leftovers = {}
    try:
        for name in os.listdir(top):
            if name.startswith(_root.OURS + ".gone-"):
                reason = _deletion.discard(top, name)
                if reason:
                    leftovers[os.path.join(path, name)] = reason
    finally:
        os.close(top)
    above, name = os.path.split(_paths.local(path).rstrip("/"))
    parent = _ancestors.open_directory(above)
    try:
        _remove_if_empty(parent, name)
    finally:
        os.close(parent)
    return leftovers


def _take_away(claim, stack, state, trees, staging):
    """Move *trees* out of ``releases``, where a name is always a whole release."""
    try:
        releases = claim.folder(stack, "releases")
    except FileNotFoundError:  # an earlier removal came this far
        state.trees.clear()
        return
    for tree in trees:
        with contextlib.suppress(FileNotFoundError):
            os.rename(tree, tree, src_dir_fd=releases, dst_dir_fd=staging)
        state.trees.pop(tree, None)  # one that somebody else removed is settled already
    os.fsync(releases)


def _drop_unused(claim, stack, state):
    """Remove manifests and contents that no recorded tree needs, inside a commit point."""
    recorded = state.trees.values()
    wanted = {record["digest"] for record in recorded if not record.get("adopted")}
    folder = claim.folder(stack, "manifests")
    for name in set(os.listdir(folder)) - wanted:
        claim.discard(folder, name, "manifests")
    needed = set()
    for digest in wanted:
        manifest = None
        with contextlib.suppress(_root.RootError):
            manifest = claim.root.read_manifest(digest)
        if manifest is None:
            return  # what it needs cannot be known, so all contents stay
        needed.update(_manifest.contents(manifest))
    store = claim.folder(stack, "objects")
    for prefix in os.listdir(store):
        with contextlib.ExitStack() as one, contextlib.suppress(_root.RootError):
            below = claim.subfolder(one, store, prefix)
            for name in os.listdir(below):
                if name.partition(".")[0] not in needed:
                    claim.discard(below, name, "objects", prefix)


def _remove_if_empty(directory, name):
    with contextlib.suppress(OSError):
        os.rmdir(name, dir_fd=directory)
