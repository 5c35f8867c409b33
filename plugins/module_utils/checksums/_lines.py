# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checksum files as GNU coreutils write and read them: names, digests, and how both are spelled."""

from __future__ import annotations

import re
from typing import Mapping, Match, Sequence

from ..errors._release_error import ReleaseError
from ..files import _paths

# By the name of an algorithm, as ``hashlib`` has it: how many hex digits its digest has.
DIGITS = {"sha256": 64, "sha512": 128}
ALGORITHMS = {digits: algorithm for algorithm, digits in DIGITS.items()}
TAGS = {b"SHA256": "sha256", b"SHA512": "sha512"}
# A leading backslash: the name has escapes. Then two spaces, or a space and the binary mark.
GNU = re.compile(rb"([0-9A-Fa-f]+) [ *](.+)\Z", re.DOTALL)
BSD = re.compile(rb"([A-Za-z0-9/-]+) \((.+)\) = ([0-9A-Fa-f]+)\Z", re.DOTALL)
ESCAPED = re.compile(rb"\\(.?)", re.DOTALL)
ESCAPES = {b"\\": b"\\", b"n": b"\n", b"r": b"\r"}
ESCAPE = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}
ODD = re.compile("[\\\\\n\r]")
MOST_SHOWN = 5  # how many names a message has
LONGEST_SHOWN = 80  # how many characters of each


class ChecksumError(ReleaseError):
    """A checksum file, or a tree that it is about, is not as it must be; one line says why."""

    code = "checksum_mismatch"


def parse(data: bytes) -> tuple[dict[str, str], bool]:
    """Return ({name: hex digest}, whether lines end in CR LF) of the checksum file *data*.

    Names are relative, parted by single slashes; bytes that are not UTF-8 are surrogates. A digest
    tells its algorithm by its length. As for ``sha256sum -c``, lines that begin with ``#`` are
    comments. Raises ChecksumError with the number of the line for all that is not plain.
    """
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    is_crlf = bool(lines) and all(line.endswith(b"\r") for line in lines)
    listed: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if is_crlf:
            line = line[:-1]
        elif line.endswith(b"\r"):
            raise ChecksumError("line %d ends in CR LF, and others do not" % number)
        if line.startswith(b"#") or not line.strip():
            continue
        try:
            name, digest = _parse_line(line)
        except ChecksumError as error:
            raise ChecksumError("line %d %s" % (number, error)) from None
        if listed.setdefault(name, digest) != digest:
            raise ChecksumError("line %d lists %s again, otherwise" % (number, shown(name)))
    if not listed:
        raise ChecksumError("it is empty" if not data else "it lists nothing")
    return listed, is_crlf


def render(digests: Mapping[str, str], escapes: bool = True) -> bytes:
    """Return the checksum file of ``{name: hex digest}``, sorted by the bytes of the names.

    Without *escapes*, for a reader that knows none, ChecksumError names what cannot be written so.
    """
    lines = []
    for name in sorted(digests, key=_paths.to_os):
        mark, spelled = "", name
        if not escapes:
            _check_plain(name)
        elif ODD.search(name):
            mark, spelled = "\\", ODD.sub(lambda odd: ESCAPE[odd.group()], name)
        lines.append("%s%s  %s\n" % (mark, digests[name], spelled))
    return _paths.to_os("".join(lines))


def algorithm_of(digest: str | bytes) -> str | None:
    """Return the algorithm of a hex digest, which its length tells; None when there is none."""
    return ALGORITHMS.get(len(digest))


def shown(name: str) -> str:
    """Return *name* in quotes, fit for a message: on one line, of bounded length, printable."""
    text = spell(name)
    if len(text) > LONGEST_SHOWN:
        text = text[: LONGEST_SHOWN - 1] + "…"
    return "'%s'" % "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def spell(name: str) -> str:
    """Return *name* as text that can be sent; bytes that are not UTF-8 as ``\\xe4``."""
    return _paths.to_os(name).decode("utf-8", "backslashreplace")


def some(names: Sequence[str]) -> str:
    """Return the first few of *names*, fit for a message, and how many there are more."""
    more = len(names) - MOST_SHOWN
    text = ", ".join(shown(name) for name in names[:MOST_SHOWN])
    return text + (" and %d more" % more if more > 0 else "")


def check_name(name: str) -> str:
    """Return *name* without empty and ``.`` parts; ChecksumError unless it is below its tree."""
    if name.startswith("/"):
        raise ChecksumError("has the absolute name %s" % shown(name))
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ChecksumError("has %s, which may leave the tree" % shown(name))
    if not parts or name.endswith("/"):
        raise ChecksumError("has %s, which names no file" % shown(name))
    return "/".join(parts)


def _parse_line(line: bytes) -> tuple[str, str]:
    is_escaped = line.startswith(b"\\")
    rest = line[is_escaped:]
    gnu, bsd = GNU.match(rest), BSD.match(rest)
    if gnu:
        digest, name = gnu.groups()
        algorithm = algorithm_of(digest)
    elif bsd:
        tag, name, digest = bsd.groups()
        algorithm = TAGS.get(tag)
        if not algorithm:
            raise ChecksumError("is of %s, which is neither SHA256 nor SHA512" % tag.decode())
    else:
        raise ChecksumError("is not a checksum and a name")
    if not algorithm or len(digest) != DIGITS[algorithm]:
        raise ChecksumError(
            "has a digest of %d hex digits; SHA-256 has 64, SHA-512 has 128" % len(digest)
        )
    if is_escaped:
        name = ESCAPED.sub(_unescape, name)
    if b"\0" in name:
        raise ChecksumError("has a name with a zero byte in it")
    return check_name(name.decode("utf-8", "surrogateescape")), digest.decode().lower()


def _unescape(match: Match[bytes]) -> bytes:
    try:
        return ESCAPES[match.group(1)]
    except KeyError:
        raise ChecksumError("has an escape in its name that is none") from None


def _check_plain(name: str) -> None:
    if name.splitlines() != [name] or name != spell(name):
        raise ChecksumError("%s cannot be written without escapes" % shown(name))
