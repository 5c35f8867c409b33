# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files of package managers tell of packages; none is trusted to be as it should be.

Python: ``METADATA`` (packaging.python.org/specifications/core-metadata) and names of wheels. npm:
``package.json`` (docs.npmjs.com/cli/configuring-npm). Debian: ``status`` (deb-control(5)), and
copyright files (www.debian.org/doc/packaging-manuals/copyright-format/1.0).
"""

from __future__ import annotations

import email.parser
import io
import json
import re
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from email.message import Message
from typing import Any, NamedTuple

from ...module_utils.git import _commits

LONGEST = 200  # characters of what a file says of itself
MOST_LICENCES = 20
MOST_STANZAS = 20_000
MOST_ZIPPED = 20_000
LARGEST_METADATA = 256 * 1024
GONE = ("not-installed", "config-files")
IN_WHEEL = re.compile(r"[^/]+\.dist-info/METADATA")
WHEEL = re.compile(r"([^-]+)-([^-]+)(?:-\d[^-]*)?-[^-]+-[^-]+-[^-]+\.whl")
ARCHIVE = re.compile(r"([a-z0-9][a-z0-9+.-]+)_([^_]+)_([a-z0-9-]+)\.deb")
ZIP_ENTRY = b"PK\1\2"  # of its directory
# Classifiers that mean one licence (peps.python.org/pep-0639, appendix on mapping). Others, such as
# BSD License, stay words.
SPDX_IDS = {
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
}
# zipfile has no one error for what is wrong with a file.
BAD_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    ArithmeticError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


class Package(NamedTuple):
    """A package of another project; *system* is where it comes from: ``pypi``, ``npm`` or ``deb``.

    *licences* are what it says of its own; *path* is the file that tells; *distribution*, such as
    ``debian`` or ``ubuntu``, is of a ``deb``.
    """

    system: str
    name: str
    version: str
    architecture: str
    path: str
    distribution: str
    licences: tuple[str, ...]


def python(path: str, data: bytes | None) -> list[Package]:
    """Return the Package, in a list, that the METADATA or PKG-INFO *data* tells of."""
    said = _headers(data or b"")
    return _packages("pypi", said.get("Name"), said.get("Version"), path, _python_licence(said))


def wheel(path: str, data: bytes | None) -> list[Package]:
    """Return the Package in a wheel: by its name, and by the METADATA within, if that is read."""
    match = WHEEL.fullmatch(path.rpartition("/")[2])
    if not match:
        return []
    name, version = match[1].replace("_", "-"), match[2].replace("_", "-")
    said = _headers(_metadata_within(data) if data else b"")
    name, version = said.get("Name") or name, said.get("Version") or version
    return _packages("pypi", name, version, path, _python_licence(said))


def npm(path: str, data: bytes | None) -> list[Package]:
    """Return the Package in a folder of ``node_modules`` by its package.json, else by its name."""
    name = re.search(r"(?:^|/)node_modules/((?:@[^/]+/)?[^/]+)/package\.json$", path)
    plain = {}
    try:
        plain = json.loads(data or b"{}")
        plain = plain if isinstance(plain, dict) else {}
    except (ValueError, RecursionError):
        pass
    return _packages(
        "npm",
        _line(plain.get("name")) or (name[1] if name else ""),
        plain.get("version"),
        path,
        _npm_licence(plain),
    )


def debian(path: str, data: bytes | None) -> list[Package]:
    """Return the Packages that dpkg's status tells to be installed."""
    found = []
    for stanza in re.split(rb"\n\s*\n", data or b"", maxsplit=MOST_STANZAS)[:MOST_STANZAS]:
        said = _headers(stanza)
        status = str(said.get("Status", "installed")).split()
        if status and status[-1] not in GONE:
            architecture = said.get("Architecture")
            found += _packages(
                "deb", said.get("Package"), said.get("Version"), path, (), architecture
            )
    return found


def debian_archive(path: str, data: bytes | None) -> list[Package]:
    """Return the Package that the name of a .deb tells, in which an epoch is escaped."""
    del data
    match = ARCHIVE.fullmatch(urllib.parse.unquote(path.rpartition("/")[2], errors="replace"))
    return _packages("deb", match[1], match[2], path, (), match[3]) if match else []


def copyright_of(path: str, data: bytes | None) -> dict[str, tuple[str, ...]]:
    """Return ``{package: licences}`` of a copyright file that machines can read."""
    if not data or not data.lstrip().startswith(b"Format:"):
        return {}
    names = re.findall(rb"^License:[ \t]*(\S.*)$", data, re.MULTILINE)
    told = sorted({_line(name.decode("utf-8", "replace")) for name in names} - {""})
    return {path.split("/")[-2]: tuple(told[:MOST_LICENCES])}


def system(path: str, data: bytes | None) -> list[str]:
    """Return the ID in os-release, in a list, such as ``debian`` or ``ubuntu``."""
    del path
    match = re.search(rb'^ID="?([a-z0-9._-]{1,40})"?$', data or b"", re.MULTILINE)
    return [match[1].decode("ascii")] if match else []


def _python_licence(said: Message) -> tuple[str, ...]:
    told = _line(said.get("License-Expression")) or _line(said.get("License"))
    return (told,) if told and told != "UNKNOWN" else _classified(said)


def _classified(said: Message) -> tuple[str, ...]:
    """Return the licences that Trove classifiers tell, by their SPDX IDs or their names."""
    told = []
    for classifier in said.get_all("Classifier", [])[:1000]:
        parts = [part.strip() for part in str(classifier).split("::")]
        if parts[0] == "License" and len(parts) > 1 and parts[-1] != "OSI Approved":
            told.append(SPDX_IDS.get(parts[-1]) or _line(parts[-1]))
    return tuple(sorted(set(told) - {""})[:MOST_LICENCES])


def _npm_licence(plain: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what ``license`` says, or the list ``licenses`` of packages from before it."""
    told = plain.get("license") or plain.get("licenses")
    told = told if isinstance(told, list) else [told]
    names = [item.get("type") if isinstance(item, dict) else item for item in told[:1000]]
    return tuple(sorted({_line(name) for name in names} - {""})[:MOST_LICENCES])


def _metadata_within(data: bytes) -> bytes:
    """Return the METADATA in the wheel *data*, b"" where there is none or that is odd."""
    try:
        if data.count(ZIP_ENTRY) > MOST_ZIPPED:  # each takes memory, however small it is
            return b""
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for information in archive.infolist():
                is_plain = information.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
                if is_plain and IN_WHEEL.fullmatch(information.filename):
                    with archive.open(information) as stream:
                        return stream.read(LARGEST_METADATA)
    except BAD_ZIP:
        pass
    return b""


def _headers(data: bytes) -> Message:
    """Return the headers at the beginning of *data*."""
    data = data[:LARGEST_METADATA].lstrip(b"\r\n")
    head = re.split(rb"\r?\n\r?\n", data, maxsplit=1)[0]
    text = head.decode("utf-8", "replace")
    return email.parser.Parser().parsestr(text, headersonly=True)


def _packages(
    kind: str,
    name: object,
    version: object,
    path: str,
    licences: Iterable[str],
    architecture: object = "",
) -> list[Package]:
    """Return a Package in a list, or none if it has no name."""
    name = _line(name)
    if not name:
        return []
    return [Package(kind, name, _line(version), _line(architecture), path, "", tuple(licences))]


def _line(value: object) -> str:
    """Return what a file says in a line, or "" where that is no short text."""
    if not isinstance(value, str) or len(value) > 2 * LONGEST:
        return ""
    text = value.encode("utf-8", "replace").decode("utf-8")
    text = _commits.shown(text).strip()
    return text if len(text) <= LONGEST and "\n" not in text else ""
