# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contents on a host: each is kept once, and trees share it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
from typing import TYPE_CHECKING

from ..files import _deletion, _paths
from ..formats import _codec
from ..release import _manifest
from . import _layout

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ..files import _selinux

CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
FICLONE = 0x40049409  # <linux/fs.h>: share the blocks of another file, as Btrfs and XFS can
NOWHERE = -1  # a descriptor in which no call succeeds
CANNOT_LINK = (errno.EMLINK, errno.EPERM, errno.EXDEV, errno.ENOTSUP)


class Objects:
    """The contents that trees share: new ones in staging, older ones in the store.

    Each content is kept once per exec bit as ``<sha256>[.x]``, in directories named by the first
    two digits. *labels* knows the SELinux labels of files, where there are any: see ``_selinux``.
    One that cannot be read, for whatever reason, counts as damaged. Nothing can be written without
    *staging*.
    """

    def __init__(
        self,
        store: int,
        staging: int | None,
        access: _layout.Access,
        labels: _selinux.Labels | None = None,
    ) -> None:
        # What this process wrote or hashed, as ``_layout.verify`` takes it.
        self.trusted: dict[int, tuple[str, int]] = {}
        self._store = store
        self._staging = NOWHERE if staging is None else staging
        self._access = access
        self._labels = labels
        with os.scandir(store) as listing:  # the directories that contents may be in
            self._kept = {item.name for item in listing if item.is_dir(follow_symlinks=False)}
        self._staged: dict[str, set[str]] = {}  # {directory: {name}}
        self._can_clone = True

    def add(
        self, sha256: str, size: int, chunks: Iterable[bytes], executables: Collection[bool]
    ) -> None:
        """Keep the verified *chunks*, once for each exec bit in *executables*.

        A content that the store has, whole, is used from there.
        """
        first, *others = [
            _manifest.Entry(sha256, "file", bit, size, sha256) for bit in sorted(executables)
        ]
        if self._holds(first):
            for _chunk in chunks:
                pass
        else:
            self._write(first, chunks)
        for entry in others:
            if not self._holds(entry):
                self._write(entry, self._chunks_of(first))

    def place(self, entry: _manifest.Entry, directory: int, name: str | bytes) -> None:
        """Bring the content of *entry* to *name* by clone, hard link or copy.

        Contents that are ``private`` or ``writable`` are always copied: a link would share their
        mode, or their fate. Raises FileNotFoundError where the content is missing.
        """
        if entry.private or entry.writable or not self._share(entry, directory, name):
            self._create(directory, name, entry, self._chunks_of(entry))

    def mend(self, entries: Iterable[_manifest.Entry]) -> list[str]:
        """Make the contents of the file *entries* whole again; return the SHA-256 of those lost.

        One whose bytes are right, but whose owner, mode or exec bit is not, is copied. Every
        content is hashed, so that the inodes of good ones are trusted afterwards.
        """
        lost = []
        for plain in dict.fromkeys(e._replace(private=False, writable=False) for e in entries):
            if not self._holds(plain) and not self._copy_either(plain):
                lost.append(plain.sha256)
        return list(dict.fromkeys(lost))

    def lost(self, entries: Iterable[_manifest.Entry]) -> list[str]:
        """Return the SHA-256 of contents of the file *entries* that are whole with no exec bit."""
        return [
            content
            for content, size in {entry.sha256: entry.size for entry in entries}.items()
            if not any(
                self._hashes(_manifest.Entry("", "file", bit, size, content))
                for bit in (False, True)
            )
        ]

    def publish(self) -> None:
        """Give the staged contents their names in the store, over damaged ones that were there.

        No sync follows, which could be one a directory: trees have names of their own for what
        they hold, and a content whose name here is lost in a power cut is asked for again.
        """
        for folder, leaves in list(self._staged.items()):
            try:
                # A store that lacks a directory gets it whole: some hundred, not thousands.
                os.rename(folder, folder, src_dir_fd=self._staging, dst_dir_fd=self._store)
                self._kept.add(folder)
                del self._staged[folder]
            except NotADirectoryError:  # a file or a link: nothing is put through that
                os.unlink(folder, dir_fd=self._store)
                os.rename(folder, folder, src_dir_fd=self._staging, dst_dir_fd=self._store)
                self._kept.add(folder)
                del self._staged[folder]
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                for leaf in leaves:
                    self._publish_one(_path(leaf))
                leaves.clear()

    def _publish_one(self, path: str) -> None:
        try:
            os.rename(path, path, src_dir_fd=self._staging, dst_dir_fd=self._store)
        except IsADirectoryError:
            _deletion.remove(self._store, path)
            os.rename(path, path, src_dir_fd=self._staging, dst_dir_fd=self._store)

    def _write(self, entry: _manifest.Entry, chunks: Iterable[bytes]) -> None:
        leaf = object_name(entry)
        folder, path = leaf[:2], _path(leaf)
        if folder not in self._staged:
            os.mkdir(folder, 0o700, dir_fd=self._staging)
            self._staged[folder] = set()
        try:
            self._create(self._staging, path, entry, chunks)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path, dir_fd=self._staging)
            raise
        self._staged[folder].add(leaf)

    def _copy_either(self, plain: _manifest.Entry) -> bool:
        """Copy the content of *plain* from whichever exec bit has it whole, if one has."""
        for variant in (plain, plain._replace(exec=not plain.exec)):
            with contextlib.suppress(FileNotFoundError):
                self._write(plain, self._chunks_of(variant))
                return True
        return False

    def _create(
        self,
        directory: int,
        name: str | bytes,
        entry: _manifest.Entry,
        chunks: Iterable[bytes],
    ) -> None:
        mode = self._access.mode(entry)
        descriptor = os.open(name, CREATE, mode, dir_fd=directory)
        try:
            for chunk in chunks:
                written = os.write(descriptor, chunk)
                if written < len(chunk):
                    _write_rest(descriptor, memoryview(chunk)[written:])
            self._trust(_layout.own(descriptor, self._access, mode), entry)
        finally:
            os.close(descriptor)

    def _hashes(self, entry: _manifest.Entry) -> bool:
        """Return whether the store has the very content of *entry*, whatever its mode."""
        path = _path(object_name(entry))
        with contextlib.suppress(OSError):
            return _layout.hash_file(self._store, path, entry.size) == entry.sha256
        return False

    def _trust(self, status: os.stat_result, entry: _manifest.Entry) -> None:
        """Remember that the file with this *status* is just as *entry* says."""
        if not _layout.status_changes(status, entry, self._access):
            self.trusted[status.st_ino] = (entry.sha256, status.st_mode)

    def _holds(self, entry: _manifest.Entry) -> bool:
        """Return whether the store has the content of *entry*, whole, with owner and mode."""
        leaf = object_name(entry)
        if self._is_staged(leaf):
            return True
        if leaf[:2] not in self._kept:
            return False
        try:
            with contextlib.ExitStack() as stack:
                descriptor = os.open(_path(leaf), _paths.OPEN_FILE, dir_fd=self._store)
                stack.callback(os.close, descriptor)
                status = os.fstat(descriptor)
                good = (
                    not _layout.status_changes(status, entry, self._access)
                    and status.st_size == entry.size
                    and _layout.hash_descriptor(descriptor, entry.size) == entry.sha256
                )
        except OSError:
            return False
        if good:
            self._trust(status, entry)
        return good

    def _is_staged(self, leaf: str) -> bool:
        return leaf in self._staged.get(leaf[:2], ())

    def _share(self, entry: _manifest.Entry, directory: int, name: str | bytes) -> bool:
        """Clone or link the content of *entry*; return whether that is possible here."""
        leaf = object_name(entry)
        path = _path(leaf)
        if not self._is_staged(leaf):
            try:
                return self._share_from(self._store, path, entry, directory, name)
            except FileNotFoundError:
                # Only the other exec bit is there: make this one from it.
                self._write(entry, self._chunks_of(entry))
        return self._share_from(self._staging, path, entry, directory, name)

    def _share_from(
        self, folder: int, path: str, entry: _manifest.Entry, directory: int, name: str | bytes
    ) -> bool:
        if self._can_clone and self._clone(folder, path, entry, directory, name):
            return True
        if self._labels and not self._labels.is_right(folder, path):
            return False  # a link would carry the label of the content into the tree
        try:
            os.link(path, name, src_dir_fd=folder, dst_dir_fd=directory, follow_symlinks=False)
            return True
        except OSError as error:
            if error.errno in CANNOT_LINK:
                return False
            raise

    def _chunks_of(self, entry: _manifest.Entry) -> Iterator[bytes]:
        """Yield the content of *entry*, of either exec bit; its end only when it is whole."""
        descriptor = self._open(entry)
        digest, held = hashlib.sha256(), b""
        try:
            for chunk in iter(lambda: _read(descriptor, entry), b""):
                digest.update(chunk)
                if held:
                    yield held
                held = chunk
        finally:
            os.close(descriptor)
        if digest.hexdigest() != entry.sha256:
            raise _damaged(entry)
        if held:
            yield held

    def _open(self, entry: _manifest.Entry) -> int:
        for leaf in (object_name(entry), object_name(entry._replace(exec=not entry.exec))):
            folder = self._staging if self._is_staged(leaf) else self._store
            with contextlib.suppress(OSError):
                return os.open(_path(leaf), _paths.OPEN_FILE, dir_fd=folder)
        raise _damaged(entry)

    def _clone(
        self, folder: int, source: str, entry: _manifest.Entry, directory: int, name: str | bytes
    ) -> bool:
        """Share the blocks of the object with a new file; return whether that is possible here."""
        try:
            origin = os.open(source, _paths.OPEN_FILE, dir_fd=folder)
        except OSError:
            raise _damaged(entry) from None
        try:
            descriptor = os.open(name, CREATE, 0o600, dir_fd=directory)
            try:
                fcntl.ioctl(descriptor, FICLONE, origin)
                status = _layout.own(descriptor, self._access, self._access.mode(entry))
                if os.fstat(origin).st_ino in self.trusted:
                    self._trust(status, entry)
                return True
            except OSError:
                self._can_clone = False
                os.unlink(name, dir_fd=directory)
                return False
            finally:
                os.close(descriptor)
        finally:
            os.close(origin)


def object_name(entry: _manifest.Entry) -> str:
    """Return the name of the content of *entry* among the objects."""
    return entry.sha256 + (".x" if entry.exec else "")


def _path(leaf: str) -> str:
    return leaf[:2] + "/" + leaf


def _read(descriptor: int, entry: _manifest.Entry) -> bytes:
    try:
        return os.read(descriptor, _codec.CHUNK_BYTES)
    except OSError:
        raise _damaged(entry) from None


def _damaged(entry: _manifest.Entry) -> FileNotFoundError:
    """Return the FileNotFoundError of a content that is missing, or not whole."""
    return FileNotFoundError(errno.ENOENT, "content is missing or damaged", entry.sha256)


def _write_rest(descriptor: int, view: memoryview) -> None:
    while view:
        view = view[os.write(descriptor, view) :]
