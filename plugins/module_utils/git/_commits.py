# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commits between two builds, and the files that each touches, as git tells them.

All text of a commit is data: whatever bytes it has, authors and messages end as text without
control characters but for the ends of lines. Paths are as they are, to be compared with others.
"""

from __future__ import annotations

import itertools
import os
import re
from typing import Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Sequence, Tuple

from . import _command

MOST_TOLD = 20000  # commits of a repository; of more only the files that they touch are told
LONGEST_MESSAGE = 16 * 1024  # characters
BEGIN = b"\x01"
FIELDS = ("%H", "%P", "%aN", "%ct", "%B")
# Control characters and what turns text around: they would deceive who reads a note on a terminal.
DECEIVING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


class Commit(NamedTuple):
    """One commit: *parents* are how many it has, *time* its committer's, in seconds since 1970.

    A long message is cut. *files* are pairs of a status, such as A, M or D, and a path.
    """

    id: str
    parents: int
    author: str
    time: int
    message: str
    files: Tuple[Tuple[str, str], ...]


class Span(NamedTuple):
    """What lies between two commits: the newer one's *commits*, newest first, and what is lacking.

    *removed* are the commits that only the older one has: history was rewritten, or this build goes
    back. *lacks* says in lines what could not be known.
    """

    commits: Tuple[Commit, ...]
    removed: Tuple[Commit, ...]
    lacks: Tuple[str, ...]


def between(old: str | None, new: str, folder: str, environment: Mapping[str, str]) -> Span:
    """Return the Span from commit *old* (None: from the beginning) to *new* in a repository."""
    for commit in filter(None, (old, new)):
        if not _command.COMMIT.match(commit):
            raise _command.GitError("%.80r is no name of a commit" % commit)
    lacks = []
    if _command.run(folder, environment, "rev-parse", "--is-shallow-repository").strip() == "true":
        lacks.append("the repository is a shallow clone: commits before its beginning are missing")
    if old and not _is_there(old, folder, environment):
        lacks.append(
            "commit %s of the build before is not in the repository, so that all of its history is "
            "listed" % old[:12]
        )
        old = None
    ranges = [[new, "^" + old], [old, "^" + new]] if old else [[new], []]
    commits, removed = (
        tuple(_log(wanted, folder, environment)) if wanted else () for wanted in ranges
    )
    return Span(commits, removed, tuple(lacks))


class Told(NamedTuple):
    """A Commit without its files, but with the *components* in whose folders those lie."""

    id: str
    parents: int
    author: str
    time: int
    message: str
    components: List[str]


class History(NamedTuple):
    """What lies between two builds of the *components* of one repository.

    *commits* and *removed* are Told, as of a Span; *more* are those beyond them. *touched* has for
    each component the paths in its folder that any of them all touches.
    """

    components: List[str]
    commits: List[Told]
    removed: List[Told]
    more: int
    lacks: List[str]
    touched: Dict[str, List[str]]


def gather(workspace: str, group: Mapping[str, Any], environment: Mapping[str, str]) -> History:
    """Return the History that a *group* asks for of a repository in the folder *workspace*.

    It is ``{"places": [path below workspace], "old": commit or None, "new": commit, "folders":
    {component: folder in the repository}}``; the first of the places that is there is read.
    """
    places = [os.path.join(workspace, place) for place in group["places"]]
    there = [place for place in places if os.path.isdir(place)]
    if not there:
        raise _command.GitError("there is no repository at %s" % places[0])
    span = between(group["old"], group["new"], there[0], environment)
    owners = _Owners(group["folders"])
    commits, removed = ([owners.told(commit) for commit in some] for some in span[:2])
    kept = (commits[:MOST_TOLD], removed[:MOST_TOLD])
    more = len(commits) + len(removed) - sum(map(len, kept))
    touched = {name: sorted(paths) for name, paths in owners.touched.items()}
    return History(sorted(group["folders"]), *kept, more, list(span.lacks), touched)


def to_plain(histories: Iterable[History]) -> list[list[Any]]:
    """Return *histories* as plain data that can travel."""
    return [list(history) for history in histories]


def from_plain(plain: Any) -> list[History]:
    """Return the Histories in plain data; raises TypeError and ValueError for what is none."""
    histories = []
    for item in plain:
        names, commits, removed, more, lacks, touched = item
        told, gone = ([Told(*row) for row in rows] for rows in (commits, removed))
        histories.append(History(names, told, gone, int(more), list(lacks), dict(touched)))
    return histories


class _Owners:
    """Whose folders paths lie in, and what was touched there; folders are asked once each."""

    def __init__(self, folders: Mapping[str, str]) -> None:
        self._by_folder: dict[str, list[str]] = {}
        for name, folder in sorted(folders.items()):
            self._by_folder.setdefault(folder, []).append(name)
        self.touched: dict[str, set[str]] = {name: set() for name in folders}
        self._within = {"": tuple(self._by_folder.get(".", ()))}

    def told(self, commit: Commit) -> Told:
        """Return a Commit as Told, and take down the paths that it touches."""
        components: dict[str, None] = {}  # in the order in which they come
        for _status, path in commit.files:
            for name in self._of(path):
                components[name] = None
                self.touched[name].add(path)
        return Told(*commit[:5], list(components))

    def _of(self, path: str) -> tuple[str, ...]:
        within = self._of_folder(path.rpartition("/")[0])
        # A component may be a single file, or a repository within, which is told as one path.
        return within + tuple(self._by_folder[path]) if path in self._by_folder else within

    def _of_folder(self, folder: str) -> tuple[str, ...]:
        found = self._within.get(folder)
        if found is None:
            found = self._within[""]
            for above in itertools.accumulate(folder.split("/"), "{}/{}".format):
                found += tuple(self._by_folder.get(above, ()))
            self._within[folder] = found
        return found


def shown(text: str) -> str:
    """Return *text*, which may come from anywhere, without what deceives its reader."""
    return DECEIVING.sub("\ufffd", text.replace("\r\n", "\n"))


def _log(wanted: list[str], folder: str, environment: Mapping[str, str]) -> Iterator[Commit]:
    """Yield the Commits of a range, newest first."""
    telling = ["log", "-z", "-c", "--name-status", "--no-renames", "--encoding=UTF-8"]
    telling.append("--format=%x01" + "%x00".join(FIELDS))
    said = _command.tokens(folder, environment, *telling, *wanted, "--")
    token = next(said, None)
    while token is not None:
        if not token.startswith(BEGIN):
            raise _command.GitError("git says %r where a commit was expected" % token[:40])
        header = [token[1:], *(next(said, b"") for _field in FIELDS[1:])]
        files = []
        token = next(said, None)
        # Each path comes after its status, so no path is taken for a commit's beginning.
        while token is not None and not token.startswith(BEGIN):
            status = token.strip()
            if status:
                path = next(said, b"").decode("utf-8", "replace")
                files.append((status.decode("ascii", "replace"), path))
            token = next(said, None)
        yield _commit(header, files)


def _commit(header: Sequence[bytes], files: list[tuple[str, str]]) -> Commit:
    name, parents, author, time, message = header
    return Commit(
        name.decode("ascii"),
        len(parents.split()),
        _text(author),
        int(time),
        _text(message).strip()[:LONGEST_MESSAGE],
        tuple(files),
    )


def _is_there(commit: str, folder: str, environment: Mapping[str, str]) -> bool:
    try:
        _command.run(folder, environment, "cat-file", "-e", commit + "^{commit}")
    except _command.GitError:
        return False
    return True


def _text(data: bytes) -> str:
    return shown(data.decode("utf-8", "replace"))
