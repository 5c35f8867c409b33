# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drop place: where a pack arrives, and where one that broke off waits for the next run.

A drop is a folder of its own for each time that a pack is asked for. In it ``pack`` is one sent
from its beginning, ``kept`` what an earlier run got across, and ``kept.<n>`` what belongs behind
the first *n* bytes of that; ``run`` names the run that asked.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import pwd
import re
import secrets
import stat

from ..files import _deletion, _paths
from ..formats import _codec
from ..root import _claim, _directory

WHOLE = "pack"
KEPT = "kept"
RUN = "run"
ATTEMPTS = 9  # at removing a drop, one for each file that may come to it, and more
PIECE = re.compile(r"kept\.([0-9]{1,18})\Z")


def make(root, login, becomes, release, run, lock_timeout):
    """Make a drop for the pack of *release*, a digest; return its path, and what is there already.

    Only the login user can write to it, or where this user is neither root nor that one, only this
    user. *login* is the login user's name, if it is known; *becomes* tells whether this is another
    user now. The result has ``drop`` and ``partial``: ``{bytes, sha256}`` of the beginning of a
    pack of this release that an earlier run sent, or None. All other drops are removed, and with
    them those of runs that are still sending: they learn from this one that *run* is here. Of two
    that ask at once the later one gets its way: drops are made under the root's lock.
    """
    owner = os.geteuid()
    if becomes and owner == 0:
        owner = _login_uid(login)
    name = _prefix(release) + secrets.token_hex(8)
    with contextlib.ExitStack() as stack:
        folder = root.folder("drop")
        stack.callback(os.close, folder)
        with root.locked(lock_timeout, run):
            os.mkdir(name, 0o700, dir_fd=folder)
            _write_run(folder, name, run)
            kept = _keep_remains(stack, folder, _prefix(release), name, owner)
            if owner != os.geteuid():
                os.chown(name, owner, -1, dir_fd=folder, follow_symlinks=False)
            _clear(folder, but=name)
        partial = None if kept is None else _describe(kept)
    return os.path.join(root.path, _directory.OURS, "drop", name), partial


def open_pack(root, path):
    """Return the pack in the drop of *root* at *path* as a binary file; no link is followed.

    Raises DeploymentError where it is gone, or is not a file.
    """
    try:
        with contextlib.ExitStack() as stack:
            folder = root.folder("drop")
            stack.callback(os.close, folder)
            name = os.path.basename(_paths.local(path))
            directory = stack.enter_context(_opened_directory(name, folder))
            _join(directory)
            name = WHOLE if _status(directory, WHOLE) else KEPT
            descriptor = os.open(name, _paths.OPEN_FILE, dir_fd=directory)
    except FileNotFoundError:
        raise _claim.DeploymentError(
            "the pack in %s is gone: another run deploys there too; run again" % path
        ) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _claim.DeploymentError("the pack in %s is not a file" % path)
    return os.fdopen(descriptor, "rb")


def taken_by(root, path):
    """Return the run that asked for a pack after the drop at *path* was made, or None."""
    folder = root.folder("drop")
    try:
        for name in os.listdir(folder):
            if name != os.path.basename(path):
                with contextlib.suppress(OSError):
                    descriptor = os.open(os.path.join(name, RUN), _paths.OPEN_FILE, dir_fd=folder)
                    with os.fdopen(descriptor, encoding="utf-8", errors="replace") as stream:
                        # The folder is the sender's: a file that has other names may be anybody's.
                        if os.fstat(descriptor).st_nlink == 1:
                            return stream.readline(200).strip()
    finally:
        os.close(folder)
    return None


def remove(root, path):
    """Remove the drop at *path* only: another run may have one of its own."""
    folder = root.folder("drop")
    try:
        _remove(folder, os.path.basename(path))
    finally:
        os.close(folder)


def clear(root, held, run, lock_timeout):
    """Remove the drops for releases that are here, digests *held*: nobody needs them any more."""
    wanted = {_prefix(digest) for digest in held}
    folder = root.folder("drop")
    try:
        names = [name for name in os.listdir(folder) if name.partition("-")[0] + "-" in wanted]
        if names:
            with root.locked(lock_timeout, run):
                for name in names:
                    _remove(folder, name)
    finally:
        os.close(folder)


def _remove(folder, name):
    """Remove the drop *name*; whoever sends may still make a file in it, but not without end."""
    for _attempt in range(ATTEMPTS - 1):
        try:
            return _deletion.remove(folder, name)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    return _deletion.remove(folder, name)


def space(path):
    """Return the free ``bytes`` and ``inodes`` for the root at *path*, be it there or not.

    What lies in its drops counts as free: the next pack goes on from it, or it is removed.
    ``inodes`` is None on a file system that has no fixed number of them.
    """
    with _directory.opened(path) as root:
        remains = _sizes(root) if root else []
    path = _paths.local(path)
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    status = os.statvfs(path)
    return {
        "bytes": status.f_bavail * status.f_frsize + sum(remains),
        "inodes": status.f_favail + len(remains) if status.f_files else None,
    }


def _sizes(root):
    """Return the bytes on disk of each file in the drops that would be gone with its name."""
    sizes = []
    with contextlib.suppress(FileNotFoundError), contextlib.ExitStack() as stack:
        folder = root.folder("drop")
        stack.callback(os.close, folder)
        for drop in os.listdir(folder):
            with contextlib.suppress(OSError), _opened_directory(drop, folder) as directory:
                for name in os.listdir(directory):
                    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
                    if status.st_nlink == 1:
                        sizes.append(status.st_blocks * 512)
    return sizes


def _write_run(folder, name, run):
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(os.path.join(name, RUN), flags, 0o600, dir_fd=folder)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(run + "\n")


def _prefix(release):
    return release[:16] + "-"


def _keep_remains(stack, folder, prefix, name, owner):
    """Move the longest of what earlier runs sent to the drop *name*; return it, opened, or None."""
    found = []
    for drop in os.listdir(folder):
        if drop.startswith(prefix) and drop != name:
            with contextlib.suppress(OSError), _opened_directory(drop, folder) as directory:
                if os.fstat(directory).st_uid == owner:
                    _join(directory)
                    leaf = WHOLE if _status(directory, WHOLE) else KEPT
                    status = _status(directory, leaf)
                    if status and _is_file_of(status, owner) and status.st_size:
                        found.append((status.st_size, drop, leaf))
    if not found:
        return None
    _size, drop, leaf = max(found)
    kept = os.path.join(name, KEPT)
    try:
        os.rename(os.path.join(drop, leaf), kept, src_dir_fd=folder, dst_dir_fd=folder)
        descriptor = os.open(kept, _paths.OPEN_FILE, dir_fd=folder)
    except OSError:  # whoever sent it may remove it at any time, or put something else there
        return None
    stack.callback(os.close, descriptor)
    return descriptor if _is_file_of(os.fstat(descriptor), owner) else None


def _join(directory):
    """Write what a resumed transfer sent behind what was kept; done again, it does the same.

    Only files of the folder's own owner are written to: root could otherwise be led elsewhere.
    """
    names = [name for name in os.listdir(directory) if PIECE.match(name)]
    owner = os.fstat(directory).st_uid
    for start, name in sorted((int(PIECE.match(name)[1]), name) for name in names):
        with contextlib.ExitStack() as stack:
            piece = os.open(name, _paths.OPEN_FILE, dir_fd=directory)
            stack.callback(os.close, piece)
            kept = os.open(KEPT, os.O_WRONLY | _paths.OPEN_FILE, dir_fd=directory)
            stack.callback(os.close, kept)
            good = all(_is_file_of(os.fstat(opened), owner) for opened in (piece, kept))
            if good and os.fstat(kept).st_size >= start:
                _copy(piece, kept, start)
        os.unlink(name, dir_fd=directory)


def _copy(source, target, offset):
    for chunk in iter(lambda: os.read(source, _codec.CHUNK_BYTES), b""):
        view = memoryview(chunk)
        while view:
            written = os.pwrite(target, view, offset)
            view, offset = view[written:], offset + written


def _describe(descriptor):
    """Return size and SHA-256 of a file as it is now: who sent it may still be writing to it."""
    size = left = os.fstat(descriptor).st_size
    digest = hashlib.sha256()
    while left:
        chunk = os.read(descriptor, min(left, _codec.CHUNK_BYTES))
        if not chunk:
            return None
        digest.update(chunk)
        left -= len(chunk)
    return {"bytes": size, "sha256": digest.hexdigest()}


def _clear(folder, but):
    for name in os.listdir(folder):
        if name != but:
            _remove(folder, name)


@contextlib.contextmanager
def _opened_directory(name, folder):
    descriptor = os.open(name, _paths.OPEN_DIRECTORY, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _status(directory, name):
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _is_file_of(status, owner):
    return stat.S_ISREG(status.st_mode) and status.st_uid == owner


def _login_uid(login):
    """Return the uid that the connection logs in as; sudo knows best."""
    with contextlib.suppress(KeyError, ValueError):
        return int(os.environ["SUDO_UID"])
    with contextlib.suppress(KeyError, TypeError):
        return pwd.getpwnam(login).pw_uid
    return os.geteuid()
