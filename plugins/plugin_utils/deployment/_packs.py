# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs on the controller: made once for each pair of releases, kept for all hosts."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from typing import IO, BinaryIO

from ...module_utils.deployment import _answer
from ...module_utils.formats import _codec, _compressor
from ...module_utils.release import _layer, _manifest, _pack
from ..library import _store
from ..library._catalogue import Catalogue
from ..release import _delta, _disk_space
from ..release._stored import Stored

WriteBytes = Callable[[bytes], object]
CACHE_BYTES = 2 * 1024**3
IN_USE_SECONDS = 3600
LEFTOVER_SECONDS = 24 * 3600


class _BaseError(_store.LibraryError):
    """The library does not hold, whole, the release that a pack was to build upon."""


def default_directory() -> str:
    """Return the directory of the pack cache where the task names none."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "itops-release", "packs")


class PackCache:
    """Packs in the directory *path*, keyed by what they bring, on top of what, and how compressed.

    Whichever process comes first makes a pack, under a lock, and renames it into place; the others
    wait and use it. Packs used longest ago go when the cache grows beyond *most_bytes*, but none
    of the last hour: another worker may be about to send it.
    """

    def __init__(self, path: str, most_bytes: int = CACHE_BYTES) -> None:
        self.path = path
        self._most_bytes = most_bytes

    def get(
        self,
        library: Catalogue,
        wanted: str,
        base: str | None,
        codec: str,
        again: Collection[str] = (),
    ) -> str:
        """Return the path of the pack of the release *wanted* on top of *base*, digests, or None.

        *again* are contents to be sent although *base* has them. Where *base* cannot be read, it
        is the pack on top of nothing. Raises LibraryError when what the library holds of *wanted*
        is damaged: no such pack is ever kept.
        """
        os.makedirs(self.path, mode=0o700, exist_ok=True)
        parts = [wanted[:32], (base or "none")[:32], codec]
        sent_again = _pack.digest_of_again(again)
        if sent_again:
            parts.append(sent_again[:32])
        name = "-".join(parts)
        path = os.path.join(self.path, name)
        with self._locked(name):
            try:
                os.utime(path)
            except FileNotFoundError:
                try:
                    self._place(
                        path, lambda stream: write(stream, library, wanted, base, codec, again)
                    )
                except _BaseError:
                    return self.get(library, wanted, None, codec)
                self._trim(keep=name)
        return path

    def space(
        self,
        path: str,
        library: Catalogue,
        wanted: str,
        base: str | None,
        again: Collection[str] = (),
    ) -> _disk_space.Space:
        """Return the Space that staging from the pack at *path* takes, not counting the pack.

        The rest is what the pack was asked for with. It is worked out once for all hosts.
        """
        name = os.path.basename(path)
        note = os.path.join(self.path, f".{name}.space")
        with self._locked(name):
            try:
                with open(note, encoding="ascii") as stream:
                    return _disk_space.Space(**json.load(stream))
            except (OSError, ValueError, TypeError):
                space = space_of(library, wanted, base, again)
                text = json.dumps(space._asdict())
                self._place(note, lambda stream: stream.write(text.encode("ascii")))
                return space

    def _place(self, path: str, fill: Callable[[BinaryIO], object]) -> None:
        """Make the file at *path*: ``fill(stream)`` writes it, and then it gets its name."""
        handle, scratch = tempfile.mkstemp(prefix=".new-", dir=self.path)
        try:
            with os.fdopen(handle, "wb") as stream:
                fill(stream)
                stream.flush()
                os.fsync(handle)  # else a power cut could keep a half that is never made again
            os.rename(scratch, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(scratch)
            raise

    def _trim(self, keep: str) -> None:
        """Remove the leftovers of makers that were killed, and what was used longest ago."""
        total, packs, locks = 0, [], set()
        with os.scandir(self.path) as listing:
            for item in listing:
                with contextlib.suppress(FileNotFoundError):
                    status = item.stat()
                    if item.name.endswith(".lock"):
                        locks.add(item.name[1 : -len(".lock")])
                    elif not item.name.startswith("."):
                        packs.append((status.st_mtime, status.st_size, item.name))
                        total += status.st_size
                    elif status.st_mtime < time.time() - LEFTOVER_SECONDS:
                        os.unlink(item.path)
                    else:
                        total += status.st_size
        for name in locks - {name for _time, _size, name in packs} - {keep}:
            self._remove_unused(name)
        for _time, size, name in sorted(packs):
            if total > self._most_bytes and name != keep and self._remove_unused(name):
                total -= size

    def _remove_unused(self, name: str) -> bool:
        """Remove a pack and its lock, unless it is being made or was used of late."""
        path, lock = os.path.join(self.path, name), self._lock(name)
        with open(lock, "ab") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            if not _is_at(stream, lock):
                return False
            with contextlib.suppress(FileNotFoundError):
                if os.stat(path).st_mtime > time.time() - IN_USE_SECONDS:
                    return False
                os.unlink(path)
            os.unlink(lock)
        return True

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        held = False
        while not held:
            with open(self._lock(name), "ab") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX)
                # Whoever trims the cache may have removed it meanwhile: then it locks nothing.
                held = _is_at(stream, self._lock(name))
                if held:
                    yield

    def _lock(self, name: str) -> str:
        return os.path.join(self.path, f".{name}.lock")


def _is_at(stream: IO[bytes], path: str) -> bool:
    """Tell whether the open file is still the one at *path*."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


def arrived_bytes(path: str, partial: _answer.Partial | None) -> int:
    """Return how many bytes of the file at *path* a host has that holds *partial*, or 0.

    Nothing is built on another beginning than that of this very file.
    """
    if not partial or partial.bytes > os.path.getsize(path):
        return 0
    digest, left = hashlib.sha256(), partial.bytes
    with open(path, "rb") as stream:
        while left:
            chunk = stream.read(min(left, _codec.CHUNK_BYTES))
            digest.update(chunk)
            left -= len(chunk)
    return partial.bytes if digest.hexdigest() == partial.sha256 else 0


def forget(path: str) -> None:
    """Remove the pack at *path*, which a host refused: the next run makes it anew."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def space_of(
    library: Catalogue, wanted: str, base: str | None, again: Collection[str] = ()
) -> _disk_space.Space:
    """Return the Space that staging *wanted* on top of *base*, digests or None, takes."""
    try:
        held = library.get(base).manifest if base else None
    except _store.LibraryError:
        held = None
    return _disk_space.of_tree(library.get(wanted).manifest, held, again)


def write(
    stream: BinaryIO,
    library: Catalogue,
    wanted: str,
    base: str | None,
    codec: str,
    again: Collection[str] = (),
) -> None:
    """Write the pack of *wanted* on top of *base*, digests or None, to the binary file *stream*.

    *again* are contents to be sent although *base* has them.
    """
    stored = library.get(wanted)
    try:
        held = library.get(base).manifest if base else None
    except _store.LibraryError as error:
        raise _BaseError(str(error)) from None
    data = _delta.make(held, stored.manifest) if held else _manifest.render(stored.manifest)
    header = _pack.Header(wanted, base, codec, len(data), _pack.digest_of_again(again))
    stream.write(_pack.render_header(header))
    missing = set(_pack.travelling(stored.manifest, held, again))
    with _compressor.writer(codec, stream) as write_bytes:
        write_bytes(data)
        for component in stored.manifest.components:
            if not missing.isdisjoint(entry.sha256 for entry in component.entries):
                _copy_contents(library, stored, component, missing, write_bytes)


def _copy_contents(
    library: Catalogue,
    wanted: Stored,
    component: _manifest.Component,
    missing: set[str],
    write_bytes: WriteBytes,
) -> None:
    """Copy the contents in *missing* out of a layer, each once, verifying the whole layer."""

    def sink(entry: _manifest.Entry) -> WriteBytes | None:
        if entry.sha256 in missing:
            missing.remove(entry.sha256)
            return write_bytes
        return None

    try:
        with library.read_layer(wanted, component) as read_bytes:
            _layer.read(component.entries, read_bytes, sink)
    except (_codec.CodecError, _layer.LayerError) as error:
        release = f"{wanted.manifest.name} {wanted.manifest.version}"
        raise _store.LibraryError(f"{library.path}: {release} is damaged: {error}") from None
