# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of others in a tree, recognised by the files that their installers leave there.

What the files say is data of others: what is odd in one tells nothing, or is cut, and is never an
error. How much of each is read is bounded, and one is held at a time.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from ...module_utils.release._manifest import Entry
from . import _package_files
from ._package_files import Package

Take = Callable[[bytes], object]  # takes the bytes of a file, chunk by chunk
Sink = Callable[[Entry], Take | None]

MOST_PACKAGES = 50_000
PYTHON = re.compile(
    r"(?:.*/)?(?:[^/]+\.dist-info/METADATA|[^/]+\.egg-info(?:/PKG-INFO)?|EGG-INFO/PKG-INFO)"
)
NPM_FOLDER = re.compile(r"(?:.*/)?node_modules/((?:@[^/@]+/)?[^/@.][^/]*)")
DEBIAN = re.compile(r"var/lib/dpkg/(?:status|status\.d/[^/]+)")
COPYRIGHT = re.compile(r"usr/share/doc/([^/]+)/copyright")
OS_RELEASE = ("etc/os-release", "usr/lib/os-release")


class Found(NamedTuple):
    """The Packages in a tree, sorted, each once for each place; and whether those are all."""

    packages: tuple[Package, ...]
    is_complete: bool = True


class _Reader(NamedTuple):
    """How a file is read: of it no more than *limit* bytes, or, if *is_whole*, all or nothing.

    ``recognise(path, data)`` returns what it tells; *data* is None where the file is too large.
    """

    limit: int
    is_whole: bool
    recognise: Callable[[str, bytes | None], Any]


READERS = {
    "python": _Reader(256 * 1024, False, _package_files.python),
    "wheel": _Reader(16 * 1024 * 1024, True, _package_files.wheel),
    "npm": _Reader(1024 * 1024, True, _package_files.npm),
    "debian": _Reader(16 * 1024 * 1024, True, _package_files.debian),
    "archive": _Reader(0, True, _package_files.debian_archive),
    "copyright": _Reader(256 * 1024, False, _package_files.copyright_of),
    "system": _Reader(64 * 1024, False, _package_files.system),
}


def telling(entries: Collection[Entry]) -> list[Entry]:
    """Return those of *entries* of which ``find`` reads what is Found."""
    wanted = _wanted(entries)
    return [entry for entry in entries if entry.path in wanted] if wanted else []


def find(entries: Collection[Entry], stream: Callable[[Sink], object]) -> Found:
    """Return what is Found in a tree of *entries*.

    ``stream(sink)`` reads the files as ``_layer.read`` does: once, one after another, each handed
    to ``sink(entry)``, which returns what takes its bytes, or None. It is not called if no file
    is of interest.
    """
    wanted = _wanted(entries)
    found: dict[tuple[object, ...], Package] = {}
    licences: dict[str, tuple[str, ...]] = {}
    systems: list[str] = []

    def note(kind: str, told: Any) -> None:
        if kind == "system":
            systems.extend(told)
        elif kind == "copyright":
            licences.update(told)
        else:
            for package in told:
                if len(found) <= MOST_PACKAGES:
                    found.setdefault(package[:-1], package)

    def sink(entry: Entry) -> Take | None:
        kind = wanted.get(entry.path)
        return _collector(entry, READERS[kind], lambda told: note(kind, told)) if kind else None

    if wanted:
        stream(sink)
    is_complete = len(found) <= MOST_PACKAGES
    packages = list(found.values())[:MOST_PACKAGES]
    named = [_debianised(package, licences, systems) for package in packages]
    return Found(tuple(sorted(named)), is_complete)


def debian(name: str, version: str) -> Package:
    """Return the Package that a component is that was made from Debian's of that name."""
    return Package("deb", name, version, "", "", "debian", ())


def _wanted(entries: Collection[Entry]) -> dict[str, str]:
    """Return ``{path: name of a reader}`` of the files that are to be read."""
    wanted: dict[str, str] = {}
    files = {entry.path for entry in entries if entry.type == "file"}
    has_packages = False
    for path in files:
        if path.endswith(".whl"):
            wanted[path] = "wheel"
        elif path.endswith(".deb"):
            wanted[path] = "archive"
        elif PYTHON.fullmatch(path):
            wanted[path] = "python"
        elif DEBIAN.fullmatch(path):
            wanted[path] = "debian"
            has_packages = True
        elif path.endswith("/package.json") and NPM_FOLDER.fullmatch(posixpath.dirname(path)):
            wanted[path] = "npm"
    for entry in entries:  # npm links to the packages of a project's own
        if entry.type == "symlink" and NPM_FOLDER.fullmatch(entry.path):
            folder = posixpath.join(posixpath.dirname(entry.path), entry.target)
            path = posixpath.normpath(posixpath.join(folder, "package.json"))
            if path in files:
                wanted[path] = "npm"
    if has_packages:
        wanted.update((path, "copyright") for path in files if COPYRIGHT.fullmatch(path))
        wanted.update((path, "system") for path in OS_RELEASE if path in files)
    return wanted


def _collector(entry: Entry, reader: _Reader, note: Callable[[Any], None]) -> Take | None:
    """Return what takes the bytes of a file, and at its end notes what they tell."""
    is_too_large = entry.size > reader.limit
    if (is_too_large and reader.is_whole) or not entry.size:
        note(reader.recognise(entry.path, None if is_too_large else b""))
        return None
    parts: list[bytes] = []
    left = [entry.size]

    def take(chunk: bytes) -> None:
        room = reader.limit - (entry.size - left[0])
        left[0] -= len(chunk)
        if room > 0:
            parts.append(bytes(chunk[:room]))
        if not left[0]:
            note(reader.recognise(entry.path, b"".join(parts)))

    return take


def _debianised(
    package: Package, licences: Mapping[str, tuple[str, ...]], systems: list[str]
) -> Package:
    """Return a Package; one of Debian with the system that it is of, and its licences."""
    if package.system != "deb":
        return package
    told = licences.get(package.name, ())
    return package._replace(
        distribution=systems[0] if systems else "debian", licences=package.licences or told
    )
