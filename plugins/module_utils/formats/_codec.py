# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Codecs: how packs and layers are compressed, and reading them with what a machine has."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import shutil
import subprocess
import zlib
from types import ModuleType
from typing import Any, BinaryIO, Callable, Iterator, Protocol

from ..errors._release_error import ReleaseError

CHUNK_BYTES = 256 * 1024
GZIP_WINDOW = 31  # zlib's number for the largest window in gzip's frame
F_SETPIPE_SZ = 1031  # <linux/fcntl.h>; Python knows it since 3.10
PIPE_BYTES = 1024 * 1024  # what users may have; in 64 KB the two ends wait for each other often
ReadBytes = Callable[[int], bytes]  # as many as asked for, fewer only at the end
WriteBytes = Callable[[bytes], object]


class Decompressor(Protocol):
    """What decompresses one member or frame, as ``bz2``, ``lzma`` and the 3.14 ``zstd`` have it."""

    @property
    def eof(self) -> bool:
        """Whether the member has ended."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing comes out without more input."""

    @property
    def unused_data(self) -> bytes:
        """The bytes behind the end of the member."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most *max_length* bytes of what *data* continues."""


class CodecError(ReleaseError):
    """Compressed bytes are damaged, or nothing here can read them."""

    code = "invalid_compression"


def readable() -> list[str]:
    """Return the names of the codecs that this machine reads, best first."""
    return ["zstd", "gzip"] if zstd_module() or shutil.which("zstd") else ["gzip"]


@contextlib.contextmanager
def reader(codec: str, stream: BinaryIO) -> Iterator[ReadBytes]:
    """Give a ``read(count)`` over what was compressed into the binary file *stream*.

    It returns *count* bytes, fewer only at the end. Memory stays flat whatever the stream holds.
    Raises CodecError for streams that are damaged or cut.
    """
    module = zstd_module()
    if codec == "zstd" and module is None:
        if not shutil.which("zstd"):
            raise CodecError("nothing here reads zstd: install the zstd program")
        # The child shares the file's real offset, which lies behind what Python has read ahead.
        os.lseek(stream.fileno(), stream.tell(), os.SEEK_SET)
        argv = ["zstd", "-q", "-d", "-c"]
        # pylint: disable-next=contextmanager-generator-missing-cleanup # contextlib does it
        with piped(argv, stdin=stream, stdout=subprocess.PIPE) as process:
            if process.stdout is None:
                raise AssertionError
            yield process.stdout.read
    elif codec in ("zstd", "gzip"):
        yield _buffered(_Inflater(stream, decompressor(codec)))
    else:
        raise CodecError("compressed with %r, which is not known here" % (codec,))


@contextlib.contextmanager
def piped(argv: list[str], **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run the compressor *argv* as a child and end it, whatever happens, before leaving."""
    options = {"stderr": subprocess.PIPE, "bufsize": CHUNK_BYTES, **streams}
    with subprocess.Popen(argv, **options) as process:
        with contextlib.suppress(OSError):  # the most of a user who has many pipes is less
            pipe = process.stdout or process.stdin
            if pipe is None:
                raise AssertionError
            fcntl.fcntl(pipe, F_SETPIPE_SZ, PIPE_BYTES)
        try:
            yield process
            if process.stdout and process.stdout.read(1):
                raise CodecError("there are bytes behind the end of what was expected")
            if process.stderr is None:
                raise AssertionError
            message = process.stderr.read().decode("utf-8", "replace").strip()
            if process.wait():
                raise CodecError("the compressed stream is damaged: %s" % message)
        except BaseException:
            process.kill()
            raise


def zstd_module() -> ModuleType | None:
    """Return the standard library's zstd (3.14), else the ``zstandard`` package, else None."""
    try:
        from compression import zstd

        return zstd
    except ImportError:
        pass
    try:
        import zstandard

        return zstandard
    except ImportError:
        return None


def is_package(module: ModuleType) -> bool:
    """Tell whether *module* is the ``zstandard`` package: its interface is not the library's."""
    return hasattr(module, "ZstdCompressionParameters")


def _buffered(inflater: io.RawIOBase) -> ReadBytes:
    """Return ``read(count)``: most are of a few kilobytes, and need not come here one by one."""
    return io.BufferedReader(inflater, CHUNK_BYTES).read


class _Inflater(io.RawIOBase):
    """Reads a compressed stream in bounded steps."""

    def __init__(self, stream: BinaryIO, decompressor: Decompressor) -> None:
        super().__init__()
        self._stream = stream
        self._decompressor = decompressor
        self._pending = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._pending:
            if self._decompressor.eof:
                if self._decompressor.unused_data or self._stream.read(1):
                    raise CodecError("there are bytes behind the end of the compressed stream")
                return 0
            data = b""
            if self._decompressor.needs_input:
                data = self._stream.read(CHUNK_BYTES)
                if not data:
                    raise CodecError("the compressed stream is cut short")
            try:
                self._pending = memoryview(self._decompressor.decompress(data, len(buffer)))
            except Exception as error:  # each library has an error class of its own
                raise CodecError("the compressed stream is damaged: %s" % error) from None
        count = min(len(buffer), len(self._pending))
        buffer[:count] = self._pending[:count]
        self._pending = self._pending[count:]
        return count


class _Gzip:
    """zlib's decompressor in the shape of the standard library's for zstd."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(GZIP_WINDOW)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


class _ZstandardPackage:
    """The ``zstandard`` package's decompressor in the same shape.

    It knows no bound on what comes out, so it is given little at a time: four bytes can stand for
    a block of 128 KB, so at most 16 MB come out of a piece.
    """

    PIECE_BYTES = 512

    def __init__(self, module: ModuleType) -> None:
        self._inner = module.ZstdDecompressor().decompressobj()
        self._pending = memoryview(b"")

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._pending

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data + bytes(self._pending)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        del max_length
        pending = self._pending if self._pending else memoryview(data)
        piece, self._pending = pending[: self.PIECE_BYTES], pending[self.PIECE_BYTES :]
        return self._inner.decompress(piece)


def decompressor(codec: str) -> Decompressor:
    """Return what decompresses one gzip member, or one zstd frame where a module can."""
    if codec == "gzip":
        return _Gzip()
    module = zstd_module()
    if module is None:
        raise AssertionError
    return _ZstandardPackage(module) if is_package(module) else module.ZstdDecompressor()
