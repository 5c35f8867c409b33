# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the packages of others in two releases differ, by two bills of materials (CycloneDX)."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...module_utils.git import _commits
from ._model import PackageChange

MOST_DEEP = 30  # components within components
SEMVER = re.compile(r"v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([0-9A-Za-z.-]+))?(?:\+.*)?")
DEBIAN = re.compile(r"(?:(\d{1,9}):)?([A-Za-z0-9.+~:-]+?)(?:-([A-Za-z0-9.+~]+))?")


# A CycloneDX document, as plain data.
Bill = Mapping[str, Any]
# The versions of a package, each with its licences.
Versions = dict[str, set[str]]


def compare(old: Iterable[Bill], new: Iterable[Bill]) -> list[PackageChange]:
    """Return how the packages in the bills *new* differ from those in *old*, sorted by package."""
    before, after = packages(old), packages(new)
    rows = []
    for name in sorted(before.keys() | after.keys()):
        here, there = before.get(name, {}), after.get(name, {})
        change = _change(name, here, there)
        if change:
            rows.append(
                PackageChange(
                    name,
                    change,
                    tuple(here),
                    tuple(there),
                    _licences_of(here),
                    _licences_of(there),
                )
            )
    return rows


def packages(bills: Iterable[Bill]) -> dict[str, Versions]:
    """Return ``{package URL without version: {version: licences}}`` of all that *bills* list.

    Parts of a release itself have no package URL. What is not as it should be tells nothing.
    """
    found: dict[str, Versions] = {}
    for bill in bills:
        waiting = [(item, 0) for item in _list(bill, "components")]
        while waiting:
            item, depth = waiting.pop()
            if depth < MOST_DEEP:
                waiting += [(each, depth + 1) for each in _list(item, "components")]
            purl = item.get("purl") if isinstance(item, dict) else None
            if isinstance(purl, str):
                name, version = _split(_commits.shown(purl))
                found.setdefault(name, {}).setdefault(version, set()).update(_licences(item))
    return {name: dict(sorted(versions.items())) for name, versions in found.items()}


def _split(purl: str) -> tuple[str, str]:
    """Return a package URL without version, qualifiers and path; and the version.

    Source: https://github.com/package-url/purl-spec; a name that has an @ has it as %40, but for
    those who write it plainly at the beginning of a namespace.
    """
    plain = purl.partition("#")[0].partition("?")[0]
    name, at, version = plain.rpartition("@")
    if not at or "/" in version or name.endswith("/"):
        return plain, ""
    return name, urllib.parse.unquote(version)


def _licences(item: object) -> set[str]:
    """Return the licences of a component, as its bill names them."""
    found = set()
    for choice in _list(item, "licenses"):
        if isinstance(choice, dict):
            licence = choice.get("license")
            licence = licence if isinstance(licence, dict) else {}
            said = choice.get("expression") or licence.get("id") or licence.get("name")
            if isinstance(said, str):
                found.add(_commits.shown(said))
    return found


def _list(item: object, key: str) -> list[Any]:
    found = item.get(key) if isinstance(item, dict) else None
    return found if isinstance(found, list) else []


def _licences_of(versions: Versions) -> tuple[str, ...]:
    return tuple(sorted({licence for licences in versions.values() for licence in licences}))


def _change(name: str, before: Versions, after: Versions) -> str | None:
    """Return in a word how a package changed, or None where it did not."""
    if not before or not after:
        return "added" if after else "removed"
    if list(before) == list(after):
        return None if before == after else "relicensed"
    try:
        key = _key(name)
        old, new = (max(map(key, versions)) for versions in (before, after))
    except ValueError:
        return "changed"
    if old == new:
        return "changed"
    return "upgraded" if old < new else "downgraded"


def _key(name: str) -> Callable[[str], Any]:
    """Return the function by which versions of a package are ordered; it raises ValueError."""
    if name.startswith("pkg:pypi/"):
        from packaging.version import Version

        return Version
    return _debian if name.startswith("pkg:deb/") else _semver


def _semver(version: str) -> tuple[object, ...]:
    """Return what orders versions by SemVer 2.0.0, https://semver.org/#spec-item-11."""
    match = SEMVER.fullmatch(version)
    if not match:
        raise ValueError(version)
    numbers = tuple(map(int, match.groups()[:3]))
    if match[4] is None:
        return (*numbers, 1, ())
    parts = match[4].split(".")
    return (*numbers, 0, tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in parts))


def _debian(version: str) -> tuple[object, ...]:
    """Return what orders versions as deb-version(7) has it."""
    match = DEBIAN.fullmatch(version)
    if not match:
        raise ValueError(version)
    return int(match[1] or 0), _pieces(match[2]), _pieces(match[3] or "")


def _pieces(text: str) -> list[tuple[list[int], int]]:
    """Return *text* as pairs of what are no digits, ended by the weight of an end, and a number."""
    pieces = re.findall(r"(\D*)(\d*)", text)  # the last one is empty
    return [([*map(_weight, word), 0], int(digits or 0)) for word, digits in pieces]


def _weight(char: str) -> int:
    """Return where a character sorts: a tilde before the end, letters before all others."""
    return -1 if char == "~" else ord(char) if char.isalpha() else ord(char) + 256
