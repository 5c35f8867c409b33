# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an archive is made of, whatever its format: caps, the contents, and the rules of a scan."""

from __future__ import annotations

import contextlib
import stat
from typing import BinaryIO, Callable, Iterable, NamedTuple

from ..formats import _codec
from ..release import _manifest, _scan

FREE_BYTES = 16 * 1024 * 1024  # so much may come out of the smallest archive
MOST_NAME_BYTES = 64 * 1024 * 1024
MOST_PROBLEMS = 20


class ArchiveError(_scan.ScanError):
    """An archive is damaged, or holds what a release may not hold."""

    code = "invalid_archive"


class Member(NamedTuple):
    """One entry as an archive has it; *mode* has the type too, as in ``st_mode``.

    *target* is where a symbolic link points to, or with *hard* the path of the entry of the
    archive that this is another name of.
    """

    path: str
    mode: int
    target: str = ""
    hard: bool = False


Add = Callable[[Member, Iterable[bytes]], object]  # takes a member with its content


class Caps(NamedTuple):
    """How much may come out of an archive of *archive_bytes*."""

    size: int
    entries: int
    ratio: int
    archive_bytes: int

    @property
    def most(self) -> int:
        """Return how many bytes may come out at most."""
        return min(self.size, max(FREE_BYTES, self.ratio * self.archive_bytes))

    def check_size(self, size: int) -> None:
        """Raise ArchiveError when *size* bytes are more than may come out."""
        if size > self.size:
            raise ArchiveError("more than limits.size, %d bytes, come out of it" % self.size)
        if size > self.most:
            raise ArchiveError(
                "more than limits.ratio, %d times its own size, comes out of it" % self.ratio
            )

    def check_entries(self, count: int) -> None:
        """Raise ArchiveError when *count* entries are more than there may be."""
        if count > self.entries:
            raise ArchiveError("it has more than limits.entries, %d entries" % self.entries)


class _Found(NamedTuple):
    """Where the content of a member lies in the spool, and what kind of thing it is."""

    member: Member
    offset: int
    size: int


class Collector:
    """Gathers members: contents into the file *spool*, entries by the rules of a scanned tree."""

    def __init__(self, spool: BinaryIO, rules: _scan.Rules, strip: int, caps: Caps) -> None:
        self._spool, self._rules, self._strip, self._caps = spool, rules, strip, caps
        self._found: dict[str, _Found] = {}  # by their paths in the archive, for hard links
        self._taken: dict[str, tuple[_manifest.Entry, int]] = {}  # with offsets, by their paths
        self._left_out = {"": False}  # {directory: whether it, or one above, is excluded}
        self._problems: list[str] = []
        self._count = self._name_bytes = self._size = self._end = 0

    def add(self, member: Member, chunks: Iterable[bytes] = ()) -> None:
        """Take the Member *member*, whose content is the byte strings *chunks*."""
        self._count += 1
        self._caps.check_entries(self._count)
        self._name_bytes += len(member.path) + len(member.target)
        if self._name_bytes > MOST_NAME_BYTES:
            raise ArchiveError("the names in it take more than %d bytes" % MOST_NAME_BYTES)
        member = member._replace(path=_plain(member))
        found = self._resolve(member) if member.hard else self._store(member, chunks)
        if found is None:
            self._problem(
                "%r is a hard link to %r, which is not in the archive before it"
                % (member.path, member.target)
            )
            return
        self._size += found.size
        self._caps.check_size(self._size)  # a hard link costs as much as what it leads to
        if not stat.S_ISDIR(found.member.mode):
            self._found[member.path] = found
        self._take(member.path, found)

    def result(self) -> list[tuple[_manifest.Entry, int]]:
        """Return [(Entry without digest, offset in the spool), …], sorted by UTF-8 path.

        Raises ArchiveError or ScanError, naming every offender (the first twenty).
        """
        self._add_directories()
        entries = [entry for entry, _offset in self._taken.values()]
        entries = _scan.finish(entries, self._problems, self._rules)
        return [(entry, self._taken[entry.path][1]) for entry in entries]

    def _store(self, member: Member, chunks: Iterable[bytes]) -> _Found:
        offset = self._end
        for chunk in chunks:
            self._end += len(chunk)
            self._caps.check_size(self._size + self._end - offset)
            self._spool.write(chunk)
        return _Found(member, offset, self._end - offset)

    def _resolve(self, member: Member) -> _Found | None:
        return self._found.get(_without_dot(member.target))

    def _take(self, full_path: str, found: _Found) -> None:
        names = full_path.split("/")
        path = "/".join(names[self._strip :])
        mode = found.member.mode
        if not path and (self._strip or stat.S_ISDIR(mode)):
            return  # what lies above, or the archive's own top
        # To look at a longer one takes long; it is refused below, whatever the globs say.
        if len(path) <= _manifest.LONGEST_PATH and self._leaves_out(path, stat.S_ISDIR(mode)):
            return
        try:
            _manifest.check_path(full_path)
            entry = _scan.make_entry(path, mode, found.size, found.member.target, self._rules)
        except (_manifest.ManifestError, _scan.ScanError) as error:
            self._problem(str(error))
            return
        there = self._taken.setdefault(path, (entry, found.offset))
        if there[0] != entry or not self._same_content(there[1], found.offset, entry.size):
            self._problem("%r stands twice in it, and not alike" % path)

    def _same_content(self, one: int, other: int, size: int) -> bool:
        if one == other:
            return True
        try:
            for done in range(0, size, _codec.CHUNK_BYTES):
                count = min(_codec.CHUNK_BYTES, size - done)
                self._spool.seek(one + done)
                content = self._spool.read(count)
                self._spool.seek(other + done)
                if self._spool.read(count) != content:
                    return False
        finally:
            self._spool.seek(self._end)
        return True

    def _leaves_out(self, path: str, is_directory: bool) -> bool:
        """Tell whether *path* is not taken: as when a tree is walked, nothing below an excluded
        directory is even looked at."""
        above = ""
        for name in path.split("/")[:-1]:
            folder = above + "/" + name if above else name
            if folder not in self._left_out:
                excluded = self._left_out[above] or bool(self._rules.excluded(folder))
                self._left_out[folder] = excluded
            above = folder
        if self._left_out[above] or self._rules.excluded(path):
            return True
        return not (is_directory or self._rules.included(path))

    def _add_directories(self) -> None:
        """Add the directories that an archive need not list, and see that nothing else is there.

        Those of files that are left out are directories, too: a tree would have them.
        """
        for path in list(self._taken):
            above = path.rpartition("/")[0]
            while above:
                entry = self._taken.setdefault(above, (_manifest.Entry(above, "dir"), 0))[0]
                if entry.type != "dir":
                    self._problem("%r goes through %r, which is no directory" % (path, above))
                    break
                above = above.rpartition("/")[0]
        for path, left_out in self._left_out.items():
            with contextlib.suppress(_manifest.ManifestError):
                _manifest.check_path(path)
                if not left_out:
                    self._taken.setdefault(path, (_manifest.Entry(path, "dir"), 0))

    def _problem(self, text: str) -> None:
        self._problems.append(text)
        if len(self._problems) > MOST_PROBLEMS:
            raise ArchiveError("; ".join(self._problems[:MOST_PROBLEMS]) + "; and more")


def _plain(member: Member) -> str:
    """Return a member's path without the dot that it may begin, and the slash that it may end
    with."""
    path = member.path
    if stat.S_ISDIR(member.mode) and path.endswith("/") and path != "/":
        path = path[:-1]
    return _without_dot(path)


def _without_dot(path: str) -> str:
    if path == ".":
        return ""
    return path[2:] if path.startswith("./") else path
