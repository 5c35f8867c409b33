# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The workspace of a build: where everything lies in it, whose it is now, and what it says.

``<workspace>/<component>/`` are the sources after the build, ``build.json`` its record, and
``.build`` has all else: caches, what was fetched, logs, homes, and what a controller polls.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
import tempfile
import time
from typing import Callable, NamedTuple

from ..errors._release_error import ReleaseError
from ..files import _deletion, _durable, _paths
from ..formats import _canonical
from . import _record

BASE = ".build"
EARLIER = "earlier.json"  # the record of the build before, until its trees are touched
TOLD = "told-"
TOLD_SECONDS = 24 * 3600
FIRST_SECONDS = 20
LONGEST_OWNER = 500


class BuildError(ReleaseError):
    """A build cannot be had; the text says why in a line, *tail* is what a step said last."""

    code = "build_failed"

    def __init__(self, text: str, tail: str = "") -> None:
        super().__init__(text)
        self.tail = tail


class Place(NamedTuple):
    """Where one build works: components below *workspace*, what it needs for itself in *base*.

    *shared* has what both builds of ``rebuild: verify`` fetch once, and what is polled.
    """

    workspace: str
    base: str
    shared: str

    def component(self, name: str) -> str:
        """Return the folder of a component's sources."""
        return os.path.join(self.workspace, name)

    def log(self, name: str) -> str:
        """Return the path of a component's log."""
        return os.path.join(self.base, "log", name + ".log")

    def git(self) -> str:
        """Return the folder with the caches of repositories."""
        return os.path.join(self.shared, "git")

    def fetched(self, name: str) -> str:
        """Return the folder for what was fetched for a component."""
        return os.path.join(self.shared, "fetched", name)


def enter(workspace: str) -> Place:
    """Return the Place of a build in *workspace*, which is made when it is not there.

    A folder that holds other things is refused: a build removes what has a component's name.
    """
    if not os.path.isabs(workspace):
        raise BuildError("workspace %r: give an absolute path" % workspace)
    try:
        there = os.listdir(workspace)
    except FileNotFoundError:
        os.makedirs(workspace, 0o755)
        there = []
    if there and BASE not in there:
        raise BuildError(
            "workspace %s holds other things, such as %r: give a folder of its own"
            % (workspace, sorted(there)[0])
        )
    base = os.path.join(workspace, BASE)
    with contextlib.suppress(FileExistsError):
        os.mkdir(base, 0o700)
    if not stat.S_ISDIR(os.lstat(base).st_mode):
        raise BuildError("%s is no directory" % base)
    return Place(workspace, base, base)


def visit(workspace: str) -> Place:
    """Return a Place elsewhere for a build in *workspace* that leaves nothing there."""
    base = tempfile.mkdtemp(prefix="release-build-")
    return Place(workspace, base, base)


def second(place: Place) -> Place:
    """Return a Place for building the same once more, under other names."""
    return Place(
        os.path.join(place.base, "again"), os.path.join(place.base, "again-base"), place.shared
    )


def lock(place: Place, owner: str) -> int:
    """Claim *place* for the build that *owner* names, in a line; return what holds it when open.

    Raises BuildError, naming the build that has it.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(os.path.join(place.base, "lock"), flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise
        first = os.pread(descriptor, LONGEST_OWNER, 0).decode("utf-8", "replace")
        os.close(descriptor)
        raise BuildError(
            "workspace %s is in use: %s builds there"
            % (place.workspace, _canonical.one_line(first) or "another run")
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, owner.encode("utf-8", "replace")[:LONGEST_OWNER], 0)
    return descriptor


def set_aside(place: Place) -> _record.Record | None:
    """Take the record from the workspace, so that nothing is sealed from it meanwhile.

    Return it, or None; a run that was killed after this left it aside already.
    """
    aside = os.path.join(place.base, EARLIER)
    with contextlib.suppress(FileNotFoundError):
        os.rename(os.path.join(place.workspace, _record.NAME), aside)
    return _read_record(aside)


def look_at(workspace: str) -> _record.Record | None:
    """Return the record of the build in *workspace*, set aside or not, or None."""
    paths = [os.path.join(workspace, *names) for names in ((_record.NAME,), (BASE, EARLIER))]
    return _read_record(paths[0]) or _read_record(paths[1])


def put_back(place: Place) -> None:
    """Put the record that was set aside back, since it is still right."""
    os.rename(os.path.join(place.base, EARLIER), os.path.join(place.workspace, _record.NAME))


def begin(place: Place, earlier: _record.Record | None) -> None:
    """Remove what an *earlier* build, its record or None, left of its components."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(place.base, EARLIER))
    names = [component["name"] for component in earlier["components"]] if earlier else []
    # Of a record only names are believed that name something in the workspace, and not .build.
    for name in names:
        if not name.startswith(".") and "/" not in name:
            clear(place.component(name))


def end(place: Place, record: _record.Record) -> None:
    """Write the *record*, last of all and in one step."""
    descriptor = os.open(place.workspace, _paths.OPEN_DIRECTORY & ~os.O_NOFOLLOW)
    try:
        data = _record.render(record)
        _durable.write_file(descriptor, _record.NAME, data, 0o644)
    finally:
        os.close(descriptor)


def clear(path: str) -> None:
    """Remove what is at *path*, following no link, also folders that deny writing to their owner.

    Caches of modules are often made so.
    """
    parent, name = os.path.split(path)
    try:
        descriptor = os.open(parent, _paths.OPEN_DIRECTORY & ~os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        try:
            _deletion.remove(descriptor, name)
        except PermissionError:
            if os.path.islink(path):
                raise
            for folder, _names, _files in os.walk(path):  # it enters no link
                os.chmod(folder, 0o700)
            _deletion.remove(descriptor, name)
    finally:
        os.close(descriptor)


def fresh(path: str, mode: int = 0o700) -> str:
    """Make *path* an empty folder and return it."""
    clear(path)
    os.makedirs(path, mode)
    return path


class Polled:
    """What a controller looks at while a build runs: lines that it reads, a file that it touches.

    Where that file is gone, or nobody touched it for *patience* seconds, nobody waits any more. A
    controller that was ended before it touched it once will not do so: that takes less patience.
    Each build has its own, for the next one may begin before the end of this one was read.
    """

    def __init__(self, place: Place, patience: float, now: Callable[[], float]) -> None:
        self._patience, self._now = patience, now
        _remove_old(place.shared)
        folder = tempfile.mkdtemp(prefix=TOLD, dir=place.shared)
        self.events = os.path.join(folder, "events")
        self.touched = os.path.join(folder, "polled")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self.events, flags, 0o600)
        with open(self.touched, "wb"):
            pass
        self._last, self._since = os.stat(self.touched).st_mtime_ns, now()
        self._is_polled = False

    def say(self, **event: object) -> None:
        """Tell an *event* in a line of ASCII, written at once so that lines never mix."""
        os.write(self._descriptor, json.dumps(event).encode("ascii") + b"\n")

    def is_waited_for(self) -> bool:
        """Tell whether a controller still waits for this build."""
        try:
            touched = os.stat(self.touched).st_mtime_ns
        except FileNotFoundError:
            return False
        if touched != self._last:
            self._is_polled = True
            self._last, self._since = touched, self._now()
        patience = self._patience if self._is_polled else min(self._patience, FIRST_SECONDS)
        return self._now() - self._since < patience


def _remove_old(base: str) -> None:
    """Remove what builds told that ended so long ago that nobody reads it any more."""
    for name in os.listdir(base):
        path = os.path.join(base, name)
        if name.startswith(TOLD) and time.time() - os.stat(path).st_mtime > TOLD_SECONDS:
            clear(path)


def _read_record(path: str) -> _record.Record | None:
    try:
        with open(path, "rb") as stream:
            return _record.parse(stream.read(_record.LARGEST_BYTES + 1), path)
    except (FileNotFoundError, _record.RecordError):
        return None
