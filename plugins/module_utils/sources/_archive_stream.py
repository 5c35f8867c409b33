# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which format an archive is in, by its content, and what comes out of its compression."""

from __future__ import annotations

import contextlib
import io
from typing import Any, BinaryIO, Callable, Iterator, Protocol

from ..formats import _codec
from . import _archive, _archive_tar, _archive_zip

MARKS = {
    b"\x1f\x8b\x08": "gzip",
    b"\xfd7zXZ\0": "xz",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\3\4": "zip",
    b"PK\5\6": "zip",  # an empty one
}
PIECE_BYTES = 64 * 1024  # a hostile stream has a new member every few bytes of it
XZ_MEMORY = 128 * 1024 * 1024


class _Readable(Protocol):
    """What bytes are read from."""

    @property
    def read(self) -> _codec.ReadBytes:
        """What returns as many bytes as asked for, or fewer."""


def read(stream: BinaryIO, caps: _archive.Caps, add: _archive.Add) -> None:
    """Hand each entry of the archive in the binary file *stream* to *add*.

    Raises ArchiveError, and CodecError for what cannot be decompressed.
    """
    kind = _recognised(stream)
    if kind == "zip":
        _archive_zip.read(stream, caps, add)
        return
    with _decompressed(kind, stream) as raw:
        counted = io.BufferedReader(_Counted(raw, caps), _codec.CHUNK_BYTES)
        if kind and not _archive_tar.looks_like_tar(counted.peek(512)[:512]):
            raise _archive.ArchiveError("what its %s holds is no tar" % kind)
        _archive_tar.read(counted.read, add)


def _recognised(stream: BinaryIO) -> str | None:
    """Return how *stream* is compressed, "zip", or None for a plain tar."""
    head = stream.read(512)
    stream.seek(0)
    for mark, kind in MARKS.items():
        if head.startswith(mark):
            return kind
    if _archive_tar.looks_like_tar(head):
        return None
    raise _archive.ArchiveError("it is no archive: neither tar, plain or compressed, nor zip")


@contextlib.contextmanager
def _decompressed(kind: str | None, stream: BinaryIO) -> Iterator[_Readable]:
    """Give an object whose ``read(count)`` gives what comes out of *stream*."""
    if kind is None:
        yield stream
    elif kind == "zstd" and _codec.zstd_module() is None:
        # pylint: disable-next=contextmanager-generator-missing-cleanup # contextlib does it
        with _codec.reader("zstd", stream) as read_bytes:
            yield _Reader(read_bytes)
    else:
        yield _Reader(_Members(stream, _decompressor(kind)).read)


def _decompressor(kind: str) -> Callable[[], _codec.Decompressor]:
    """Return a function that makes a decompressor for one member of a stream."""
    try:
        if kind == "xz":
            import lzma

            return lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)
        if kind == "bzip2":
            import bz2

            return bz2.BZ2Decompressor
    except ImportError:
        raise _codec.CodecError("the Python here was built without %s" % kind) from None
    return lambda: _codec.decompressor(kind)


class _Reader:
    """What has only a ``read``."""

    def __init__(self, read_bytes: _codec.ReadBytes) -> None:
        self.read = read_bytes


class _Members:
    """Reads a stream of one or more compressed members, as parallel compressors write them."""

    def __init__(self, stream: BinaryIO, make: Callable[[], _codec.Decompressor]) -> None:
        self._stream, self._make = stream, make
        self._inner, self._fed = make(), b""

    def read(self, count: int) -> bytes:
        """Return some bytes, at most about *count*; none only at the end of the last member."""
        while True:
            if self._inner.eof:
                self._fed = self._inner.unused_data or self._stream.read(PIECE_BYTES)
                if not self._fed:
                    return b""
                self._inner = self._make()
            elif self._inner.needs_input and not self._fed:
                self._fed = self._stream.read(PIECE_BYTES)
                if not self._fed:
                    raise _codec.CodecError("the compressed stream is cut short")
            data, self._fed = self._fed, b""
            try:
                out = self._inner.decompress(data, count)
            except Exception as error:  # each library has an error class of its own
                raise _codec.CodecError("the compressed stream is damaged: %s" % error) from None
            if out:
                return out


class _Counted(io.RawIOBase):
    """What comes out of a compressed stream, while that is not too much."""

    def __init__(self, raw: _Readable, caps: _archive.Caps) -> None:
        super().__init__()
        self._raw, self._caps = raw, caps
        self._size, self._pending = 0, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._pending:
            data = self._raw.read(len(buffer))
            self._size += len(data)
            self._caps.check_size(self._size)
            self._pending = memoryview(data)
        count = min(len(buffer), len(self._pending))
        buffer[:count] = self._pending[:count]
        self._pending = self._pending[count:]
        return count
