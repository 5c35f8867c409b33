# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift: how what is on a host differs from what was sealed."""

from __future__ import annotations

import os

from ..errors._release_error import ReleaseError
from . import _layout


class Damaged(ReleaseError):
    """Contents that should be here are not whole; ``contents`` has their SHA-256, if it is known.

    They must be sent again.
    """

    code = "damaged"

    def __init__(self, message, contents=()):
        super().__init__(message)
        self.contents = list(contents)


def look_through(root, state, tree, runtime_paths):
    """Return the drift of *tree* and its runtime paths, against the manifest it was staged from.

    One that was adopted has no manifest: it is ``unverified``.
    """
    record = state.trees[tree]
    if record.get("adopted"):
        return [_layout.Drift(".", "unverified")], []
    manifest = root.read_manifest(record["digest"])
    if manifest is None:
        return [_layout.Drift(".release/manifests/" + record["digest"], "missing")], []
    entries = _layout.expected(manifest, record["links"], seed=True)
    releases = root.folder("releases")
    try:
        access = _layout.Access(**state.access)
        return _layout.verify(releases, tree, entries, access, runtime_paths)
    finally:
        os.close(releases)


def name_drift(drift, most=5):
    """Return the first of *drift* in words, and how many more there are."""
    words = ", ".join("%s %s" % (item.change, item.path) for item in drift[:most])
    return words + (" and %d more" % (len(drift) - most) if len(drift) > most else "")


def of(item):
    """Return the Drift that *item*, plain data with path and change, tells of."""
    return _layout.Drift(item["path"], item["change"])
