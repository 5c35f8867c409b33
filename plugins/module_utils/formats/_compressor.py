# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compressing packs and layers, with what a machine has."""

from __future__ import annotations

import contextlib
import subprocess
import zlib
from types import ModuleType
from typing import BinaryIO, Iterator, Protocol

from . import _codec

ZSTD_LEVEL = 3
GZIP_LEVEL = 6


class Compressor(Protocol):
    """What compresses a stream, as ``zlib`` and both libraries for zstd have it."""

    def compress(self, data: bytes, /) -> bytes:
        """Return what there is so far of *data*, compressed."""

    def flush(self) -> bytes:
        """Return the rest, and end the stream."""


@contextlib.contextmanager
def writer(codec: str, stream: BinaryIO) -> Iterator[_codec.WriteBytes]:
    """Give a ``write(bytes)`` that compresses into the binary file *stream*.

    All is written when the context is left.
    """
    module = _codec.zstd_module() if codec == "zstd" else None
    if codec == "zstd" and module is None:
        stream.flush()
        argv = ["zstd", "-q", "-%d" % ZSTD_LEVEL, "-c"]
        # pylint: disable-next=contextmanager-generator-missing-cleanup # contextlib does it
        with _codec.piped(argv, stdin=subprocess.PIPE, stdout=stream) as process:
            if process.stdin is None:
                raise AssertionError
            yield process.stdin.write
            process.stdin.close()
        return
    compressor: Compressor
    if module is not None:
        compressor = _zstd_compressor(module)
    else:
        compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _codec.GZIP_WINDOW)
    gathered = _Gathered(lambda data: stream.write(compressor.compress(data)))
    yield gathered.write
    gathered.flush()
    stream.write(compressor.flush())


class _Gathered:
    """Hands on what is written in larger pieces."""

    def __init__(self, write_bytes: _codec.WriteBytes) -> None:
        self._write_bytes = write_bytes
        self._pieces: list[bytes] = []
        self._left = _codec.CHUNK_BYTES

    def write(self, data: bytes) -> None:
        self._pieces.append(data)
        self._left -= len(data)
        if self._left <= 0:
            self.flush()

    def flush(self) -> None:
        self._write_bytes(b"".join(self._pieces))
        self._pieces, self._left = [], _codec.CHUNK_BYTES


def _zstd_compressor(module: ModuleType) -> Compressor:
    if _codec.is_package(module):
        # One worker: it compresses while this thread reads and hashes what comes next.
        return module.ZstdCompressor(level=ZSTD_LEVEL, threads=1).compressobj()
    return module.ZstdCompressor(level=ZSTD_LEVEL)
