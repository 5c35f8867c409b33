# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release tree on a host: building it from objects, and telling how it differs."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from typing import Dict, List, NamedTuple, Tuple

from . import _codec, _globs, _manifest, _scan

FICLONE = 0x40049409  # <linux/fs.h>: share the blocks of another file, as Btrfs and XFS can
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
ACCESS_MODES = {"public": (0o755, 0o644), "group": (0o750, 0o640)}


class TreeError(ValueError):
    """A release tree cannot be laid out as its manifest says."""


class Access(NamedTuple):
    """Whose a root's files are and who else may read them: ``public`` or ``group``."""

    uid: int
    gid: int
    access: str

    def mode(self, entry):
        """Return the permission bits of the file or directory *entry*."""
        directory, plain = ACCESS_MODES[self.access]
        mode = directory if entry.type == "dir" or entry.exec else plain
        return mode & 0o700 if entry.private else mode


class Drift(NamedTuple):
    """One way in which what is on disk differs from what was sealed.

    *change* is one of missing, modified, extra, exec, mode, owner, type.
    """

    path: str
    change: str


def expected(manifest, links):
    """Return ``{path: Entry}`` of the release tree of *manifest* with its linked paths.

    *links* are paths that lead to ``shared/`` instead; a trailing slash makes no difference here.
    Raises TreeError when the release brings such a path itself.
    """
    entries: Dict[str, _manifest.Entry] = dict(_manifest.tree(manifest))
    for link in links:
        path = link.rstrip("/")
        _manifest.check_path(path)
        names = path.split("/")
        for depth in range(1, len(names)):
            parent = "/".join(names[:depth])
            there = entries.setdefault(parent, _manifest.Entry(parent, "dir"))
            if there.type != "dir":
                raise TreeError("linked path %r lies below %r, which is no directory"
                                % (path, parent))
        if path in entries:
            raise TreeError("linked path %r is also part of the release: take it out of one" % path)
        target = "../" * (len(names) + 1) + "shared/" + path
        entries[path] = _manifest.Entry(path, "symlink", target=target)
    return entries


def children(entries):
    """Return ``{directory: [its entries]}``; the tree's own top is ``""``."""
    below: Dict[str, List[_manifest.Entry]] = {"": []}
    for entry in entries.values():
        if entry.type == "dir":
            below.setdefault(entry.path, [])
        below.setdefault(entry.path.rpartition("/")[0], []).append(entry)
    return below


def build(parent, name, entries, access, objects):
    """Lay out *entries* as the new directory *name* in the directory descriptor *parent*.

    Every step is relative to a directory descriptor and follows no link. *objects* has
    ``place(entry, directory, name)``, which brings a file's content there.
    """
    below = children(entries)

    def lay(directory, prefix):
        for entry in below[prefix]:
            leaf = entry.path.rpartition("/")[2]
            if entry.type == "symlink":
                os.symlink(entry.target, leaf, dir_fd=directory)
                if os.geteuid() == 0:
                    os.chown(leaf, access.uid, access.gid, dir_fd=directory, follow_symlinks=False)
            elif entry.type == "file":
                objects.place(entry, directory, leaf)
            else:
                make_directory(directory, leaf, access, lambda d, path=entry.path: lay(d, path))

    make_directory(parent, name, access, lambda directory: lay(directory, ""))


def make_directory(parent, name, access, fill):
    """Make the directory *name*, let ``fill(descriptor)`` fill it, then set owner and mode."""
    os.mkdir(name, 0o700, dir_fd=parent)
    descriptor = os.open(name, _scan.OPEN_DIRECTORY, dir_fd=parent)
    try:
        fill(descriptor)
        own(descriptor, access, access.mode(_manifest.Entry(name, "dir")))
    finally:
        os.close(descriptor)


def own(descriptor, access, mode):
    """Give the open file or directory its owner, group and mode, whatever the umask."""
    status = os.fstat(descriptor)
    if (status.st_uid, status.st_gid) != (access.uid, access.gid):
        os.fchown(descriptor, access.uid, access.gid)
    if stat.S_IMODE(status.st_mode) != mode:
        os.fchmod(descriptor, mode)


def verify(parent, name, entries, access, runtime_paths, trusted=frozenset()):
    """Return ([Drift …], [runtime path …]) of the tree *name* against *entries*, sorted.

    Everything is looked at and every file is hashed, but for the inodes in *trusted*, which this
    process has just written and hashed. What *runtime_paths* match is listed apart when it is
    extra. A directory that is extra is named once, with a trailing slash.
    """
    below = children(entries)
    is_runtime = _globs.compile_globs(runtime_paths)
    drift: List[Drift] = []
    runtime: List[str] = []

    def look(directory, prefix):
        wanted = {entry.path.rpartition("/")[2]: entry for entry in below[prefix]}
        found = set(os.listdir(directory))
        for leaf in wanted.keys() - found:
            drift.append(Drift(wanted[leaf].path, "missing"))
        for leaf in found - wanted.keys():
            path = "%s/%s" % (prefix, leaf) if prefix else leaf
            (runtime.append if is_runtime(path) else _note_extra(directory, leaf, drift))(path)
        for leaf in found & wanted.keys():
            entry = wanted[leaf]
            drift.extend(
                Drift(entry.path, change)
                for change in _changes(directory, leaf, entry, access, trusted)
            )
            if entry.type == "dir":
                try:
                    deeper = os.open(leaf, _scan.OPEN_DIRECTORY, dir_fd=directory)
                except OSError:
                    continue  # told already: not a directory any more
                try:
                    look(deeper, entry.path)
                finally:
                    os.close(deeper)

    try:
        top = os.open(name, _scan.OPEN_DIRECTORY, dir_fd=parent)
    except OSError:
        return [Drift(".", "missing")], []
    try:
        drift.extend(
            Drift(".", change)
            for change in _status_changes(os.fstat(top), _manifest.Entry(".", "dir"), access)
        )
        look(top, "")
    finally:
        os.close(top)
    return sorted(drift), sorted(runtime)


def remove(parent, name):
    """Remove the tree *name* below the directory descriptor *parent*, following no link."""
    try:
        descriptor = os.open(name, _scan.OPEN_DIRECTORY, dir_fd=parent)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in (errno.ENOTDIR, errno.ELOOP):
            raise
        os.unlink(name, dir_fd=parent)
        return
    try:
        with os.scandir(descriptor) as listing:
            items = [(item.name, item.is_dir(follow_symlinks=False)) for item in listing]
        for leaf, is_directory in items:
            if is_directory:
                remove(descriptor, leaf)
            else:
                os.unlink(leaf, dir_fd=descriptor)
    finally:
        os.close(descriptor)
    os.rmdir(name, dir_fd=parent)


def hash_file(directory, name):
    """Return the hex SHA-256 of the file *name* in a directory descriptor."""
    descriptor = os.open(name, _scan.OPEN_FILE, dir_fd=directory)
    try:
        return hash_descriptor(descriptor)
    finally:
        os.close(descriptor)


def hash_descriptor(descriptor):
    """Return the hex SHA-256 of what is left to read of an open file."""
    digest = hashlib.sha256()
    while True:
        chunk = os.read(descriptor, _codec.CHUNK_BYTES)
        if not chunk:
            return digest.hexdigest()
        digest.update(chunk)


def _note_extra(directory, leaf, drift):
    status = os.stat(leaf, dir_fd=directory, follow_symlinks=False)
    end = "/" if stat.S_ISDIR(status.st_mode) else ""
    return lambda path: drift.append(Drift(path + end, "extra"))


def _changes(directory, leaf, entry, access, trusted) -> List[str]:
    status = os.stat(leaf, dir_fd=directory, follow_symlinks=False)
    if entry.type == "symlink":
        if not stat.S_ISLNK(status.st_mode):
            return ["type"]
        return [] if os.readlink(leaf, dir_fd=directory) == entry.target else ["modified"]
    changes = _status_changes(status, entry, access)
    if entry.type == "file" and "type" not in changes and status.st_ino not in trusted:
        if status.st_size != entry.size or hash_file(directory, leaf) != entry.sha256:
            changes.insert(0, "modified")
    return changes


def _status_changes(status, entry, access) -> List[str]:
    is_type = stat.S_ISDIR if entry.type == "dir" else stat.S_ISREG
    if not is_type(status.st_mode):
        return ["type"]
    changes = []
    mode, wanted = stat.S_IMODE(status.st_mode), access.mode(entry)
    if (mode ^ wanted) & 0o111 and entry.type == "file":
        changes.append("exec")
    elif mode != wanted:
        changes.append("mode")
    if (status.st_uid, status.st_gid) != (access.uid, access.gid):
        changes.append("owner")
    return changes


class Objects:
    """The contents that trees share: new ones in staging, older ones in the store.

    Each content is kept once per exec bit as ``<sha256>[.x]``; the store parts them into
    directories by the first two digits.
    """

    def __init__(self, store, staging, access):
        self.trusted = set()  # inodes that this process wrote or hashed
        self._store = store
        self._staging = staging
        self._access = access
        self._staged = set()
        self._can_clone = True

    def add(self, sha256, size, chunks, executables):
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

    def place(self, entry, directory, name):
        """Bring the content of *entry* to *name* by clone, hard link or copy.

        Contents that are ``private`` or ``writable`` are always copied: a link would share their
        mode, or their fate. Raises FileNotFoundError where the content is missing.
        """
        if not (entry.private or entry.writable):
            folder, source = self._find(entry)
            try:
                if self._clone(folder, source, entry, directory, name):
                    return
                os.link(
                    source, name, src_dir_fd=folder, dst_dir_fd=directory, follow_symlinks=False
                )
                return
            except OSError as error:
                if error.errno not in (errno.EMLINK, errno.EPERM, errno.EXDEV, errno.ENOTSUP):
                    raise
        self._create(directory, name, entry, self._chunks_of(entry))

    def publish(self):
        """Give the staged contents their names in the store, over damaged ones that were there."""
        for leaf in sorted(self._staged):
            try:
                os.mkdir(leaf[:2], 0o700, dir_fd=self._store)
            except FileExistsError:
                pass
            os.rename(leaf, _stored(leaf), src_dir_fd=self._staging, dst_dir_fd=self._store)
        self._staged.clear()

    def _write(self, entry, chunks):
        self._create(self._staging, object_name(entry), entry, chunks)
        self._staged.add(object_name(entry))

    def _create(self, directory, name, entry, chunks):
        descriptor = os.open(name, CREATE, 0o600, dir_fd=directory)
        try:
            for chunk in chunks:
                view = memoryview(chunk)
                while view:
                    view = view[os.write(descriptor, view) :]
            own(descriptor, self._access, self._access.mode(entry))
            self.trusted.add(os.fstat(descriptor).st_ino)
        finally:
            os.close(descriptor)

    def _holds(self, entry):
        """Return whether the store has the content of *entry*, whole and with its owner and mode."""
        leaf = object_name(entry)
        if leaf in self._staged:
            return True
        try:
            descriptor = os.open(_stored(leaf), _scan.OPEN_FILE, dir_fd=self._store)
        except OSError:
            return False
        try:
            status = os.fstat(descriptor)
            good = (
                not _status_changes(status, entry, self._access)
                and status.st_size == entry.size
                and hash_descriptor(descriptor) == entry.sha256
            )
            if good:
                self.trusted.add(status.st_ino)
            return good
        finally:
            os.close(descriptor)

    def _find(self, entry) -> Tuple[int, str]:
        """Return (directory descriptor, path) of the object of *entry*, made where needed."""
        leaf = object_name(entry)
        if leaf in self._staged:
            return self._staging, leaf
        path = _stored(leaf)
        try:
            os.stat(path, dir_fd=self._store, follow_symlinks=False)
        except FileNotFoundError:
            # Only the other exec bit is there: make this one from it.
            self._write(entry, self._chunks_of(entry))
            return self._staging, leaf
        return self._store, path

    def _chunks_of(self, entry):
        """Yield the content of *entry*, of either exec bit; the last chunk only when it is whole."""
        descriptor = self._open(entry)
        digest, held = hashlib.sha256(), b""
        try:
            for chunk in iter(lambda: os.read(descriptor, _codec.CHUNK_BYTES), b""):
                digest.update(chunk)
                if held:
                    yield held
                held = chunk
        finally:
            os.close(descriptor)
        if digest.hexdigest() != entry.sha256:
            raise FileNotFoundError(errno.ENOENT, "content is damaged", entry.sha256)
        if held:
            yield held

    def _open(self, entry):
        for leaf in (object_name(entry), object_name(entry._replace(exec=not entry.exec))):
            staged = leaf in self._staged
            folder, path = (self._staging, leaf) if staged else (self._store, _stored(leaf))
            try:
                return os.open(path, _scan.OPEN_FILE, dir_fd=folder)
            except FileNotFoundError:
                continue
        raise FileNotFoundError(errno.ENOENT, "content is missing", entry.sha256)

    def _clone(self, folder, source, entry, directory, name):
        """Share the blocks of the object with a new file; return whether that is possible here."""
        if not self._can_clone:
            return False
        origin = os.open(source, _scan.OPEN_FILE, dir_fd=folder)
        try:
            descriptor = os.open(name, CREATE, 0o600, dir_fd=directory)
            try:
                fcntl.ioctl(descriptor, FICLONE, origin)
                own(descriptor, self._access, self._access.mode(entry))
                if os.fstat(origin).st_ino in self.trusted:
                    self.trusted.add(os.fstat(descriptor).st_ino)
                return True
            except OSError:
                self._can_clone = False
                os.unlink(name, dir_fd=directory)
                return False
            finally:
                os.close(descriptor)
        finally:
            os.close(origin)


def object_name(entry):
    """Return the name of the content of *entry* among the objects."""
    return entry.sha256 + (".x" if entry.exec else "")


def _stored(leaf):
    return leaf[:2] + "/" + leaf
