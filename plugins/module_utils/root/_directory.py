# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The deployment root: its folders, its lock, its state and what is current."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pwd
import stat
import time
from typing import TYPE_CHECKING

from ..errors._release_error import ReleaseError
from ..files import _ancestors, _durable, _paths
from ..formats import _canonical
from ..release import _manifest
from . import _state, _state_form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..tree import _layout

FORMAT = 3
GOVERNED_FORMAT = 4  # with the ledger that governs the root
READ_FORMATS = (1, 2, 3, 4)  # what is newer has a default that is right for the older
OURS = ".release"
# What may be there before the first deployment: our own, and what tools like ours make.
FAMILIAR = {"current", "lost+found", "releases", "shared"}
SYSTEM = frozenset(
    "/ /bin /boot /dev /etc /home /lib /lib32 /lib64 /media /mnt /opt /proc /root /run /sbin /srv "
    "/sys /tmp /usr /usr/bin /usr/lib /usr/lib64 /usr/local /usr/local/bin /usr/local/lib "
    "/usr/sbin /usr/share /var /var/cache /var/lib /var/log /var/run /var/spool /var/tmp".split()
)
FOLDERS = ("objects", "staging", "manifests", "drop")


class RootError(ReleaseError):
    """A deployment root is not as it must be; nothing in it was changed."""

    code = "invalid_root"


class Moved(Exception):
    """Another run wrote between the reading of the state and of what is current: look again."""


class Root:
    """An open deployment root. Everything is done relative to its directory descriptors."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor
        self.ours = open_directory(descriptor, OURS)

    def folder(self, name: str) -> int:
        """Return a new descriptor of one of our folders, or of ``releases`` and ``shared``."""
        return open_directory(self.ours if name in FOLDERS else self.descriptor, name)

    def names(self, folder: str) -> set[str]:
        """Return the names in a folder; none where it is missing, as what was killed leaves it."""
        try:
            descriptor = self.folder(folder)
        except FileNotFoundError:
            return set()
        try:
            return set(os.listdir(descriptor))
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def locked(self, timeout: float, run: str) -> Iterator[None]:
        """Hold the root's lock; fail within *timeout* seconds, naming who holds it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open("lock", flags, 0o600, dir_fd=self.ours)
        except FileNotFoundError:
            self._check_there()
            raise
        try:
            _flock(descriptor, timeout, self.path)
            self._check_there()
            # Written over the name before, then cut: it is a name at any moment.
            holder = ("pid %d of %s\n" % (os.getpid(), run)).encode("utf-8")
            os.pwrite(descriptor, holder, 0)
            os.ftruncate(descriptor, len(holder))
            yield
        finally:
            os.close(descriptor)

    def read_state(self) -> _state.State:
        """Return the State, a new one where there is none; RootError when it cannot be read."""
        try:
            descriptor = os.open("state.json", _paths.OPEN_FILE, dir_fd=self.ours)
        except FileNotFoundError:
            return _state.State(uid=os.geteuid())
        with os.fdopen(descriptor, "rb") as stream:
            data = stream.read()
        try:
            plain = _canonical.loads(data)
            if plain["format"] not in READ_FORMATS:
                raise unknown_format(self._state_path(), plain["format"], READ_FORMATS[-1])
            plain = _canonical.unsummed(plain)
            del plain["format"]
            if set(plain) - _state_form.RECORDED:
                raise RootError("%s has entries unknown here" % self._state_path())
            return _state_form.from_plain(plain, _canonical.sha256_hex(data))
        except (TypeError, AttributeError, KeyError, _canonical.CanonicalError) as error:
            said = _canonical.one_line(error)
            raise RootError("%s cannot be read: %s" % (self._state_path(), said)) from None

    def write_state(self, state: _state.State) -> None:
        """Record *state* durably."""
        number = GOVERNED_FORMAT if state.governed else FORMAT
        plain = {"format": number, **_state_form.to_plain(state)}
        data = _canonical.dumps(_canonical.summed(plain))
        _durable.write_file(self.ours, "state.json", data)
        state.as_read = _canonical.sha256_hex(data)

    def read_current(self, state: _state.State) -> str | None:
        """Return the tree that ``current`` points to, or None when there is no such name.

        It is of the moment of *state*, which was read before: raises Moved where it cannot be.
        Raises RootError when it is not ours: a real directory, or a link to anything else.
        """
        target = tree = None
        try:
            target = os.readlink("current", dir_fd=self.descriptor)
            tree = tree_of_link(self.path, target)
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            raise RootError(
                "%s/current is not a link, and not ours: nothing was touched" % self.path
            ) from None
        if tree != state.current or (target and not tree):
            self._check_unchanged(state)
        if target and (tree is None or not _knows(state, tree)):
            raise RootError(
                "%s/current points to %r, which is not ours: nothing was touched"
                % (self.path, target)
            )
        return tree

    def existing_trees(self, state: _state.State) -> set[str]:
        """Return the names of the recorded trees that are really there."""
        return self.names("releases").intersection(state.trees)

    def read_manifest(self, digest: str) -> _manifest.Manifest | None:
        """Return the Manifest of a release that was staged here, or None; its bytes are checked.

        RootError for one that a newer version wrote: it is whole, and only that can read it.
        """
        try:
            folder = self.folder("manifests")
            try:
                descriptor = os.open(digest, _paths.OPEN_FILE, dir_fd=folder)
            finally:
                os.close(folder)
            with os.fdopen(descriptor, "rb") as stream:
                data = stream.read()
        except OSError:  # missing, or damaged: as good as that
            return None
        try:
            return _manifest.parse(data, digest)
        except _manifest.UnknownFormat as error:
            path = os.path.join(self.path, OURS, "manifests", digest)
            raise RootError("%s: %s" % (path, error)) from None
        except _manifest.ManifestError:
            return None

    def _check_unchanged(self, state: _state.State) -> None:
        """Raise Moved unless *state* is what is recorded, and here.

        Who switches writes the state before and after it, by one token or by several; who removes
        everything takes the folder away that it was read in.
        """
        if self.read_state().as_read != state.as_read or not self.is_there():
            raise Moved

    def _check_there(self) -> None:
        """Raise RootError when another run has removed everything while this one waited."""
        if not self.is_there():
            raise RootError("%s was removed by another run meanwhile; run again" % self.path)

    def is_there(self) -> bool:
        """Tell whether the root is still the one that was opened: nobody removed everything."""
        try:
            there = os.stat(OURS, dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(self.ours))

    def close(self) -> None:
        """Close the root's descriptors."""
        os.close(self.ours)
        os.close(self.descriptor)

    def _state_path(self) -> str:
        return os.path.join(self.path, OURS, "state.json")


def _knows(state: _state.State, tree: str) -> bool:
    return tree in {*state.trees, state.live, state.trial}


def unknown_format(path: str, format_: object, newest: int) -> RootError:
    """Return the RootError for a file that another version of this collection wrote."""
    return RootError(
        "%s has format %s, and this itops.release reads up to %d: upgrade it"
        % (path, _canonical.one_line(format_), newest)
    )


def tree_of_link(path: str, target: str) -> str | None:
    """Return the name in ``releases`` that ``current`` at *path* leads to, or None for elsewhere.

    Ours are relative; others also write ``./releases``, absolute paths, and a slash at the end.
    """
    path = _paths.local(path)
    folder, _slash, tree = target.rstrip("/").rpartition("/")
    where = os.path.realpath(os.path.join(path, folder))
    return tree if tree and where == os.path.realpath(os.path.join(path, "releases")) else None


@contextlib.contextmanager
def opened(path: str, looks_only: bool = False) -> Iterator[Root | None]:
    """Give the Root at the absolute *path*, or None where nothing of ours is.

    Raises RootError where others could replace it, or what is in it. Who *looks_only* asks what
    the user who writes the root has there, and so trusts that one too.
    """
    if not os.path.isabs(path):
        raise RootError("root %r is not an absolute path" % path)
    if not path.strip("/."):
        raise RootError("root %r is the root of the host: give a directory of its own" % path)
    try:
        descriptor = open_top(path, looks_only=looks_only)
    except FileNotFoundError:
        yield None
        return
    try:
        root = Root(path, descriptor)
    except FileNotFoundError:
        os.close(descriptor)
        yield None
        return
    except PermissionError:  # only who writes a root can look into what is ours
        owner = os.stat(OURS, dir_fd=descriptor, follow_symlinks=False).st_uid
        os.close(descriptor)
        raise RootError(written_by(path, owner)) from None
    try:
        yield root
    finally:
        root.close()


def open_top(path: str, make: bool = False, looks_only: bool = False) -> int:
    """Return a descriptor of the directory at *path*, made with *make* where it is missing.

    Raises RootError where others than root and this user could replace it, or what is right in it.
    ``shared`` may be anybody's.
    """
    local = _paths.local(path)
    users = _ancestors.trusted()
    if looks_only:
        with contextlib.suppress(OSError):
            users.add(os.lstat(os.path.join(local, OURS)).st_uid)
    try:
        way = _ancestors.open_directory(local, users, make)
        try:
            _ancestors.check(way, local, users)
            for name in (OURS, "releases"):
                with contextlib.suppress(FileNotFoundError):
                    below = os.open(name, _ancestors.LOOK, dir_fd=way)
                    try:
                        if stat.S_ISDIR(os.fstat(below).st_mode):  # else it is refused later
                            _ancestors.check(below, os.path.join(local, name), users)
                    finally:
                        os.close(below)
            return os.open(".", _paths.OPEN_DIRECTORY, dir_fd=way)
        finally:
            os.close(way)
    except _ancestors.Unsafe as error:
        raise _unsafe(local, path, error) from None


def _unsafe(local: str, path: str, error: _ancestors.Unsafe) -> RootError:
    """Return the RootError for a root that others could replace; its own user is told first."""
    with contextlib.suppress(OSError):
        owner = os.lstat(os.path.join(local, OURS)).st_uid
        if owner != os.geteuid():
            return RootError(written_by(path, owner))
    return RootError("root %s: %s" % (path, error))


def written_by(path: str, uid: int) -> str:
    """Return the line that says that another user, *uid*, writes the root at *path*."""
    return "%s is written by %s; this run is %s: become that user" % (
        path,
        user_name(uid),
        user_name(os.geteuid()),
    )


def user_name(uid: int) -> str:
    """Return the name of the user *uid*, or the number of one that has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return "uid %d" % uid


def create(path: str, access: _layout.Access) -> None:
    """Make the folders of a deployment root at *path*; those that are there stay as they are."""
    umask = os.umask(0o022)
    try:
        descriptor = open_top(path, make=True)
    finally:
        os.umask(umask)
    try:
        readable, passable = (0o755, 0o755) if access.access == "public" else (0o750, 0o751)
        _ensure(descriptor, OURS, 0o711, None)
        with contextlib.closing(Root(path, os.dup(descriptor))) as root:
            ensure_folders(root)
        _ensure(descriptor, "shared", readable, access)
        if _ensure(descriptor, "releases", readable, access):
            # The folder itself stays whose it was, but those who may read must get in.
            os.fchmod(descriptor, stat.S_IMODE(os.fstat(descriptor).st_mode) | passable)
    finally:
        os.close(descriptor)


def is_of_system(path: str) -> bool:
    """Tell whether *path*, or what it leads to, is a directory of the system."""
    local = "/" + _paths.local(path).lstrip("/")
    return bool(SYSTEM & {os.path.normpath(local), os.path.realpath(local)})


def refuse_foreign(path: str, allowed: bool) -> None:
    """Raise RootError where *path* cannot become a deployment root: nothing of ours is there yet.

    That is a directory of the system, or, unless *allowed*, one with files of others in it.
    """
    local = _paths.local(path)
    if is_of_system(path):
        raise RootError(
            "root (deploy_root in the role) is %s, a directory of the system: choose one of "
            "its own for the application" % path
        )
    try:
        names = os.listdir(local)
    except OSError:
        return
    foreign = sorted(
        _paths.from_os(name) for name in names if name not in FAMILIAR and name[:1] != "."
    )
    if foreign and not allowed:
        shown = ", ".join(foreign[:3]) + (", …" if len(foreign) > 3 else "")
        raise RootError(
            "root (deploy_root in the role) is %s, which has files that no deployment made (%s): "
            "choose an empty directory, or set foreign_files: true (deploy_foreign_files)"
            % (path, shown)
        )


def ensure_folders(root: Root) -> None:
    """Make those of our own folders in *root* that are missing; Moved where all was removed."""
    try:
        for name in FOLDERS:
            _ensure(root.ours, name, 0o711 if name == "drop" else 0o700, None)
    except FileNotFoundError:
        if root.is_there():
            raise
        raise Moved from None


def _ensure(directory: int, name: str, mode: int, access: _layout.Access | None) -> bool:
    """Make the folder *name* unless it is there; return whether it was made.

    It gets its name last, so that a killed run leaves none with another mode.
    """
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
        return False
    except FileNotFoundError:
        pass
    scratch = ".%s.new" % name
    with contextlib.suppress(FileExistsError):
        os.mkdir(scratch, 0o700, dir_fd=directory)
    descriptor = open_directory(directory, scratch)
    try:
        if access and os.fstat(descriptor).st_gid != access.gid:
            os.fchown(descriptor, -1, access.gid)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)
    os.rename(scratch, name, src_dir_fd=directory, dst_dir_fd=directory)
    return True


def open_directory(directory: int, name: str | bytes) -> int:
    """Return a descriptor of the folder *name*; RootError when something else has that name."""
    try:
        return os.open(name, _paths.OPEN_DIRECTORY, dir_fd=directory)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise RootError("%r is not a directory: nothing was touched" % name) from None
        raise


def _flock(descriptor: int, timeout: float, path: str) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
        if time.monotonic() >= deadline:
            said = os.pread(descriptor, 200, 0).decode("utf-8", "replace").partition("\n")[0]
            holder = said or "an unknown process"
            raise RootError("%s is locked by %s for more than %d s" % (path, holder, timeout))
        time.sleep(0.05)
