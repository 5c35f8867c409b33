# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a zip: its directory and its entries must say the same, and lie side by side."""

from __future__ import annotations

import os
import stat
import struct
import zlib
from typing import BinaryIO, Iterable, Iterator, Mapping, NamedTuple, Sequence

from ..formats import _codec
from . import _archive

END = struct.Struct("<4s4H2LH")
END_64 = struct.Struct("<4sQ2H2L4Q")
LOCATOR_64 = struct.Struct("<4sLQL")
CENTRAL = struct.Struct("<4s6H3L5H2L")
LOCAL = struct.Struct("<4s5H3L2H")
LONGEST_COMMENT = 65535
MAX_16, MAX_32 = 0xFFFF, 0xFFFFFFFF
ENCRYPTED, SIZES_BEHIND, UTF_8 = 1 << 0, 1 << 3, 1 << 11
UNDERSTOOD = SIZES_BEHIND | UTF_8 | 0b110  # the latter: how hard deflate tried
STORED, DEFLATED = 0, 8
UNIX = (3, 19)  # and Darwin
DEFAULT_MODE = {False: stat.S_IFREG | 0o644, True: stat.S_IFDIR | 0o755}
LONGEST_TARGET = 4096
EXTRA_64, EXTRA_NAME = 0x0001, 0x7075


class _Entry(NamedTuple):
    """One line of the directory; *raw* is its name as it stands there."""

    path: str
    raw: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int


def read(stream: BinaryIO, caps: _archive.Caps, add: _archive.Add) -> None:
    """Hand each entry of the zip in the binary file *stream* to *add*, as for a tar.

    Raises ArchiveError for whatever is damaged, encrypted, or means different things to programs
    that read the directory and programs that read the entries.
    """
    archive_bytes = os.fstat(stream.fileno()).st_size
    start, end, count = _directory(stream, archive_bytes)
    caps.check_entries(count)
    stream.seek(start)
    entries = [_central(stream, end) for _number in range(count)]
    if stream.tell() != end:
        raise _archive.ArchiveError("the zip's directory is not as long as it says")
    caps.check_size(sum(entry.size for entry in entries))
    entries.sort(key=lambda entry: entry.offset)
    stream.seek(0)
    for entry in entries:
        # Each begins where the one before ends: none overlaps another, none is hidden.
        if entry.offset != stream.tell():
            raise _archive.ArchiveError("%r does not lie behind the entry before it" % entry.path)
        _read_entry(stream, entry, start, add)
    if stream.tell() != start:
        raise _archive.ArchiveError("the zip has bytes that belong to no entry")


def _directory(stream: BinaryIO, archive_bytes: int) -> tuple[int, int, int]:
    """Return where the zip's directory starts and ends, and how many entries it has."""
    tail_at = max(0, archive_bytes - END.size - LONGEST_COMMENT)
    stream.seek(tail_at)
    tail = stream.read(END.size + LONGEST_COMMENT)
    ends, at = [], tail.find(b"PK\5\6")
    while at >= 0:
        if len(tail) - at >= END.size:
            fields = END.unpack_from(tail, at)
            if at + END.size + fields[-1] == len(tail):
                ends.append((tail_at + at, fields))
        at = tail.find(b"PK\5\6", at + 1)
    if not ends:
        raise _archive.ArchiveError("the zip has no end: it is cut short, or goes on behind it")
    if len(ends) > 1:
        raise _archive.ArchiveError("the zip has two ends")
    at, (_mark, disk, first_disk, here, count, size, start, _comment) = ends[0]
    if (disk, first_disk) != (0, 0) or here != count:
        raise _archive.ArchiveError("the zip is one part of several")
    if count == MAX_16 or MAX_32 in (size, start) or _has_locator(stream, at):
        at, count, size, start = _directory_64(stream, at, (count, size, start))
    if start + size != at:
        raise _archive.ArchiveError("the zip's directory does not end where its end begins")
    return start, at, count


def _has_locator(stream: BinaryIO, at: int) -> bool:
    if at < LOCATOR_64.size:
        return False
    stream.seek(at - LOCATOR_64.size)
    return stream.read(4) == b"PK\6\7"


def _directory_64(
    stream: BinaryIO, at: int, small: tuple[int, int, int]
) -> tuple[int, int, int, int]:
    if not _has_locator(stream, at) or at < LOCATOR_64.size + END_64.size:
        raise _archive.ArchiveError("the zip is damaged: its end lacks the larger numbers")
    stream.seek(at - LOCATOR_64.size)
    _mark, disk, there, disks = LOCATOR_64.unpack(_exactly(stream, LOCATOR_64.size))
    stream.seek(at - LOCATOR_64.size - END_64.size)
    fields = END_64.unpack(_exactly(stream, END_64.size))
    at -= LOCATOR_64.size + END_64.size
    here, count, size, start = fields[6:]
    whole = fields[0] == b"PK\6\6" and fields[1] == END_64.size - 12 and there == at
    if not whole or disk or disks > 1 or fields[4] or fields[5] or here != count:
        raise _archive.ArchiveError("the zip is damaged: its end has odd larger numbers")
    for number, large, most in zip(small, (count, size, start), (MAX_16, MAX_32, MAX_32)):
        if number not in (most, large):
            raise _archive.ArchiveError("the zip's end says two different things")
    return at, count, size, start


def _central(stream: BinaryIO, end: int) -> _Entry:
    """Return the _Entry that is next in the directory, which ends at *end*."""
    fields = CENTRAL.unpack(_exactly(stream, CENTRAL.size))
    mark, made_by, _needs, flags, method, _time, _date, crc, packed, size = fields[:10]
    name_bytes, extra_bytes, comment_bytes, disk, _inner, attributes, offset = fields[10:]
    raw, more = _exactly(stream, name_bytes), _exactly(stream, extra_bytes)
    _exactly(stream, comment_bytes)
    if mark != b"PK\1\2" or disk or stream.tell() > end:
        raise _archive.ArchiveError("the zip's directory is damaged")
    extra = _extra(more)
    path = _name(raw, flags, extra)
    if flags & ENCRYPTED:
        raise _archive.ArchiveError("%r is encrypted" % path)
    if flags & ~UNDERSTOOD:
        raise _archive.ArchiveError("%r needs what is not known here (flags %04x)" % (path, flags))
    if method not in (STORED, DEFLATED):
        raise _archive.ArchiveError("%r is compressed by method %d, not deflate" % (path, method))
    size, packed, offset = _larger(extra, (size, packed, offset), path)
    mode = _mode(path, made_by >> 8, attributes >> 16)
    return _Entry(path, raw, flags, method, crc, packed, size, offset, mode)


def _mode(path: str, system: int, mode: int) -> int:
    """Return an entry's mode with its type; what was not made on Unix has that of a plain file."""
    is_directory = path.endswith("/")
    if system not in UNIX or not mode:
        return DEFAULT_MODE[is_directory]
    if not stat.S_IFMT(mode):
        mode |= stat.S_IFMT(DEFAULT_MODE[is_directory])
    if stat.S_ISDIR(mode) != is_directory:
        raise _archive.ArchiveError("%r is a directory by its name or its mode, not by both" % path)
    return mode


def _name(raw: bytes, flags: int, extra: Mapping[int, bytes]) -> str:
    path = raw.decode("utf-8", "surrogateescape")
    if b"\\" in raw:
        raise _archive.ArchiveError("%r has a backslash in its name" % path)
    if not flags & UTF_8 and any(byte > 127 for byte in raw):
        # Info-ZIP says so in a field of its own: version 1, a checksum, and the name in UTF-8
        if extra.get(EXTRA_NAME) != b"\1" + struct.pack("<L", zlib.crc32(raw)) + raw:
            raise _archive.ArchiveError("%r has a name that is not marked as UTF-8" % path)
    return path


def _extra(data: bytes) -> dict[int, bytes]:
    """Return {id: bytes} of an extra field; what is read here may stand there only once."""
    fields: dict[int, bytes] = {}
    while len(data) >= 4:
        number, size = struct.unpack_from("<2H", data)
        if number in fields and number in (EXTRA_64, EXTRA_NAME):
            raise _archive.ArchiveError("the zip is damaged: an extra field stands twice")
        fields[number], data = data[4 : 4 + size], data[4 + size :]
    return fields


def _larger(extra: Mapping[int, bytes], small: Sequence[int], path: str) -> list[int]:
    """Return the numbers *small*, where at their limit those of ZIP64's field instead."""
    data, numbers = extra.get(EXTRA_64, b""), []
    for number in small:
        if number == MAX_32:
            if len(data) < 8:
                raise _archive.ArchiveError("%r lacks its larger numbers" % path)
            number, data = struct.unpack_from("<Q", data)[0], data[8:]
        numbers.append(number)
    return numbers


def _read_entry(stream: BinaryIO, entry: _Entry, end: int, add: _archive.Add) -> None:
    """Read the entry where *stream* is, and hand it to *add*; nothing may go beyond *end*."""
    fields = LOCAL.unpack(_exactly(stream, LOCAL.size))
    mark, _needs, flags, method, _time, _date, crc, packed, size, name_bytes, extra_bytes = fields
    raw, extra = _exactly(stream, name_bytes), _extra(_exactly(stream, extra_bytes))
    known = (entry.crc, entry.size, entry.packed)
    size, packed = _larger(extra, (size, packed), entry.path)
    here = (crc, size, packed)
    same = (mark, flags, method, raw) == (b"PK\3\4", entry.flags, entry.method, entry.raw)
    if not (same and (here == known or (flags & SIZES_BEHIND and here == (0, 0, 0)))):
        raise _archive.ArchiveError("the zip's directory says other things of %r" % entry.path)
    if stream.tell() + entry.packed > end:
        raise _archive.ArchiveError("%r is cut short" % entry.path)
    chunks: Iterable[bytes] = _inflated(stream, entry)
    target = ""
    if stat.S_ISLNK(entry.mode):
        if entry.size > LONGEST_TARGET:
            raise _archive.ArchiveError("link %r has a target that is too long" % entry.path)
        target, chunks = b"".join(chunks).decode("utf-8", "surrogateescape"), ()
    elif not stat.S_ISREG(entry.mode) and entry.size:
        raise _archive.ArchiveError("%r has content, and is no file" % entry.path)
    add(_archive.Member(entry.path, entry.mode, target), chunks)
    for _chunk in chunks:
        pass  # what was not wanted still has to be whole
    if flags & SIZES_BEHIND:
        _read_descriptor(stream, entry, EXTRA_64 in extra)


def _read_descriptor(stream: BinaryIO, entry: _Entry, large: bool) -> None:
    """Read the checksum and sizes behind an entry's content, with a mark or without."""
    values = (entry.crc, entry.packed, entry.size)
    # Some programs take eight bytes for each size only when they must, some when they may.
    for form in ("<L2Q", "<3L") if large or max(values) > MAX_32 else ("<3L", "<L2Q"):
        if max(values) > MAX_32 and form == "<3L":
            continue
        wanted, at = struct.pack(form, *values), stream.tell()
        for mark in (b"PK\7\x08", b""):
            if stream.read(len(mark) + len(wanted)) == mark + wanted:
                return
            stream.seek(at)
    raise _archive.ArchiveError("the sizes behind %r are not those of it" % entry.path)


def _inflated(stream: BinaryIO, entry: _Entry) -> Iterator[bytes]:
    """Yield the content of *entry*; raise ArchiveError unless it is just as long as was said."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS) if entry.method == DEFLATED else None
    crc, size, left, pending = 0, 0, entry.packed, b""
    try:
        while left or pending or (inflater and not inflater.eof):
            data = pending or stream.read(min(left, _codec.CHUNK_BYTES))
            left -= 0 if pending else len(data)
            if inflater:
                chunk = inflater.decompress(data, _codec.CHUNK_BYTES)
                pending = inflater.unconsumed_tail
                if inflater.eof and (inflater.unused_data or left):
                    raise _archive.ArchiveError("%r has bytes behind its end" % entry.path)
            else:
                chunk = data
            if not data and not chunk:
                raise _archive.ArchiveError("%r is cut short" % entry.path)
            crc, size = zlib.crc32(chunk, crc), size + len(chunk)
            if size > entry.size:
                break
            yield chunk
    except zlib.error:
        raise _archive.ArchiveError("%r is damaged" % entry.path) from None
    if (crc, size) != (entry.crc, entry.size):
        raise _archive.ArchiveError("%r is not as its checksum and size say" % entry.path)


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise _archive.ArchiveError("the zip is cut short")
    return data
