# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the steps of a component left: the artifacts that it must have, and what would be sealed."""

from __future__ import annotations

import os
from typing import Iterator

from ..files import _globs, _paths
from ..release import _layer, _manifest, _scan
from ..sources import _kinds
from . import _place
from ._plan import Component


def find_artifacts(component: Component, folder: str) -> list[str]:
    """Return the paths of the files that the globs of artifacts name, each of them at least one."""
    files, found = sorted(_files(_paths.to_os(folder))), set()
    for pattern in component["artifacts"]:
        matches = _globs.compile_globs([pattern])
        here = [path for path in files if matches(path)]
        if not here:
            raise _place.BuildError(
                "%s: its steps left no file %r, which artifacts names"
                % (component["name"], pattern)
            )
        found.update(here)
    return [path.encode("utf-8", "backslashreplace").decode("utf-8") for path in sorted(found)]


def packed(component: Component, place: _place.Place) -> list[_manifest.Entry]:
    """Return the Entries of what would be sealed of *component*, with digests."""
    folder = place.component(component["name"])
    root = os.path.join(folder, component["source"])
    kind = _kinds.KINDS[component["kind"]]
    top = os.path.realpath(folder)
    if os.path.commonpath([top, os.path.realpath(root)]) != top:
        raise _place.BuildError(
            "%s: its source %r leads out of what was built"
            % (component["name"], component["source"])
        )
    if not kind.is_source(root):
        raise _place.BuildError(
            "%s: its source %r is not %s after the build"
            % (component["name"], component["source"], kind.SOURCE)
        )
    packing = component["packing"]
    try:
        if component["kind"] == "files" and not packing["checksums"]:
            # As _kind_files packs it, but nothing is compressed.
            globs = (packing[key] for key in ("include", "exclude", "private", "writable"))
            entries = _scan.scan(_scan.to_os(root), _scan.Rules(*globs))
            return _layer.write(entries, _scan.to_os(root), lambda data: None)
        scratch = os.path.join(place.base, "tmp", component["name"] + ".layer")
        try:
            return kind.pack(root, packing, scratch, "gzip")
        finally:
            _place.clear(scratch)
    except (_scan.ScanError, _layer.LayerError, _manifest.ManifestError) as error:
        raise _place.BuildError("%s: %s" % (component["name"], error)) from None


def _files(root: bytes, prefix: str = "") -> Iterator[str]:
    """Yield the paths of the regular files below the directory *root*, following no link."""
    with os.scandir(root) as listing:
        items = list(listing)
    for item in items:
        path = prefix + _paths.from_os(item.name)
        if path == ".git":
            continue
        if item.is_dir(follow_symlinks=False):
            yield from _files(item.path, path + "/")
        elif item.is_file(follow_symlinks=False):
            yield path
