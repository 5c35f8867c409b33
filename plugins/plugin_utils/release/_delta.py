# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a manifest is told to a host that holds another: as the difference between the two."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...module_utils.formats import _canonical
from ...module_utils.release import _manifest


def make(base: _manifest.Manifest, wanted: _manifest.Manifest) -> bytes:
    """Return canonical bytes from which ``_delta.apply`` makes *wanted* again, given *base*.

    Entries that *base* has in the component of the same name become ``[first index, count]``.
    """
    held = {component.name: component for component in base.components}
    return _canonical.dumps(
        {
            "name": wanted.name,
            "version": wanted.version,
            "serial": wanted.serial,
            "components": [
                {
                    "name": component.name,
                    "version": component.version,
                    "kind": component.kind,
                    "path": component.path,
                    "entries": _runs(held.get(component.name), component.entries),
                    **dict(component.about),
                }
                for component in wanted.components
            ],
            **dict(wanted.about),
        }
    )


def _runs(component: _manifest.Component | None, entries: Iterable[_manifest.Entry]) -> list[Any]:
    """Return *entries* with each run that *component* has, in its order, as [first, count]."""
    where = {entry: index for index, entry in enumerate(component.entries)} if component else {}
    items: list[Any] = []
    for entry in entries:
        index = where.get(entry)
        if index is None:
            items.append(_manifest.entry_to_plain(entry))
        elif items and isinstance(items[-1], list) and sum(items[-1]) == index:
            items[-1][1] += 1
        else:
            items.append([index, 1])
    return items
