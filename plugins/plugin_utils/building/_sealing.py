# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sealing: from declared components to a release in the media library."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _codec
from ...module_utils.release import _manifest
from ...module_utils.sources import _kinds
from ..compatibility import _components
from ..definition import _release_file
from ..library import _store
from ..release import _about
from . import _collisions

# Brings the layer of a ComponentSource to a path; returns its entries and its codec.
PackComponent = Callable[[_release_file.ComponentSource, str], tuple[list[_manifest.Entry], str]]


class SealingError(ReleaseError):
    """The components cannot be sealed together; the text names what stands in the way."""

    code = "invalid_release"


def seal(
    library: _store.Library,
    release: _release_file.ReleaseFile,
    pack_component: PackComponent,
    keep: bool = True,
) -> tuple[_store.Stored, bool]:
    """Seal the ReleaseFile *release* into *library*; return (the Stored release, whether new).

    ``pack_component(source, path)`` brings the layer of a ComponentSource to *path* and returns
    its entries and the layer's codec: here, or on the build host where the files are. Without
    *keep* everything is done but the adding.
    """
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(library.new_layers(keep))
        components, layers = [], {}
        for source in release.components:
            path = os.path.join(folder, source.name)
            entries, codec = pack_component(source, path)
            layers[source.name] = (path, codec)
            kind = _kinds.LAID_OUT_AS.get(source.kind, source.kind)
            components.append(
                _manifest.Component(
                    source.name, source.version, kind, source.path, tuple(entries), source.about
                )
            )
        manifest = _manifest.Manifest(
            release.name, release.version, release.serial, tuple(components), release.about
        )
        check(manifest, {source.name: source.case_sensitive for source in release.components})
        return library.add(manifest, layers, keep)


def check(manifest: _manifest.Manifest, case_sensitive: dict[str, bool]) -> None:
    """Raise SealingError or ManifestError unless *manifest* may be sealed.

    *case_sensitive* tells for each component whether names may differ by case alone.
    """
    data = _manifest.render(manifest)
    _manifest.parse(data, _manifest.digest_of(data))
    _about.check(manifest)
    for component in manifest.components:
        if all(entry.type == "dir" for entry in component.entries):
            raise SealingError(f"component {component.name} holds no files: check its globs")
        _refuse_collisions(
            [entry.path for entry in component.entries],
            case_sensitive[component.name],
            f"component {component.name}",
        )
    _refuse_collisions(_manifest.tree(manifest), any(case_sensitive.values()), "the release")
    problems = _components.find_problems(_components.parts(manifest))
    if problems:
        raise SealingError("; ".join(problems))


def pack_here(directory: str) -> PackComponent:
    """Return a ``pack_component`` for sources below *directory* on this machine."""

    def pack_component(
        source: _release_file.ComponentSource, path: str
    ) -> tuple[list[_manifest.Entry], str]:
        codec = _codec.readable()[0]
        root = os.path.join(directory, source.source)
        kind = _kinds.KINDS[source.kind]
        if not kind.is_source(root):
            raise SealingError(f"component {source.name}: {root} is not {kind.SOURCE}")
        return kind.pack(root, source.packing(), path, codec), codec

    return pack_component


def _refuse_collisions(paths: Iterable[str], case_sensitive: bool, where: str) -> None:
    found = _collisions.colliding(paths, case_sensitive)
    if found:
        pairs = "; ".join(f"{first!r} and {other!r}" for first, other in found[:5])
        more = f"; and {len(found) - 5} more" if len(found) > 5 else ""
        raise SealingError(f"{where} has names that some file systems take for one: {pairs}{more}")
