# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The difference between two manifests: what travels to a host that holds the first."""

from __future__ import annotations

from . import _canonical, _manifest


def make(base, wanted):
    """Return canonical bytes from which ``apply`` makes *wanted* again, given *base*.

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
                }
                for component in wanted.components
            ],
        }
    )


def apply(base, data):
    """Return the rendered manifest that *data* describes on top of *base*.

    It is believed only when it hashes to the digest wanted; raises ManifestError when *data*
    makes no sense.
    """
    held = {component.name: component.entries for component in base.components}
    try:
        plain = _canonical.loads(data)
        return _manifest.render(
            _manifest.Manifest(
                plain["name"],
                plain["version"],
                plain["serial"],
                tuple(
                    _manifest.Component(
                        item["name"],
                        item["version"],
                        item["kind"],
                        item["path"],
                        tuple(_unrolled(held.get(item["name"], ()), item["entries"])),
                    )
                    for item in plain["components"]
                ),
            )
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise _manifest.ManifestError(
            "the difference of manifests is malformed: %s" % error
        ) from None


def _runs(component, entries):
    """Return *entries* with each run that *component* has, in its order, as [first, count]."""
    where = {entry: index for index, entry in enumerate(component.entries)} if component else {}
    items = []
    for entry in entries:
        index = where.get(entry)
        if index is None:
            items.append(_manifest.entry_to_plain(entry))
        elif items and isinstance(items[-1], list) and sum(items[-1]) == index:
            items[-1][1] += 1
        else:
            items.append([index, 1])
    return items


def _unrolled(held, items):
    for item in items:
        if isinstance(item, list):
            first, count = item
            if not 0 <= first < first + count <= len(held):
                raise _manifest.ManifestError("the difference of manifests points outside its base")
            yield from held[first : first + count]
        else:
            yield _manifest.entry_from_plain(item)
