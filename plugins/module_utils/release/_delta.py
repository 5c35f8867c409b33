# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The difference between two manifests, as a host reads it that holds the first of them."""

from __future__ import annotations

from typing import Any, Iterator, Sequence

from ..formats import _canonical
from . import _manifest


def apply(base: _manifest.Manifest, data: bytes) -> _manifest.Manifest:
    """Return the Manifest that *data* describes on top of *base*, which it was made against.

    It is to be believed only once it is ``_manifest.verified``; raises ManifestError when *data*
    makes no sense.
    """
    held = {component.name: component.entries for component in base.components}
    try:
        plain = _canonical.loads(data)
        return _manifest.Manifest(
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
                    _manifest.about_from_plain(item, _manifest.ABOUT_COMPONENT),
                )
                for item in plain["components"]
            ),
            _manifest.about_from_plain(plain, _manifest.ABOUT_RELEASE),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise _manifest.ManifestError(
            "the difference of manifests is malformed: %s" % _canonical.one_line(error)
        ) from None


def _unrolled(held: Sequence[_manifest.Entry], items: Any) -> Iterator[_manifest.Entry]:
    for item in items:
        if isinstance(item, list):
            first, count = item
            if not 0 <= first < first + count <= len(held):
                raise _manifest.ManifestError("the difference of manifests points outside its base")
            yield from held[first : first + count]
        else:
            entry = _manifest.entry_from_plain(item)
            if _manifest.entry_to_plain(entry) != item:  # else it would be more than is rendered
                raise _manifest.ManifestError("%r has fields that do not belong" % entry.path)
            yield entry
