# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases as plain data, the way the modules return them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...module_utils.release._manifest import Entry
from ._stored import Label, Stored


def describe(stored: Stored) -> dict[str, Any]:
    """Return a Stored release as a mapping: names, digest, counts, sizes, components.

    What the manifest declares of it, and of a component, is there as far as it declares anything.
    """
    components = [
        {
            "name": component.name,
            "version": component.version,
            "kind": component.kind,
            "path": component.path,
            **_counts(component.entries),
            **dict(component.about),
        }
        for component in stored.manifest.components
    ]
    return {
        **stored.label._asdict(),
        "pinned": stored.pinned,
        "files": sum(component["files"] for component in components),
        "bytes": sum(component["bytes"] for component in components),
        "stored_bytes": stored.stored_bytes,
        **dict(stored.manifest.about),
        "components": components,
    }


def line(label: Label) -> str:
    """Return the line by which a diff names the release of a Label."""
    return f"{label.name}:{label.version} serial {label.serial} sha256:{label.digest}\n"


def _counts(entries: Iterable[Entry]) -> dict[str, int]:
    sizes = [entry.size for entry in entries if entry.type == "file"]
    return {"files": len(sizes), "bytes": sum(sizes)}
