# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers: a component's entries as one deterministic tar, which any tool can unpack.

The manifest alone decides every byte that is not a file's content. So a layer is never parsed:
it is compared with what the manifest says, and anything else is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tarfile
from typing import Callable, Iterable, Optional

from ..errors._release_error import ReleaseError
from ..files import _paths
from ..formats import _codec
from ..formats._codec import ReadBytes, WriteBytes
from . import _scan
from ._manifest import Entry

CHUNK_BYTES = _codec.CHUNK_BYTES
BLOCK_BYTES = tarfile.BLOCKSIZE
DEVICE_FIELDS = slice(329, 345)
TYPES = {"file": tarfile.REGTYPE, "dir": tarfile.DIRTYPE, "symlink": tarfile.SYMTYPE}
END = bytes(2 * BLOCK_BYTES)
SHORT_NAME = 99  # what fits into one header, with the slash that a directory's has behind it
LARGEST_SIZE = 8**11 - 1
NOBODY = b"0000000\0" * 2  # user and group
NO_TIME = b"00000000000\0"
BACK = tarfile.POSIX_MAGIC + bytes(247)  # what lies behind a link's target: no more names

Sink = Callable[[Entry], Optional[WriteBytes]]  # what takes the bytes of a file, if anything does


class LayerError(ReleaseError):
    """A layer is damaged, or a source changed while it was packed."""

    code = "invalid_layer"


def write(entries: Iterable[Entry], root: str | bytes, write_bytes: WriteBytes) -> list[Entry]:
    """Write the tar of *entries* below the directory *root*; return them with their digests.

    Each file is read once, opened without following links. Raises LayerError when a file is not
    what the scan saw, and OSError.
    """
    descriptor = os.open(root, _paths.OPEN_DIRECTORY & ~os.O_NOFOLLOW)
    try:
        with contextlib.closing(_scan.Files(descriptor)) as files:
            return write_contents(
                entries, lambda entry: _copy_file(files, entry, write_bytes), write_bytes
            )
    finally:
        os.close(descriptor)


def write_contents(
    entries: Iterable[Entry], copy: Callable[[Entry], str], write_bytes: WriteBytes
) -> list[Entry]:
    """Write the tar of *entries*; return them with their digests.

    ``copy(entry)`` writes the content of a file by *write_bytes* and returns its digest.
    """
    sealed = []
    for entry in entries:
        write_bytes(_header(entry))
        if entry.type == "file":
            entry = entry._replace(sha256=copy(entry))
            write_bytes(_padding(entry.size))
        sealed.append(entry)
    write_bytes(END)
    return sealed


def read(entries: Iterable[Entry], read_bytes: ReadBytes, sink: Sink) -> None:
    """Read the tar of *entries*, handing each file to *sink*; verify every byte.

    *sink* is called with a file entry and returns None, or a function that takes its bytes. The
    digest is known to be right only when the next file is announced or ``read`` returns.
    Raises LayerError, naming the file, for whatever *entries* do not say.
    """
    before = b""  # what lies between the content before and the next header
    for entry in entries:
        _expect(read_bytes, before + _header(entry), entry.path)
        before = b""
        if entry.type == "file":
            _read_file(read_bytes, entry, sink(entry))
            before = _padding(entry.size)
    _expect(read_bytes, before + END, "its end")
    if read_bytes(1):
        raise LayerError("the layer goes on behind its end")


def _read_file(read_bytes: ReadBytes, entry: Entry, write_bytes: WriteBytes | None) -> None:
    digest, left = hashlib.sha256(), entry.size
    while left:
        chunk = read_bytes(min(left, CHUNK_BYTES))
        if not chunk:
            raise LayerError("the layer ends within %r" % entry.path)
        digest.update(chunk)
        if write_bytes:
            write_bytes(chunk)
        left -= len(chunk)
    if digest.hexdigest() != entry.sha256:
        raise LayerError("%r in the layer does not match the manifest" % entry.path)


def _expect(read_bytes: ReadBytes, wanted: bytes, name: str) -> None:
    """Read as many bytes as *wanted* has; raise LayerError unless they are just these."""
    found = read_bytes(len(wanted))
    if found == wanted:
        return
    while 0 < len(found) < len(wanted):
        more = read_bytes(len(wanted) - len(found))
        if not more:
            break
        found += more
    if len(found) < len(wanted):
        raise LayerError("the layer ends within %r" % name)
    if found != wanted:
        raise LayerError("the layer has something else where %r belongs" % name)


def _copy_file(files: _scan.Files, entry: Entry, write_bytes: WriteBytes) -> str:
    descriptor = files.open(entry.path)
    try:
        digest, left = hashlib.sha256(), entry.size
        while left >= 0:
            asked = min(left + 1, CHUNK_BYTES)  # one more: to see that it ends there
            chunk = os.read(descriptor, asked)
            digest.update(chunk)
            write_bytes(chunk)
            left -= len(chunk)
            if not chunk or (not left and len(chunk) < asked):
                break
        if left:
            raise LayerError("%r changed while it was sealed; seal again" % entry.path)
    finally:
        os.close(descriptor)
    return digest.hexdigest()


def _header(entry: Entry) -> bytes:
    """Return the tar header of *entry*, as ``tarfile`` writes it in PAX format."""
    executable = entry.exec or entry.type != "file"
    mode = (0o700 if executable else 0o600) if entry.private else (0o755 if executable else 0o644)
    if len(entry.path) <= SHORT_NAME >= len(entry.target) and entry.size <= LARGEST_SIZE:
        with contextlib.suppress(UnicodeEncodeError):
            name, target = entry.path.encode("ascii"), entry.target.encode("ascii")
            return _short_header(entry, name, target, mode)
    return _long_header(entry, mode)


def _short_header(entry: Entry, name: bytes, target: bytes, mode: int) -> bytes:
    """Return the one block that most entries have; ``tarfile`` takes five times as long."""
    if entry.type == "dir":
        name += b"/"
    front = b"%b%07o\0%b%011o\0%b" % (name.ljust(100, b"\0"), mode, NOBODY, entry.size, NO_TIME)
    back = TYPES[entry.type] + target.ljust(100, b"\0") + BACK
    checksum = sum(front) + sum(back) + 8 * ord(" ")
    return b"%b%06o\0 %b" % (front, checksum, back)


def _long_header(entry: Entry, mode: int) -> bytes:
    information = tarfile.TarInfo(entry.path)
    information.type = TYPES[entry.type]
    information.size = entry.size
    information.linkname = entry.target
    information.mode = mode
    data = information.tobuf(tarfile.PAX_FORMAT, "utf-8")
    if len(data) > BLOCK_BYTES:  # a long name: a header of its own, the name, the entry's header
        name, data = data[:-BLOCK_BYTES], data[-BLOCK_BYTES:]
        name = _without_device_fields(name[:BLOCK_BYTES]) + name[BLOCK_BYTES:]
        return name + _without_device_fields(data)
    return _without_device_fields(data)


def _without_device_fields(block: bytes) -> bytes:
    """Return a header block as later Pythons than 3.8 write it: only devices have such fields."""
    if block[DEVICE_FIELDS] == bytes(16):
        return block
    block = block[: DEVICE_FIELDS.start] + bytes(16) + block[DEVICE_FIELDS.stop :]
    checksum = sum(block[:148]) + sum(block[156:]) + 8 * ord(" ")
    return block[:148] + b"%06o\0" % checksum + block[155:]


def _padding(size: int) -> bytes:
    return bytes(-size % BLOCK_BYTES)
