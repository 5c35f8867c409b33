# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inspection: how a tree of a root differs from what was sealed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..tree import _layout
from . import _directory, _state

if TYPE_CHECKING:
    from collections.abc import Iterable


def look_through(
    root: _directory.Root, state: _state.State, tree: str, runtime_paths: Iterable[str]
) -> tuple[list[_layout.Drift], list[str]]:
    """Return the drift of *tree* and its runtime paths, against the manifest it was staged from.

    One that was adopted has no manifest: it is ``unverified``.
    """
    record = state.trees[tree]
    if record.adopted:
        return [_layout.Drift(".", "unverified")], []
    manifest = root.read_manifest(record.digest)
    if manifest is None:
        return [_layout.Drift(".release/manifests/" + record.digest, "missing")], []
    entries = _layout.expected(manifest, record.links, seed=True)
    releases = root.folder("releases")
    try:
        return _layout.verify(releases, tree, entries, state.known_access(), runtime_paths)
    finally:
        os.close(releases)
