# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Staging: to a whole, verified release under its name, not yet live, from what a pack brings.

Whatever gets a final name is verified and on its medium before.
"""

from __future__ import annotations

import contextlib
import os
from typing import (
    BinaryIO,
    Callable,
    Collection,
    Dict,
    Iterable,
    List,
    Mapping,
    Optional,
    Sequence,
    Set,
)

from ..files import _deletion, _durable, _selinux
from ..formats import _codec
from ..release import _manifest, _pack
from ..root import _claim, _directory, _state
from ..tree import _drift, _layout, _objects


def stage(
    claim: _claim.Claim,
    release: _state.Release,
    seed: bool,
    stream: BinaryIO,
    again: Collection[str] = (),
) -> str:
    """Make the tree of *release* from the pack in *stream*; return its name in ``releases``.

    *again* are the contents that were asked for although they are held here. Raises Damaged, and
    keeps what the pack brought, when the contents held here are not what the pack builds upon.
    """
    header = _pack.read_header(stream)
    base = claim.root.read_manifest(header.base) if header.base else None
    if header.release != release.digest:
        raise _pack.PackError("the pack brings another release than was asked for")
    if header.base and base is None:
        raise _drift.Damaged("the manifest of the release held here is damaged")
    with contextlib.ExitStack() as stack, claim.unless_overtaken():
        place = _Place(claim, stack)
        with _codec.reader(header.codec, stream) as read_bytes:
            manifest, data = _pack.read(
                read_bytes, header, release.digest, base, place.adder, again
            )
        if manifest[:3] != (release.name, release.version, release.serial):
            raise _claim.DeploymentError("the release sent is not %s %s" % release[1:3])
        place.keep_manifest(release.digest, data)
        missing = place.build(manifest, release, seed)
        if missing:
            _durable.barrier(place.staging)
            with claim.commit_point():
                place.publish()
            raise lost(missing)
        return _publish(claim, release, place)


def rebuild(claim: _claim.Claim, release: _state.Release, seed: bool) -> str:
    """Make another tree of *release* from what is held here; return its name in ``releases``.

    Contents that are damaged are made whole where that is possible. Raises Damaged, naming the
    others, when it is not.
    """
    manifest = claim.root.read_manifest(release.digest)
    if manifest is None:
        raise _drift.Damaged("the manifest of the release held here is damaged")
    with contextlib.ExitStack() as stack, claim.unless_overtaken():
        place = _Place(claim, stack)
        missing = place.mend(manifest) or place.build(manifest, release, seed)
        if missing:
            raise lost(missing)
        return _publish(claim, release, place)


def free_name(root: _directory.Root, name: str) -> str:
    """Return *name* or, where ``releases`` has that, the first of ``name.2``, ``name.3`` …"""
    taken = root.names("releases")
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = "%s.%d" % (name, number)
    return candidate


def lost(contents: Sequence[str]) -> _drift.Damaged:
    """Return the Damaged that names the first of *contents*, SHA-256s."""
    words = ", ".join("%s…" % sha256[:12] for sha256 in contents[:3])
    more = " and %d more" % (len(contents) - 3) if len(contents) > 3 else ""
    return _drift.Damaged("contents held here are damaged: %s%s" % (words, more), contents)


class _Place:
    """Where a claim builds: its staging folder, and the contents that it may use."""

    def __init__(self, claim: _claim.Claim, stack: contextlib.ExitStack) -> None:
        self.staging = claim.staging(stack)
        self._manifests = claim.folder(stack, "manifests")
        self._manifest: Optional[str] = None  # the digest of one that came with the pack
        self.state = claim.root.read_state()
        self.access = self.state.known_access()
        store = claim.folder(stack, "objects")
        scratch = claim.subfolder(stack, self.staging, "objects")
        labels = _selinux.labels_of(claim.folder(stack, "releases"))
        if labels:
            stack.enter_context(labels.given())
        self.objects = _objects.Objects(store, scratch, self.access, labels)

    def keep_manifest(self, digest: str, data: bytes) -> None:
        """Stage the verified bytes *data* of the manifest *digest*."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open("manifest", flags, 0o600, dir_fd=self.staging)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        self._manifest = digest

    def publish(self) -> None:
        """Give what was staged, but for the tree, its names: inside a commit point, synced."""
        if self._manifest:
            names = {"src_dir_fd": self.staging, "dst_dir_fd": self._manifests}
            try:
                os.rename("manifest", self._manifest, **names)
            except IsADirectoryError:
                _deletion.remove(self._manifests, self._manifest)
                os.rename("manifest", self._manifest, **names)
            os.fsync(self._manifests)
            self._manifest = None
        self.objects.publish()

    def adder(self, manifest: _manifest.Manifest) -> Callable[[str, int, Iterable[bytes]], None]:
        """Return what keeps a pack's contents, each with the exec bits it is needed with."""
        executables: Dict[str, Set[bool]] = {}
        for component in manifest.components:
            for entry in component.entries:
                if entry.type == "file":
                    executables.setdefault(entry.sha256, set()).add(entry.exec)
        add = self.objects.add
        return lambda sha256, size, chunks: add(sha256, size, chunks, executables[sha256])

    def build(self, manifest: _manifest.Manifest, release: _state.Release, seed: bool) -> List[str]:
        """Lay the tree out and verify all of it; return the contents that are lost, if any are.

        What was laid out like that before needs no second permission to *seed*.
        """
        seed = seed or _state.was_laid_out(self.state, release)
        entries = _layout.expected(manifest, release.links, seed)
        for mended in (False, True):
            drift = self._lay_out(entries)
            if not drift:
                return []
            missing = self.mend(manifest)
            if missing:
                return missing
            if mended:
                break
            _deletion.remove(self.staging, "tree")
        raise _drift.Damaged("the release cannot be laid out: %s" % _drift.name_drift(drift))

    def mend(self, manifest: _manifest.Manifest) -> List[str]:
        """Make all contents of the release whole, also those for ``shared/``; return the lost."""
        entries = _manifest.tree(manifest).values()
        return self.objects.mend(entry for entry in entries if entry.type == "file")

    def _lay_out(self, entries: Mapping[str, _manifest.Entry]) -> List[_layout.Drift]:
        try:
            _layout.build(self.staging, "tree", entries, self.access, self.objects.place)
        except FileNotFoundError as error:
            return [_layout.Drift(str(error.filename), "missing")]
        trusted = self.objects.trusted
        drift, altered = _layout.verify(self.staging, "tree", entries, self.access, (), trusted)
        return drift + [_layout.Drift(path, "modified") for path in altered]


def _publish(claim: _claim.Claim, release: _state.Release, place: _Place) -> str:
    """Give the staged tree its name, recorded first so that no tree is there unknown."""
    _durable.barrier(place.staging)
    with claim.commit_point() as state, contextlib.ExitStack() as stack:
        place.publish()
        releases = claim.folder(stack, "releases")
        tree = free_name(claim.root, _manifest.tree_name(release.version, release.digest))
        state.trees[tree] = _state.recorded(release, claim.token, claim.now(), claim.process)
        claim.root.write_state(state)
        os.rename("tree", tree, src_dir_fd=place.staging, dst_dir_fd=releases)
        os.fsync(releases)
        claim.record("staged", tree, None)
    return tree
