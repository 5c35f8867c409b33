# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tar with one possible form for its contents: the same files are the same bytes.

POSIX ustar, files only, sorted by name; no owner, no time, mode 0644, no compression. A reader can
make each header again and compare, so that no byte of the file is without a meaning.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from typing import IO, NamedTuple

from ...module_utils.errors._release_error import ReleaseError

MODE = 0o644
NAME_BYTES, PREFIX_BYTES = 100, 155
LARGEST = 2 * 1024**3  # bytes of the whole, as the verifier reads
MOST_FILES = 5000
END = bytes(2 * tarfile.BLOCKSIZE)


class PackError(ReleaseError):
    """An evidence pack cannot be made; the text is one line."""

    code = "evidence_pack"


class File(NamedTuple):
    """A file of a tar: its *name* in it, and the *path* and *size* of what it contains."""

    name: str
    path: str
    size: int


def header(name: str, size: int) -> bytes:
    """Return the header block of the file *name*, ASCII, with *size* bytes.

    Not by ``tarfile``, whose headers differ by the version of Python.
    Source: POSIX.1-1988, ustar interchange format.
    """
    data, prefix = name.encode("ascii", "replace"), b""
    split = data.find(b"/", len(data) - NAME_BYTES - 1) if len(data) > NAME_BYTES else -1
    if split > 0:
        prefix, data = data[:split], data[split + 1 :]
    if len(data) > NAME_BYTES or len(prefix) > PREFIX_BYTES or not name.isascii():
        raise PackError(f"{name!r:.80} cannot be in an evidence pack: too long, or not ASCII")
    block = b"".join(
        (
            data.ljust(NAME_BYTES, b"\0"),
            b"%07o\0" % MODE,
            b"%07o\0" % 0 * 2,  # user and group
            b"%011o\0" % size,
            b"%011o\0" % 0,  # time
            b" " * 8,  # checksum
            b"0",  # a file
            bytes(100),
            b"ustar\x0000",
            bytes(64),  # names of user and group
            b"%07o\0" % 0 * 2,  # device
            prefix.ljust(PREFIX_BYTES, b"\0"),
            bytes(12),
        )
    )
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def write(path: str, files: Iterable[File]) -> None:
    """Write the tar of *files* to *path*: all of it, or nothing."""
    there = sorted(files, key=lambda file: file.name.encode("ascii", "replace"))
    total = sum(len(END) + file.size for file in there)
    if total > LARGEST or len(there) > MOST_FILES:
        raise PackError(
            f"an evidence pack has at most {LARGEST:,} bytes and {MOST_FILES:,} files, and this "
            f"one would have {total:,} and {len(there):,}"
        )
    folder = os.path.dirname(os.path.abspath(path))
    temporary = os.path.join(folder, f".{os.path.basename(path)[:100]}.{os.getpid()}.new")
    try:
        with open(temporary, "wb") as stream:
            for file in there:
                _add(stream, file)
            stream.write(END)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    finally:
        if os.path.lexists(temporary):
            os.unlink(temporary)
    _sync(folder)


def read(path: str) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the name of each file of the tar at *path*, with a stream of what it contains.

    Raises PackError where it is not a tar.
    """
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.isfile() else None
                if stream is not None:
                    with stream:
                        yield member.name, stream
    except (tarfile.TarError, ValueError) as error:
        raise PackError(f"{path}: {error}") from None


def _add(stream: IO[bytes], file: File) -> None:
    stream.write(header(file.name, file.size))
    begin = stream.tell()
    with open(file.path, "rb") as source:
        shutil.copyfileobj(source, stream)
    if stream.tell() != begin + file.size:
        raise PackError(f"{file.name} changed while the evidence pack was written")
    stream.write(bytes(-file.size % tarfile.BLOCKSIZE))


def _sync(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
