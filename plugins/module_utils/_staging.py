# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Staging: from a pack to a whole, verified release under its name, not yet live.

Whatever gets a final name is verified and on its medium before.
"""

from __future__ import annotations

import contextlib
import os

from . import _claim, _codec, _drift, _durable, _manifest, _objects, _pack, _tree


def stage(claim, release, stream):
    """Make the tree of *release* from the pack in *stream*; return its name in ``releases``.

    Raises Damaged when the contents held here are not what the pack builds upon.
    """
    header = _pack.read_header(stream)
    base = claim.root.read_manifest(header.base) if header.base else None
    if header.release != release.digest:
        raise _pack.PackError("the pack brings another release than was asked for")
    if header.base and base is None:
        raise _drift.Damaged("the manifest of the release held here is damaged")
    with contextlib.ExitStack() as stack, claim.unless_overtaken():
        staging = claim.staging(stack)
        store = claim.folder(stack, "objects")
        scratch = claim.subfolder(stack, staging, "objects")
        access = _tree.Access(**claim.root.read_state().access)
        objects = _objects.Objects(store, scratch, access)
        with _codec.reader(header.codec, stream) as read_bytes:
            manifest, data = _pack.read(
                read_bytes, header, release.digest, base, lambda m: _adder(objects, m)
            )
        if manifest[:3] != (release.name, release.version, release.serial):
            raise _claim.DeploymentError("the release sent is not %s %s" % release[1:3])
        _build(staging, _tree.expected(manifest, release.links), access, objects)
        manifests = claim.folder(stack, "manifests")
        _durable.write_file(manifests, release.digest, data)
        _durable.barrier(staging)
        tree = _publish(claim, release, staging, objects)
    return tree


def free_name(root, name):
    """Return *name* or, where ``releases`` has that, the first of ``name.2``, ``name.3`` …"""
    releases = root.folder("releases")
    try:
        taken = set(os.listdir(releases))
    finally:
        os.close(releases)
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = "%s.%d" % (name, number)
    return candidate


def _build(staging, entries, access, objects):
    try:
        _tree.build(staging, "tree", entries, access, objects)
    except FileNotFoundError as error:
        raise _drift.Damaged("content held here: %s" % error) from None
    drift, _runtime = _tree.verify(staging, "tree", entries, access, (), objects.trusted)
    if drift:
        raise _drift.Damaged("contents held here are damaged: %s" % _drift.name_drift(drift))


def _publish(claim, release, staging, objects):
    """Give the staged tree its name, recorded first so that no tree is there unknown."""
    with claim.commit_point() as state, contextlib.ExitStack() as stack:
        objects.publish()
        releases = claim.folder(stack, "releases")
        tree = free_name(claim.root, _manifest.tree_name(release.version, release.digest))
        state.trees[tree] = {
            "name": release.name,
            "version": release.version,
            "serial": release.serial,
            "digest": release.digest,
            "links": list(release.links),
            "token": claim.token,
        }
        claim.root.write_state(state)
        os.rename("tree", tree, src_dir_fd=staging, dst_dir_fd=releases)
        os.fsync(releases)
        claim.record("staged", tree, None)
    return tree


def _adder(objects, manifest):
    """Return what keeps a pack's contents, each with the exec bits it is needed with."""
    executables = {}
    for component in manifest.components:
        for entry in component.entries:
            if entry.type == "file":
                executables.setdefault(entry.sha256, set()).add(entry.exec)
    return lambda sha256, size, chunks: objects.add(sha256, size, chunks, executables[sha256])
