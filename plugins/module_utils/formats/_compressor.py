# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compressing packs and layers, with what a machine has."""

from __future__ import annotations

import contextlib
import subprocess
import zlib

from . import _codec

ZSTD_LEVEL = 3
GZIP_LEVEL = 6


@contextlib.contextmanager
def writer(codec, stream):
    """Give a ``write(bytes)`` that compresses into the binary file *stream*.

    All is written when the context is left.
    """
    if codec == "zstd" and _codec.zstd_module() is None:
        stream.flush()
        argv = ["zstd", "-q", "-%d" % ZSTD_LEVEL, "-c"]
        # pylint: disable-next=contextmanager-generator-missing-cleanup # contextlib does it
        with _codec.piped(argv, stdin=subprocess.PIPE, stdout=stream) as process:
            yield process.stdin.write
            process.stdin.close()
        return
    if codec == "zstd":
        compressor = _zstd_compressor(_codec.zstd_module())
    else:
        compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _codec.GZIP_WINDOW)
    gathered = _Gathered(lambda data: stream.write(compressor.compress(data)))
    yield gathered.write
    gathered.flush()
    stream.write(compressor.flush())


class _Gathered:
    """Hands on what is written in larger pieces."""

    def __init__(self, write_bytes):
        self._write_bytes = write_bytes
        self._pieces, self._left = [], _codec.CHUNK_BYTES

    def write(self, data):
        self._pieces.append(data)
        self._left -= len(data)
        if self._left <= 0:
            self.flush()

    def flush(self):
        self._write_bytes(b"".join(self._pieces))
        self._pieces, self._left = [], _codec.CHUNK_BYTES


def _zstd_compressor(module):
    if _codec.is_package(module):
        # One worker: it compresses while this thread reads and hashes what comes next.
        return module.ZstdCompressor(level=ZSTD_LEVEL, threads=1).compressobj()
    return module.ZstdCompressor(level=ZSTD_LEVEL)
