# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What releases declare of themselves, read without their thousands of files.

A release is a Manifest here whose components have no entries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical
from ...module_utils.release import _manifest
from ..library._catalogue import Catalogue
from ..oci._layout import LibraryError

# In canonical JSON such bytes are a key and nothing else: a quote within a text is escaped.
REQUIRES = b'"requires":'
REQUIRES_HOSTS = b'"requires_hosts":'
SAID_OF_COMPONENTS = frozenset(("conflicts", "provides", "requires", "versions"))


class DeclarationError(ReleaseError):
    """Somebody tells of a release what no release declares; the text says what."""

    code = "invalid_manifest"


def read(library: Catalogue, digest: str, data: bytes | None = None) -> _manifest.Manifest:
    """Return what the release *digest* of a media library declares.

    Its bytes are those that were sealed: they hash to *digest*. *data* are these bytes where they
    are known. Raises LibraryError where they cannot be had.
    """
    data = library.document(digest) if data is None else data
    try:
        return _from_plain(_canonical.loads(data, unique_keys=False))
    except (DeclarationError, KeyError, TypeError, _canonical.CanonicalError) as error:
        said = _canonical.one_line(error)
        raise LibraryError(f"release sha256:{digest[:12]} is malformed: {said}") from None


def from_answer(plain: Mapping[str, Any]) -> _manifest.Manifest:
    """Return what a release declares by what a host, or anybody, tells of it as plain data."""
    try:
        return _from_plain({"serial": 0, **plain})
    except (AttributeError, KeyError, TypeError):
        raise DeclarationError("name, version and components of a release were expected") from None


def _from_plain(plain: Mapping[str, Any]) -> _manifest.Manifest:
    """Return the Manifest without entries in the mapping *plain*."""
    components = tuple(
        _manifest.Component(
            _text(item["name"]),
            _text(item["version"]),
            "",
            "",
            (),
            _manifest.about_from_plain(_checked(item), SAID_OF_COMPONENTS),
        )
        for item in plain["components"]
    )
    about = _manifest.about_from_plain(plain, {"requires_hosts"})
    name, version = _text(plain["name"]), _text(plain["version"])
    return _manifest.Manifest(name, version, plain["serial"], components, about)


def _checked(item: dict[str, Any]) -> dict[str, Any]:
    for key in ("conflicts", "requires"):
        if not isinstance(item.get(key, []), list):
            raise DeclarationError(f"{key} is no list")
        list(map(_text, item.get(key, [])))
    if not isinstance(item.get("provides", {}), dict):
        raise DeclarationError("provides is no mapping")
    list(map(_text, item.get("provides", {}).values()))
    return item


def _text(value: object) -> str:
    """Return *value*, which must be a text that fits into a line."""
    if not isinstance(value, str) or _manifest.CONTROL.search(value):
        raise DeclarationError(f"{value!a:.40} is no text of one line")
    return value
