# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the media library has for the handover of a plan's releases."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.release._manifest import Component, Manifest
from ..evidence import _attachments
from ..library._catalogue import Catalogue
from ..plan._standing import Standing
from ._items import OfPackage


def of_plan(media_library: str, standing: Standing) -> OfPackage:
    """Return what the library at this place has; nothing where it cannot be read."""
    from ..library._store import Library

    if not media_library:
        return OfPackage()
    try:
        library = Library(media_library)
        digests = [part.release["digest"] for part in standing.resolved.each()]
        requires = sorted({name for digest in digests for name in _requires(library, digest)})
        documents = [each for digest in digests for each in _attached(library, digest)]
    except (ReleaseError, OSError):
        return OfPackage()
    boms = [said for kind, said in documents if "cyclonedx" in kind or "spdx" in kind]
    has_notes = any("note" in kind for kind, _said in documents)
    licences = tuple(sorted({name for bom in boms for name in _licences(bom)}))
    return OfPackage(tuple(requires), licences if boms else None, has_notes)


def requires_of(media_library: str, digests: Iterable[str]) -> list[str]:
    """Return what the releases with these *digests* require, or that it is not known."""
    from ..library._store import Library

    if not media_library:
        return ["not known without a media library"]
    try:
        library = Library(media_library)
        return sorted({name for digest in digests for name in _requires(library, digest)})
    except (ReleaseError, OSError):
        return ["not known: the media library does not have the release"]


def _requires(library: Catalogue, digest: str) -> list[str]:
    manifest = library.get(digest).manifest
    declaring: list[Manifest | Component] = [manifest, *manifest.components]
    return [str(name) for where in declaring for name in dict(where.about).get("requires", ())]


def _attached(library: Catalogue, digest: str) -> list[tuple[str, Any]]:
    """Return predicate type and predicate of all evidence, whoever vouches for it."""
    label = library.find(f"sha256:{digest}")
    found = _attachments.read(library, label)
    return [((each.predicate_type or "").lower(), each.predicate) for each in found]


def _licences(bom: Any) -> list[str]:
    """Return the names of licences in a bill of materials in CycloneDX, as far as it is one."""
    found = []
    for component in _list(bom, "components"):
        for entry in _list(component, "licenses"):
            said = entry.get("license") if isinstance(entry, dict) else None
            named = said if isinstance(said, dict) else {}
            expression = entry.get("expression") if isinstance(entry, dict) else None
            found.append(expression or named.get("id") or named.get("name"))
    return [name for name in found if isinstance(name, str)]


def _list(plain: Any, key: str) -> list[Any]:
    found = plain.get(key) if isinstance(plain, dict) else None
    return found if isinstance(found, list) else []
