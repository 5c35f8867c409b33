# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory in OCI image-layout form (OCI image spec 1.1): its index, its blobs, its lock."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical, _codec
from ...module_utils.release import _manifest
from ._index import Descriptor

REGISTRY = "oci://"  # what begins so is no directory
OCI_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
LARGEST_DOCUMENT = 256 * 1024 * 1024
LEFTOVER_SECONDS = 24 * 3600
SCRATCH = (".layers-", ".new-")


class LibraryError(ReleaseError):
    """The media library lacks what was asked for, or what it holds is damaged."""

    code = "library_failed"


class Overtaken(LibraryError):
    """Somebody else wrote meanwhile what was to be written."""

    code = "library_changed"


class Layout:
    """The directory *path*. What is read is verified against its digest before it is used.

    Writers take turns by a lock on ``oci-layout``; ``index.json`` is replaced in one step, so
    readers need none. Where *path* is what people call it, *folder* is where it lies.
    """

    is_shared = False  # whether writers elsewhere may not heed the lock
    keeps_notes = True  # whether the index keeps more than tags: pins, and since when

    def __init__(self, path: str, folder: str | None = None) -> None:
        self.path = path
        self.folder = folder or path

    @property
    def blobs(self) -> str:
        """The folder of the blobs."""
        return os.path.join(self.folder, "blobs", "sha256")

    def exists(self) -> bool:
        """Tell whether there is anything at all."""
        return os.path.isdir(self.path)

    def blob(self, digest: str) -> str:
        """Return the path of the blob ``sha256:<hex>``."""
        algorithm, _colon, name = digest.partition(":")
        if algorithm != "sha256" or not _manifest.DIGEST.match(name):
            raise LibraryError(f"{self.path}: {digest!r} is not the digest of a blob")
        return os.path.join(self.blobs, name)

    def descriptors(self, tags: Iterable[str] | None = None) -> list[Descriptor]:
        """Return the descriptors in ``index.json``.

        Only those that have one of *tags* are asked for, if given: others may be left out.
        """
        try:
            with open(os.path.join(self.path, "index.json"), "rb") as stream:
                plain = _canonical.loads(stream.read())
            return [item for item in plain["manifests"] if isinstance(item["digest"], str)]
        except FileNotFoundError:
            if os.path.isdir(self.path) and self._holds_other_things():
                raise LibraryError(f"{self.path} is not a media library") from None
            return []
        except (KeyError, TypeError, _canonical.CanonicalError) as error:
            raise LibraryError(
                f"{self.path}/index.json is malformed: {_canonical.one_line(error)}"
            ) from None

    def attaching(self, subjects: Collection[str]) -> list[Descriptor]:
        """Return descriptors in which all is that is attached to the digests *subjects*."""
        return self.descriptors()

    def write_index(
        self,
        descriptors: list[Descriptor],
        before: Iterable[Descriptor] = (),
        again: Collection[str] = (),
    ) -> None:
        """Replace ``index.json``, durably and in one step.

        *before* is what was read of it, and *again* are the digests of what has to be stored anew,
        for layouts that cannot replace all at once.
        """
        plain = {"schemaVersion": 2, "mediaType": OCI_INDEX_TYPE, "manifests": descriptors}
        self._write_durably(os.path.join(self.path, "index.json"), _canonical.dumps(plain))

    def bring(self, descriptor: Descriptor) -> str:
        """Return the path of a blob, which may be missing."""
        return self.blob(descriptor["digest"])

    def read(self, descriptor: Descriptor, limit: int = LARGEST_DOCUMENT) -> bytes:
        """Return the bytes of a blob, at most *limit*, verified against its descriptor."""
        try:
            with open(self.blob(descriptor["digest"]), "rb") as stream:
                # For as many bytes as are asked for, room is taken at once.
                data = stream.read(min(limit, os.fstat(stream.fileno()).st_size) + 1)
        except FileNotFoundError:
            raise LibraryError(f"{self.path}: blob {descriptor['digest']} is missing") from None
        if len(data) > limit:
            raise LibraryError(
                f"{self.path}: blob {descriptor['digest']} is larger than {limit:,} bytes"
            )
        if "sha256:" + _canonical.sha256_hex(data) != descriptor["digest"]:
            raise LibraryError(f"{self.path}: blob {descriptor['digest']} is altered")
        return data

    def read_json(self, descriptor: Descriptor, limit: int = LARGEST_DOCUMENT) -> Any:
        """Return the document in a blob, of at most *limit* bytes, as plain data."""
        try:
            return _canonical.loads(self.read(descriptor, limit))
        except _canonical.CanonicalError as error:
            raise LibraryError(
                f"{self.path}: blob {descriptor['digest']} is malformed: {error}"
            ) from None

    def is_intact(self, digest: str) -> bool:
        """Tell whether the blob is there, with the content that its digest says."""
        return self._is_here(digest)

    def store_bytes(self, data: bytes, media_type: str) -> Descriptor:
        """Store *data* as a blob, durably; return its descriptor."""
        digest = "sha256:" + _canonical.sha256_hex(data)
        if not self._is_here(digest):
            self._write_durably(self.blob(digest), data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def take_over(self, path: str, media_type: str, mode: int = 0o644) -> Descriptor:
        """Make the file at *path* a blob; return its descriptor. It has its name, not yet durably:
        ``sync`` the folder of blobs before an index tells of it.
        """
        os.chmod(path, mode)
        name, size = _hash(path, os.fsync)
        os.rename(path, self.blob("sha256:" + name))
        return {"mediaType": media_type, "digest": "sha256:" + name, "size": size}

    def send(self, descriptor: Descriptor) -> None:
        """Have what an OCI manifest needs where it is kept: here it is on the medium after this."""
        self.sync()

    def manifests_of(self, descriptors: Iterable[Descriptor]) -> list[str]:
        """Return what ``remove`` needs to be given for *descriptors*, if the layout is shared."""
        raise NotImplementedError

    def remove(self, doomed: Collection[str]) -> None:
        """Remove the files *doomed*, which nothing needs."""
        for path in doomed:
            remove(path)
        if doomed:
            self.sync()

    def sync(self) -> None:
        """Wait until it is on the medium which blobs there are."""
        with contextlib.suppress(FileNotFoundError):
            _sync(self.blobs)

    def create(self) -> None:
        """Make the directory what it should be, unless it is."""
        self.descriptors()  # refuses a directory that is something else
        self._make()
        with self.locked():
            if not os.path.exists(os.path.join(self.path, "index.json")):
                self.write_index([])

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of those who write."""
        with contextlib.ExitStack() as stack:
            try:
                stream = stack.enter_context(open(os.path.join(self.folder, "oci-layout"), "rb"))
            except FileNotFoundError:
                raise LibraryError(
                    f"{self.path}/oci-layout is missing: {self.path} is not a whole media library"
                ) from None
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def leftovers(self) -> list[str]:
        """Return the paths of what writers that were killed more than a day ago left behind."""
        found = []
        for folder in (self.folder, self.blobs):
            with contextlib.suppress(FileNotFoundError), os.scandir(folder) as listing:
                found += [item.path for item in listing if item.name.startswith(SCRATCH)]
        return [path for path in found if _age(path) > LEFTOVER_SECONDS]

    def _make(self) -> None:
        """Make the folders, and what writers lock."""
        _make_folders(self.blobs)
        layout = os.path.join(self.folder, "oci-layout")
        if not os.path.exists(layout):
            # Never replaced, since writers lock it: whoever comes first makes it.
            self._write_durably(layout, b'{"imageLayoutVersion":"1.0.0"}', give_name=_link)

    def _is_here(self, digest: str) -> bool:
        try:
            return f"sha256:{_hash(self.blob(digest))[0]}" == digest
        except FileNotFoundError:
            return False

    def _holds_other_things(self) -> bool:
        """Tell whether the directory is neither empty nor a library that is being made."""
        names = os.listdir(self.path)
        being_made = all(name == "blobs" or name.startswith(".new-") for name in names)
        return not being_made and not os.path.exists(os.path.join(self.path, "oci-layout"))

    @staticmethod
    def _write_durably(
        path: str, data: bytes, give_name: Callable[[str, str], None] = os.rename
    ) -> None:
        folder = os.path.dirname(path)
        handle, scratch = tempfile.mkstemp(prefix=".new-", dir=folder)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fchmod(handle, 0o644)
                os.fsync(handle)
            give_name(scratch, path)
        except BaseException:
            os.unlink(scratch)
            raise
        _sync(folder)


def remove(path: str) -> None:
    """Remove the file or folder at *path*, unless somebody else has."""
    with contextlib.suppress(FileNotFoundError):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


def _make_folders(path: str) -> None:
    """Make the folder *path*, and those above it that are missing, durably."""
    if not os.path.isdir(path):
        above = os.path.dirname(os.path.abspath(path))
        _make_folders(above)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path)
        _sync(above)


def _age(path: str) -> float:
    """Return for how many seconds the file at *path* was not changed; 0 when it is gone."""
    try:
        return time.time() - os.lstat(path).st_mtime
    except FileNotFoundError:
        return 0


def _link(scratch: str, path: str) -> None:
    """Give the file *scratch* the name *path*, unless something has it."""
    with contextlib.suppress(FileExistsError):
        os.link(scratch, path)
    os.unlink(scratch)


def _sync(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _hash(path: str, before_closing: Callable[[int], object] | None = None) -> tuple[str, int]:
    """Return the SHA-256 of a file, in hex, and its size."""
    hashed = hashlib.sha256()
    with open(path, "rb") as stream:
        for chunk in iter(lambda: stream.read(_codec.CHUNK_BYTES), b""):
            hashed.update(chunk)
        if before_closing:
            before_closing(stream.fileno())
        return hashed.hexdigest(), stream.tell()
