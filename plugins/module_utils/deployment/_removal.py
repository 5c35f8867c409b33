# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removal: of releases that retention lets go, and of everything of ours."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import Callable, Dict, Iterable, List, Optional, Set, Tuple

from ..files import _ancestors, _deletion, _durable, _paths
from ..release import _manifest
from ..root import _claim, _directory, _state

# Why rmdir leaves a folder where it is: that is no failure.
KEPT = (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY, errno.ENOTDIR)
Choose = Callable[[_state.State], List[str]]  # names the trees to be removed


def ours(root: _directory.Root, state: _state.State) -> List[str]:
    """Return the trees that are there and ours, sorted: one that was adopted is not."""
    adopted = {tree for tree, record in state.trees.items() if record.adopted}
    return sorted(root.existing_trees(state) - adopted)


def removable(root: _directory.Root, state: _state.State, digest: str) -> List[str]:
    """Return the trees of the release *digest*; DeploymentError where one of them is needed."""
    trees = [tree for tree, record in state.trees.items() if record.digest == digest]
    needed = {state.live: "live", state.trial: "on trial"}
    needed.setdefault(_state.previous_tree(state, root.existing_trees(state)), "the way back")
    if digest in state.pinned:
        needed = {**dict.fromkeys(trees, "pinned"), **needed}
    for tree in trees:
        if tree in needed:
            raise _claim.DeploymentError("%s is %s: it is not removed" % (tree, needed[tree]))
    return trees


def choice(root: _directory.Root, release: Optional[_state.Release]) -> Choose:
    """Return what names, of a State, the trees to be removed: those of *release*, or all."""
    if release is None:
        return lambda state: ours(root, state)
    return lambda state: removable(root, state, release.digest)


def clean(claim: _claim.Claim, choose: Choose) -> List[str]:
    """Remove the trees that *choose* names of a State, and what no other tree needs; return them.

    They are named anew where no other run can pin them, or make them live, any more. What a
    removal that was killed has left is removed, too.
    """
    state = claim.root.read_state()
    if not choose(state) and not unused_manifests(claim.root, state):
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
            _discard_unused(claim, stack, state)
    return trees


def unused_manifests(root: _directory.Root, state: _state.State) -> Set[str]:
    """Return the names of the manifests that no recorded tree needs."""
    return root.names("manifests") - _releases(state)


def what_stays(root: _directory.Root, state: _state.State) -> _state.State:
    """Return the State of what is left once everything of ours is removed: what was adopted."""
    current = root.read_current(state)
    kept = {key: getattr(state, key) for key in ("token", "run", "uid", "access")}
    left = _state.State(**kept)
    left.trees = {tree: record for tree, record in state.trees.items() if record.adopted}
    if current in left.trees:
        left.live, left.good, left.since = current, [left.trees[current].digest], state.since
    return left


def remove_all(claim: _claim.Claim, purge_shared: bool) -> Tuple[List[str], _state.State]:
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
            gone = "%s.gone-%d" % (_directory.OURS, state.token)
            os.rename(_directory.OURS, gone, src_dir_fd=top, dst_dir_fd=top)
            os.fsync(top)
    claim.leftovers = sweep(claim.root.path)  # what staging left is below that now
    return trees, left


def sweep(path: str) -> Dict[str, str]:
    """Delete what removals have moved aside at *path*, and the folder itself if it is empty.

    Returns ``{path: why it cannot be removed}`` of what stays.
    """
    try:
        top = _directory.open_top(path)
    except FileNotFoundError:
        return {}
    leftovers = {}
    try:
        for name in os.listdir(top):
            if name.startswith(_directory.OURS + ".gone-"):
                reason = _deletion.discard(top, name)
                if reason:
                    leftovers[os.path.join(path, name)] = reason
    finally:
        os.close(top)
    if _directory.is_of_system(path):
        return leftovers
    above, name = os.path.split(_paths.local(path).rstrip("/"))
    parent = _ancestors.open_directory(above, _ancestors.trusted())
    try:
        _remove_if_empty(parent, name)
    finally:
        os.close(parent)
    return leftovers


def _take_away(
    claim: _claim.Claim,
    stack: contextlib.ExitStack,
    state: _state.State,
    trees: Iterable[str],
    staging: int,
) -> None:
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


def _releases(state: _state.State) -> Set[str]:
    """Return the digests of the releases that trees of ours are recorded of."""
    recorded = state.trees.values()
    return {record.digest for record in recorded if not record.adopted}


def _discard_unused(claim: _claim.Claim, stack: contextlib.ExitStack, state: _state.State) -> None:
    """Remove contents and manifests that no recorded tree needs, inside a commit point.

    Manifests go last, and only where nothing stays: as long as one is there that is not needed,
    its contents may be, and the next removal looks for them.
    """
    needed = _needed(claim.root, state)
    if needed is None:
        return
    store = claim.folder(stack, "objects")
    for prefix in os.listdir(store):
        with contextlib.ExitStack() as one, contextlib.suppress(_directory.RootError):
            below = claim.subfolder(one, store, prefix)
            for name in os.listdir(below):
                if name.partition(".")[0] not in needed:
                    claim.discard(below, name, "objects", prefix)
    if not claim.leftovers:
        folder = claim.folder(stack, "manifests")
        for name in unused_manifests(claim.root, state):
            claim.discard(folder, name, "manifests")


def _needed(root: _directory.Root, state: _state.State) -> Optional[Set[str]]:
    """Return the contents that recorded trees need; None where a manifest cannot tell."""
    needed: Set[str] = set()
    for digest in _releases(state):
        manifest = None
        with contextlib.suppress(_directory.RootError):
            manifest = root.read_manifest(digest)
        if manifest is None:
            return None
        needed.update(_manifest.contents(manifest))
    return needed


def _remove_if_empty(directory: int, name: str) -> None:
    """Remove the folder *name*; what is in it, or mounted there, keeps it."""
    try:
        os.rmdir(name, dir_fd=directory)
    except OSError as error:
        if error.errno not in KEPT:
            raise
