# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparing two releases component by component and file by file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils.release._manifest import Component, Entry, Manifest


def compare(first: Manifest, second: Manifest) -> list[dict[str, Any]]:
    """Return how the Manifest *second* differs from *first*, as plain data, components sorted."""
    old = {component.name: component for component in first.components}
    new = {component.name: component for component in second.components}
    return [
        _compare(name, old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys())
    ]


def _compare(name: str, old: Component | None, new: Component | None) -> dict[str, Any]:
    files = compare_entries(old.entries if old else (), new.entries if new else ())
    same = old and new and old == new
    change = "unchanged" if same else "modified" if old and new else "added" if new else "removed"
    return {
        "name": name,
        "change": change,
        "from_version": old.version if old else None,
        "to_version": new.version if new else None,
        **files,
    }


def compare_entries(old: Iterable[Entry], new: Iterable[Entry]) -> dict[str, list[str]]:
    """Return the paths added, removed, modified and with another exec bit, sorted as the entries.

    A file whose content and exec bit both changed is in both of the last lists.
    """
    before = {entry.path: entry for entry in old}
    after = {entry.path: entry for entry in new}
    both = [(before[path], after[path]) for path in after if path in before]
    return {
        "added": [path for path in after if path not in before],
        "removed": [path for path in before if path not in after],
        "modified": [b.path for a, b in both if a._replace(exec=b.exec) != b],
        "exec_changed": [b.path for a, b in both if a.exec != b.exec],
    }


def difference(before: Mapping[str, Entry], after: Mapping[str, Entry]) -> tuple[str, str]:
    """Return two texts that name what differs between two ``{path: Entry}``, for a diff."""
    return _lines(before, after), _lines(after, before)


def _lines(entries: Mapping[str, Entry], other: Mapping[str, Entry]) -> str:
    """Return a line for each of *entries* that *other* has not, or otherwise."""
    return "".join(
        _line(entry) for path, entry in sorted(entries.items()) if other.get(path) != entry
    )


def _line(entry: Entry) -> str:
    mark = {"dir": "/", "symlink": " -> " + entry.target, "file": "*" if entry.exec else ""}
    what = f"  {entry.sha256[:12]} {entry.size} bytes" if entry.type == "file" else ""
    return f"{entry.path}{mark[entry.type]}{what}\n"
