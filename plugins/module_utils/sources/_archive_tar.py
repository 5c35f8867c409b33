# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a tar, header by header: what two programs could read differently is refused."""

from __future__ import annotations

import stat
from typing import Any, Iterator

from ..formats import _codec
from ..formats._codec import ReadBytes
from . import _archive

BLOCK_BYTES = 512
LONGEST_EXTENSION = 1024 * 1024  # a PAX header, with extended attributes perhaps
LARGEST_OCTAL = 8**11 - 1
MAGIC = slice(257, 265)
POSIX, GNU, OLD = b"ustar\x0000", b"ustar  \0", bytes(8)
NULLS = bytes(BLOCK_BYTES)
MODES = {
    b"0": stat.S_IFREG,
    b"\0": stat.S_IFREG,
    b"7": stat.S_IFREG,
    b"1": stat.S_IFREG,
    b"2": stat.S_IFLNK,
    b"3": stat.S_IFCHR,
    b"4": stat.S_IFBLK,
    b"5": stat.S_IFDIR,
    b"6": stat.S_IFIFO,
}
WITH_CONTENT = (b"0", b"\0", b"7")
LONG_NAMES = {b"L": "path", b"K": "linkpath"}


def looks_like_tar(block: bytes) -> bool:
    """Tell whether the bytes *block*, the first 512 of a file, are a tar's header, or its end."""
    return len(block) == BLOCK_BYTES and (block == NULLS or _is_header(block))


def read(read_bytes: ReadBytes, add: _archive.Add) -> None:
    """Hand each entry of the tar to *add*, as a Member with the chunks of its content.

    Raises ArchiveError for whatever is damaged, cut, or means different things to different
    programs.
    """
    meant: dict[str, Any] = {}  # what extension headers say of the next entry
    while True:
        block = _exactly(read_bytes, BLOCK_BYTES)
        if block == NULLS:
            break
        if not _is_header(block):
            raise _archive.ArchiveError("the tar is damaged: a header is not one")
        kind, size = block[156:157], _number(block[124:136])
        if kind in b"xgLK":
            _extend(meant, kind, _extension(read_bytes, size))
            continue
        member, size = _member(block, kind, size, meant)
        add(member, _content(read_bytes, size))
        meant = {}
    if meant:
        raise _archive.ArchiveError("the tar ends where an entry should follow")
    _read_end(read_bytes)


def _read_end(read_bytes: ReadBytes) -> None:
    if _exactly(read_bytes, BLOCK_BYTES) != NULLS:
        raise _archive.ArchiveError("the tar has only one of two empty blocks at its end")
    while True:
        rest = read_bytes(_codec.CHUNK_BYTES)
        if not rest:
            return
        if rest.count(0) != len(rest):
            raise _archive.ArchiveError("the tar goes on behind its end")


def _member(
    block: bytes, kind: bytes, size: int, meant: dict[str, Any]
) -> tuple[_archive.Member, int]:
    """Return (the Member in a header, its size), with what extensions say of it."""
    name, target = _text(block[:100]), _text(block[157:257])
    if block[MAGIC] == POSIX and block[345]:
        name = _text(block[345:500]) + "/" + name
    name, target = meant.get("path", name), meant.get("linkpath", target)
    if "size" in meant:
        if size not in (0, meant["size"]) and meant["size"] <= LARGEST_OCTAL:
            raise _archive.ArchiveError("%r has two sizes" % name)
        size = meant["size"]
    if kind == b"S" or "sparse" in meant:
        raise _archive.ArchiveError("%r is stored as a sparse file: pack it without" % name)
    if kind not in MODES:
        raise _archive.ArchiveError("%r is of the unknown type %a" % (name, kind.decode("latin-1")))
    if size and kind not in WITH_CONTENT:
        raise _archive.ArchiveError("%r has content, and is no file" % name)
    type_ = MODES[kind]
    if kind == b"\0" and name.endswith("/"):
        type_ = stat.S_IFDIR  # as before 1988
        if size:
            raise _archive.ArchiveError("%r has content, and is no file" % name)
    mode = type_ | _number(block[100:108]) & 0o7777
    hard = kind == b"1"
    return _archive.Member(name, mode, target if hard or kind == b"2" else "", hard), size


def _content(read_bytes: ReadBytes, size: int) -> Iterator[bytes]:
    left = size
    while left:
        chunk = read_bytes(min(left, _codec.CHUNK_BYTES))
        if not chunk:
            raise _archive.ArchiveError("the tar is cut short")
        left -= len(chunk)
        yield chunk
    _exactly(read_bytes, -size % BLOCK_BYTES)


def _extension(read_bytes: ReadBytes, size: int) -> bytes:
    if size > LONGEST_EXTENSION:
        raise _archive.ArchiveError("a header of the tar takes %d bytes" % size)
    return b"".join(_content(read_bytes, size))


def _extend(meant: dict[str, Any], kind: bytes, data: bytes) -> None:
    """Add to *meant* what the extension header *data* says; nothing may be said twice."""
    if kind in LONG_NAMES:
        said: dict[str, Any] = {LONG_NAMES[kind]: _text(data)}
    else:
        said = _records(data)
    if kind == b"g" and said:
        raise _archive.ArchiveError("the tar gives all its entries the same %s" % min(said))
    twice = set(said) & set(meant)
    if twice:
        raise _archive.ArchiveError("the tar gives an entry two of %s" % min(twice))
    meant.update(said)


def _records(data: bytes) -> dict[str, Any]:
    """Return what the PAX records *data* say of path, linkpath and size, and whether sparse."""
    said: dict[str, Any] = {}
    while data:
        number, space, _rest = data[:20].partition(b" ")
        length = int(number) if number.isdigit() and len(number) < 8 else 0
        record, data = data[len(number) + 1 : length], data[length:]
        key, equals, value = record.partition(b"=")
        if not (space and equals and record.endswith(b"\n")):
            raise _archive.ArchiveError("the tar is damaged: a PAX header is malformed")
        value = value[:-1]
        if key.startswith(b"GNU.sparse."):
            said["sparse"] = True
        if key not in (b"path", b"linkpath", b"size"):
            continue
        name = key.decode("ascii")
        if name in said or not value:
            raise _archive.ArchiveError("the tar gives an entry two of %s, or an empty one" % name)
        said[name] = _decimal(value) if name == "size" else value.decode("utf-8", "surrogateescape")
    return said


def _is_header(block: bytes) -> bool:
    if block[MAGIC] not in (POSIX, GNU, OLD):
        return False
    try:
        return _number(block[148:156]) == sum(block) - sum(block[148:156]) + 8 * ord(" ")
    except _archive.ArchiveError:
        return False


def _number(field: bytes) -> int:
    """Return the number in a header's field: octal, or binary with its first bit set."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.lstrip(b" ").partition(b"\0")[0].rstrip(b" ")
    if (digits and not digits.isdigit()) or b"8" in digits or b"9" in digits:
        raise _archive.ArchiveError("the tar is damaged: %a is no octal number" % bytes(field))
    return int(digits or b"0", 8)


def _decimal(value: bytes) -> int:
    if not value.isdigit() or len(value) > 19:
        raise _archive.ArchiveError("the tar is damaged: %a is no size" % value[:40])
    return int(value)


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _exactly(read_bytes: ReadBytes, count: int) -> bytes:
    data = read_bytes(count)
    if len(data) != count:
        raise _archive.ArchiveError("the tar is cut short")
    return data
