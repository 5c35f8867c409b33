# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upload directories: where a pack arrives, and one that broke off waits for the next run.

There is one for each time that a pack is asked for. In it ``pack`` is one sent from its beginning,
``kept`` what an earlier run got across, and ``kept.<n>`` what belongs behind the first *n* bytes of
that; ``run`` names the run that asked.
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
from typing import BinaryIO, Collection, Iterator, List, Optional, Tuple

from ..files import _deletion, _paths
from ..formats import _codec
from ..root import _claim, _directory
from . import _answer

FOLDER = "drop"  # where they all are, as older versions call it
WHOLE = "pack"
KEPT = "kept"
RUN = "run"
ATTEMPTS = 9  # at removing one: one for each file that may come to it, and more
PIECE = re.compile(r"kept\.([0-9]{1,18})\Z")


def make(
    root: _directory.Root,
    login: Optional[str],
    becomes: bool,
    release: str,
    run: str,
    lock_timeout: float,
) -> Tuple[str, Optional[_answer.Partial]]:
    """Make an upload directory for the pack of *release*, a digest; return its path and a Partial.

    That is the beginning of a pack of this release that an earlier run sent, or None. Only the
    login user can write to the directory, or where this user is neither root nor that one, only
    this user. *login* is the login user's name, if it is known; *becomes* tells whether this is
    another user now. All other upload directories are removed, and with them those of runs that are
    still sending: they learn from this one that *run* is here. Of two that ask at once the later
    one gets its way: they are made under the root's lock.
    """
    owner = os.geteuid()
    if becomes and owner == 0:
        owner = _login_uid(login)
    name = _prefix(release) + secrets.token_hex(8)
    with contextlib.ExitStack() as stack:
        folder = root.folder(FOLDER)
        stack.callback(os.close, folder)
        with root.locked(lock_timeout, run):
            os.mkdir(name, 0o700, dir_fd=folder)
            _write_run(folder, name, run)
            kept = _keep_remains(stack, folder, _prefix(release), name, owner)
            if owner != os.geteuid():
                os.chown(name, owner, -1, dir_fd=folder, follow_symlinks=False)
            _clear(folder, but=name)
        partial = None if kept is None else _describe(kept)
    return os.path.join(root.path, _directory.OURS, FOLDER, name), partial


def open_pack(root: _directory.Root, path: str) -> BinaryIO:
    """Return the pack in the upload directory at *path* as a binary file; no link is followed.

    Raises DeploymentError where it is gone, or is not a file.
    """
    try:
        with contextlib.ExitStack() as stack:
            folder = root.folder(FOLDER)
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


def taken_by(root: _directory.Root, path: str) -> Optional[str]:
    """Return the run that asked for a pack after the directory at *path* was made, or None."""
    folder = root.folder(FOLDER)
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


def remove(root: _directory.Root, path: str) -> None:
    """Remove the upload directory at *path* only: another run may have one of its own."""
    folder = root.folder(FOLDER)
    try:
        _remove(folder, os.path.basename(path))
    finally:
        os.close(folder)


def clear(root: _directory.Root, held: Collection[str], run: str, lock_timeout: float) -> None:
    """Remove those for releases that are here, digests *held*: nobody needs them any more."""
    wanted = {_prefix(digest) for digest in held}
    folder = root.folder(FOLDER)
    try:
        names = [name for name in os.listdir(folder) if name.partition("-")[0] + "-" in wanted]
        if names:
            with root.locked(lock_timeout, run):
                for name in names:
                    _remove(folder, name)
    finally:
        os.close(folder)


def _remove(folder: int, name: str) -> None:
    """Remove the directory *name*; who sends may still make a file in it, but not without end."""
    for _attempt in range(ATTEMPTS - 1):
        try:
            _deletion.remove(folder, name)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    _deletion.remove(folder, name)


def space(path: str) -> _answer.Free:
    """Return what is Free for the root at *path*, be it there or not.

    What lies in its upload directories counts as free: the next pack goes on from it, or it is
    removed.
    """
    with _directory.opened(path) as root:
        remains = _sizes(root) if root else []
    path = _paths.local(path)
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    status = os.statvfs(path)
    return _answer.Free(
        bytes=status.f_bavail * status.f_frsize + sum(remains),
        inodes=status.f_favail + len(remains) if status.f_files else None,
    )


def _sizes(root: _directory.Root) -> List[int]:
    """Return the bytes on disk of each file that arrived and would be gone with its name."""
    sizes: List[int] = []
    with contextlib.suppress(FileNotFoundError), contextlib.ExitStack() as stack:
        folder = root.folder(FOLDER)
        stack.callback(os.close, folder)
        for upload in os.listdir(folder):
            with contextlib.suppress(OSError), _opened_directory(upload, folder) as directory:
                for name in os.listdir(directory):
                    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
                    if status.st_nlink == 1:
                        sizes.append(status.st_blocks * 512)
    return sizes


def _write_run(folder: int, name: str, run: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(os.path.join(name, RUN), flags, 0o600, dir_fd=folder)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(run + "\n")


def _prefix(release: str) -> str:
    return release[:16] + "-"


def _keep_remains(
    stack: contextlib.ExitStack, folder: int, prefix: str, name: str, owner: int
) -> Optional[int]:
    """Move the longest of what earlier runs sent to the directory *name*; return it, opened, or
    None."""
    found = []
    for upload in os.listdir(folder):
        if upload.startswith(prefix) and upload != name:
            with contextlib.suppress(OSError), _opened_directory(upload, folder) as directory:
                if os.fstat(directory).st_uid == owner:
                    _join(directory)
                    leaf = WHOLE if _status(directory, WHOLE) else KEPT
                    status = _status(directory, leaf)
                    if status and _is_file_of(status, owner) and status.st_size:
                        found.append((status.st_size, upload, leaf))
    if not found:
        return None
    _size, upload, leaf = max(found)
    kept = os.path.join(name, KEPT)
    try:
        os.rename(os.path.join(upload, leaf), kept, src_dir_fd=folder, dst_dir_fd=folder)
        descriptor = os.open(kept, _paths.OPEN_FILE, dir_fd=folder)
    except OSError:  # whoever sent it may remove it at any time, or put something else there
        return None
    stack.callback(os.close, descriptor)
    return descriptor if _is_file_of(os.fstat(descriptor), owner) else None


def _join(directory: int) -> None:
    """Write what a resumed transfer sent behind what was kept; done again, it does the same.

    Only files of the folder's own owner are written to: root could otherwise be led elsewhere.
    """
    matches = filter(None, map(PIECE.match, os.listdir(directory)))
    owner = os.fstat(directory).st_uid
    for start, name in sorted((int(match[1]), match[0]) for match in matches):
        with contextlib.ExitStack() as stack:
            piece = os.open(name, _paths.OPEN_FILE, dir_fd=directory)
            stack.callback(os.close, piece)
            kept = os.open(KEPT, os.O_WRONLY | _paths.OPEN_FILE, dir_fd=directory)
            stack.callback(os.close, kept)
            good = all(_is_file_of(os.fstat(opened), owner) for opened in (piece, kept))
            if good and os.fstat(kept).st_size >= start:
                _copy(piece, kept, start)
        os.unlink(name, dir_fd=directory)


def _copy(source: int, target: int, offset: int) -> None:
    for chunk in iter(lambda: os.read(source, _codec.CHUNK_BYTES), b""):
        view = memoryview(chunk)
        while view:
            written = os.pwrite(target, view, offset)
            view, offset = view[written:], offset + written


def _describe(descriptor: int) -> Optional[_answer.Partial]:
    """Return size and SHA-256 of a file as it is now: who sent it may still be writing to it."""
    size = left = os.fstat(descriptor).st_size
    digest = hashlib.sha256()
    while left:
        chunk = os.read(descriptor, min(left, _codec.CHUNK_BYTES))
        if not chunk:
            return None
        digest.update(chunk)
        left -= len(chunk)
    return _answer.Partial(size, digest.hexdigest())


def _clear(folder: int, but: str) -> None:
    for name in os.listdir(folder):
        if name != but:
            _remove(folder, name)


@contextlib.contextmanager
def _opened_directory(name: str, folder: int) -> Iterator[int]:
    descriptor = os.open(name, _paths.OPEN_DIRECTORY, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _status(directory: int, name: str) -> Optional[os.stat_result]:
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _is_file_of(status: os.stat_result, owner: int) -> bool:
    return stat.S_ISREG(status.st_mode) and status.st_uid == owner


def _login_uid(login: Optional[str]) -> int:
    """Return the uid that the connection logs in as; sudo knows best."""
    with contextlib.suppress(KeyError, ValueError):
        return int(os.environ["SUDO_UID"])
    if login is not None:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(login).pw_uid
    return os.geteuid()
