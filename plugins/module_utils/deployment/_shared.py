# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What outlives releases: the paths below ``shared/`` that trees link to, made or seeded once."""

from __future__ import annotations

import contextlib
import os
from typing import Dict, Iterable, List, Mapping, Optional, Tuple

from ..files import _durable, _paths
from ..release import _manifest
from ..root import _claim, _directory
from ..tree import _drift, _layout, _objects


def wanting(path: str, links: Iterable[str]) -> Dict[str, bool]:
    """Return those of *links* that are files and do not exist in ``shared/`` below *path*.

    They are ``{link: whether the release may bring it}``: a link that leads nowhere is somebody's,
    for a file system that is not mounted, perhaps.
    """
    places = {link: _place(path, link) for link in links if not link.endswith("/")}
    return {
        link: not os.path.lexists(place)
        for link, place in places.items()
        if not os.path.exists(place)
    }


def absent(path: str, links: Iterable[str]) -> List[str]:
    """Return those of *links* that are not in ``shared/`` below *path*: going live makes them."""
    return [link for link in links if not os.path.lexists(_place(path, link.rstrip("/")))]


def check(path: str, links: Iterable[str], manifest: Optional[_manifest.Manifest]) -> None:
    """Raise DeploymentError when a file that *links* name is neither in ``shared/`` nor sealed.

    *manifest* is that of the release, or None.
    """
    refuse(path, wanting(path, links), manifest)


def refuse(path: str, unshared: Mapping[str, bool], manifest: Optional[_manifest.Manifest]) -> None:
    """Raise DeploymentError when the release cannot bring what is ``wanting`` in *unshared*."""
    sealed = _manifest.tree(manifest) if manifest else {}
    for link, may_be_brought in unshared.items():
        if not (may_be_brought and _layout.at_or_below(sealed, link)):
            raise _claim.DeploymentError(
                "%s/shared/%s does not exist: put it there first, or write %s/ for a directory in "
                "linked_paths (deploy_linked_paths in the role)" % (path, link, link)
            )


def prepare(claim: _claim.Claim, tree: str) -> None:
    """Bring to ``shared/`` what *tree* links to and is not there: sealed entries, directories.

    Raises DeploymentError where a file is missing that the release does not bring, and Damaged
    where the content that it brings is not whole here.
    """
    state = claim.root.read_state()
    record = state.trees[tree]
    with contextlib.ExitStack() as stack:
        shared = claim.folder(stack, "shared")
        if not record.links:
            return
        manifest = claim.root.read_manifest(record.digest)
        sealed = _manifest.tree(manifest) if manifest else {}
        check(claim.root.path, record.links, manifest)
        access = state.known_access()
        for link in record.links:
            path = link.rstrip("/")
            entries = {name: sealed[name] for name in _layout.at_or_below(sealed, path)}
            for missing in _missing(shared, path):
                if missing == path and entries:
                    _seed(claim, shared, path, entries, access)
                else:
                    _make_directory(claim, shared, missing, access)


def _seed(
    claim: _claim.Claim,
    shared: int,
    path: str,
    entries: Mapping[str, _manifest.Entry],
    access: _layout.Access,
) -> None:
    """Copy the sealed *entries* at and below *path* to ``shared/``, durably and in one step.

    What is there once is never looked at again.
    """
    with contextlib.ExitStack() as stack:
        staging = claim.staging(stack)
        store = claim.folder(stack, "objects")
        objects = _objects.Objects(store, claim.subfolder(stack, staging, "objects"), access)
        # A copy: what the service changes here is shared with no release.
        below = {
            name[len(path) + 1 :]: entry._replace(path=name[len(path) + 1 :], writable=True)
            for name, entry in entries.items()
        }
        top = below.pop("", None)
        try:
            if top is None or top.type == "dir":
                _layout.build(staging, "seed", below, access, objects.place)
            elif top.type == "file":
                objects.place(top, staging, "seed")
            else:
                os.symlink(_paths.to_os(top.target), "seed", dir_fd=staging)
        except FileNotFoundError as error:
            lost = objects.mend(entry for entry in entries.values() if entry.type == "file")
            raise _drift.Damaged("content for shared/%s: %s" % (path, error), lost) from None
        parent, name = _open_parent(claim, shared, path)
        stack.callback(os.close, parent)
        _durable.barrier(staging)
        with claim.commit_point():
            os.rename("seed", name, src_dir_fd=staging, dst_dir_fd=parent)
        os.fsync(parent)


def _make_directory(claim: _claim.Claim, shared: int, path: str, access: _layout.Access) -> None:
    """Make the directory *path* in ``shared/``, durably; it gets its name when it has its mode.

    It is made where it belongs: that may be a file system of its own.
    """
    parent, name = _open_parent(claim, shared, path)
    scratch = b".%s.new" % name
    try:
        with claim.commit_point():
            with contextlib.suppress(FileNotFoundError):
                os.rmdir(scratch, dir_fd=parent)  # never filled: more than that is not ours
            _layout.make_directory(parent, scratch, access, lambda made: _check(made, claim, path))
            os.rename(scratch, name, src_dir_fd=parent, dst_dir_fd=parent)
        os.fsync(parent)
    finally:
        os.close(parent)


def _open_parent(claim: _claim.Claim, shared: int, path: str) -> Tuple[int, bytes]:
    """Return a descriptor of the folder that *path* lies in, and the name it has there.

    The service may own any folder in ``shared/``, so no link is followed, at no step.
    """
    *folders, name = _paths.to_os(path).split(b"/")
    descriptor = os.dup(shared)
    for depth, folder in enumerate(folders, start=1):
        above = descriptor
        try:
            descriptor = _directory.open_directory(above, folder)
        except _directory.RootError:
            there = "/".join(path.split("/")[:depth])
            raise _claim.DeploymentError(
                "%s/shared/%s is no directory but, perhaps, a link: nothing is made below it; "
                "make shared/%s there yourself" % (claim.root.path, there, path)
            ) from None
        finally:
            os.close(above)
    return descriptor, name


def _check(made: int, claim: _claim.Claim, path: str) -> None:
    """Raise DeploymentError if a directory just made is not that: it would be given away.

    Whoever owns the folder that it lies in can let another one have its name.
    """
    status = os.fstat(made)
    is_ours = status.st_uid == os.geteuid() and not status.st_mode & 0o077
    if not is_ours or os.listdir(made):
        raise _claim.DeploymentError(
            "%s/shared/%s: somebody else changes that folder now; run again"
            % (claim.root.path, path)
        )


def _missing(shared: int, path: str) -> List[str]:
    """Return *path*, and the folders on the way to it, that are not in ``shared/``, outer first."""
    names = path.split("/")
    parts = ["/".join(names[:depth]) for depth in range(1, len(names) + 1)]
    return [part for part in parts if not _exists(shared, _paths.to_os(part))]


def _place(path: str, link: str) -> bytes:
    return _paths.to_os(os.path.join(path, "shared", link))


def _exists(directory: int, path: bytes) -> bool:
    try:
        os.stat(path, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
