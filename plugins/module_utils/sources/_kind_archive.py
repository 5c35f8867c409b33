# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Components of kind ``archive``: a tar or zip, sealed as the tree that it holds.

No path in an archive ever becomes a path on disk: contents go into one file without a name, and
from there into the layer.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from typing import Any, BinaryIO, Mapping

from ..files import _confined
from ..formats import _codec, _compressor
from ..release import _layer, _scan
from ..release._manifest import Entry
from . import _archive, _archive_stream

SOURCE = "an archive file"
MEMORY_BYTES = 1024**3
LEAST_CPU_SECONDS = 60
SLOWEST_BYTES = 10 * 1024 * 1024  # what at least comes out in a second
BUFFER_BYTES = 1024 * 1024
SLACK_BYTES = 1024 * 1024


def is_source(path: str | bytes) -> bool:
    """Tell whether *path* could be a component's source."""
    return os.path.isfile(path)


def pack(root: str, globs: Mapping[str, Any], path: str, codec: str) -> list[Entry]:
    """Write the layer of what the archive *root* holds to *path*; return its entries with digests.

    *globs* has include, exclude, private and writable, strip, limits and sha256, as in
    ``release.yml``. Raises ScanError, and OSError with a path in it.
    """
    rules = _scan.Rules(globs["include"], globs["exclude"], globs["private"], globs["writable"])
    try:
        with open(_scan.to_os(root), "rb") as archive, _spool(path) as spool:
            before = _state(archive)
            if globs.get("sha256"):
                _check_digest(archive, globs["sha256"])
            caps = _archive.Caps(archive_bytes=before[0], **globs["limits"])
            found = read(archive, spool, rules, globs["strip"], caps)
            if _state(archive) != before:
                raise _archive.ArchiveError("it changed while it was sealed; seal again")
            return _write_layer(found, spool.fileno(), path, codec)
    except (_archive.ArchiveError, _confined.ConfinedError) as error:
        raise _scan.ScanError("%s: %s" % (os.path.basename(root), error)) from None
    except OSError as error:
        if error.filename:
            raise
        raise OSError(error.errno, error.strerror, path) from None  # a full disk has no name


def _spool(path: str) -> BinaryIO:
    return tempfile.TemporaryFile(dir=os.path.dirname(path), buffering=0)


def _state(archive: BinaryIO) -> tuple[int, int, int]:
    """Return what changes when somebody writes to the open file *archive*."""
    status = os.fstat(archive.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise _archive.ArchiveError("it is no regular file")
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _check_digest(archive: BinaryIO, wanted: str) -> None:
    digest = hashlib.sha256()
    for chunk in iter(lambda: archive.read(_codec.CHUNK_BYTES), b""):
        digest.update(chunk)
    archive.seek(0)
    if digest.hexdigest() != wanted.lower():
        raise _archive.ArchiveError("its SHA-256 is %s, not %s" % (digest.hexdigest(), wanted))


def read(
    archive: BinaryIO, spool: BinaryIO, rules: _scan.Rules, strip: int, caps: _archive.Caps
) -> list[tuple[Entry, int]]:
    """Return [(Entry without digest, offset in the spool), …], read by a limited child.

    Raises ScanError or ConfinedError for an archive that is refused.
    """

    def read_all() -> list[tuple[Entry, int]]:
        with open(spool.fileno(), "r+b", buffering=BUFFER_BYTES, closefd=False) as buffered:
            collector = _archive.Collector(buffered, rules, strip, caps)
            _archive_stream.read(archive, caps, collector.add)
            return collector.result()

    limits = _confined.Limits(
        memory_bytes=MEMORY_BYTES,
        cpu_seconds=LEAST_CPU_SECONDS + caps.most // SLOWEST_BYTES,
        file_bytes=caps.most + SLACK_BYTES,
    )
    expected = (_scan.ScanError, _codec.CodecError)
    found = _confined.run(read_all, limits, expected)
    return [(Entry(*entry), at) for entry, at in found]


def _write_layer(found: list[tuple[Entry, int]], spool: int, path: str, codec: str) -> list[Entry]:
    with open(path, "wb") as stream, _compressor.writer(codec, stream) as write_bytes:
        offsets = {entry.path: offset for entry, offset in found}

        def copy(entry: Entry) -> str:
            digest, at = hashlib.sha256(), offsets[entry.path]
            end = at + entry.size
            while at < end:
                chunk = os.pread(spool, min(end - at, _codec.CHUNK_BYTES), at)
                if not chunk:
                    raise _archive.ArchiveError("%r is cut short" % entry.path)
                digest.update(chunk)
                write_bytes(chunk)
                at += len(chunk)
            return digest.hexdigest()

        return _layer.write_contents([entry for entry, _offset in found], copy, write_bytes)
