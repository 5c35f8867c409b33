# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers: a component's entries as one deterministic tar, which any tool can unpack.

The manifest alone decides every byte that is not a file's content. So a layer is never parsed:
it is compared with what the manifest says, and anything else is refused.
"""

from __future__ import annotations

import hashlib
import os
import tarfile

from . import _codec, _scan

CHUNK_BYTES = _codec.CHUNK_BYTES
BLOCK_BYTES = tarfile.BLOCKSIZE
DEVICE_FIELDS = slice(329, 345)
TYPES = {"file": tarfile.REGTYPE, "dir": tarfile.DIRTYPE, "symlink": tarfile.SYMTYPE}


class LayerError(ValueError):
    """A layer is damaged, or a source changed while it was packed."""


def write(entries, root, write_bytes):
    """Write the tar of *entries* below the directory *root*; return them with their digests.

    Each file is read once, opened without following links. Raises LayerError when a file is not
    what the scan saw, and OSError.
    """
    sealed = []
    descriptor = os.open(root, _scan.OPEN_DIRECTORY & ~os.O_NOFOLLOW)
    try:
        for entry in entries:
            write_bytes(_header(entry))
            if entry.type == "file":
                entry = entry._replace(sha256=_copy_file(descriptor, entry, write_bytes))
                write_bytes(_padding(entry.size))
            sealed.append(entry)
    finally:
        os.close(descriptor)
    write_bytes(bytes(2 * BLOCK_BYTES))
    return sealed


def read(entries, read_bytes, sink):
    """Read the tar of *entries*, handing each file to *sink*; verify every byte.

    *sink* is called with a file entry and returns None, or a function that takes its bytes. The
    digest is known to be right only when the next file is announced or ``read`` returns.
    Raises LayerError, naming the file, for whatever *entries* do not say.
    """
    source = _Exact(read_bytes)
    for entry in entries:
        source.expect(_header(entry), entry.path)
        if entry.type == "file":
            write_bytes = sink(entry)
            digest = hashlib.sha256()
            for chunk in source.chunks(entry.size, entry.path):
                digest.update(chunk)
                if write_bytes:
                    write_bytes(chunk)
            if digest.hexdigest() != entry.sha256:
                raise LayerError("%r in the layer does not match the manifest" % entry.path)
            source.expect(_padding(entry.size), entry.path)
    source.expect(bytes(2 * BLOCK_BYTES), "its end")
    if read_bytes(1):
        raise LayerError("the layer goes on behind its end")


def _copy_file(directory, entry, write_bytes):
    descriptor = _scan.open_file(directory, entry.path)
    with os.fdopen(descriptor, "rb", buffering=0) as stream:
        digest, left = hashlib.sha256(), entry.size
        while left:
            chunk = stream.read(min(left, CHUNK_BYTES))
            if not chunk:
                break
            digest.update(chunk)
            write_bytes(chunk)
            left -= len(chunk)
        if left or stream.read(1):
            raise LayerError("%r changed while it was sealed; seal again" % entry.path)
    return digest.hexdigest()


def _header(entry):
    information = tarfile.TarInfo(entry.path)
    information.type = TYPES[entry.type]
    information.size = entry.size
    information.linkname = entry.target
    executable = entry.exec or entry.type != "file"
    information.mode = (
        (0o700 if executable else 0o600) if entry.private else (0o755 if executable else 0o644)
    )
    data = information.tobuf(tarfile.PAX_FORMAT, "utf-8")
    if len(data) > BLOCK_BYTES:  # a long name: a header of its own, the name, the entry's header
        name, data = data[:-BLOCK_BYTES], data[-BLOCK_BYTES:]
        name = _without_device_fields(name[:BLOCK_BYTES]) + name[BLOCK_BYTES:]
        return name + _without_device_fields(data)
    return _without_device_fields(data)


def _without_device_fields(block):
    """Return a header block as later Pythons than 3.8 write it: only devices have such fields."""
    if block[DEVICE_FIELDS] == bytes(16):
        return block
    block = block[: DEVICE_FIELDS.start] + bytes(16) + block[DEVICE_FIELDS.stop :]
    checksum = sum(block[:148]) + sum(block[156:]) + 8 * ord(" ")
    return block[:148] + b"%06o\0" % checksum + block[155:]


def _padding(size):
    return bytes(-size % BLOCK_BYTES)


class _Exact:
    """Reads exactly as many bytes as asked for, or says what is missing."""

    def __init__(self, read_bytes):
        self._read = read_bytes

    def chunks(self, count, name):
        while count:
            chunk = self._read(min(count, CHUNK_BYTES))
            if not chunk:
                raise LayerError("the layer ends within %r" % name)
            count -= len(chunk)
            yield chunk

    def expect(self, wanted, name):
        if wanted and b"".join(self.chunks(len(wanted), name)) != wanted:
            raise LayerError("the layer has something else where %r belongs" % name)
