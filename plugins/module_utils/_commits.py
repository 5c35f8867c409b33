# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commits between two builds, and the files that each touches, as git tells them.

All text of a commit is data: whatever bytes it has, it ends as text without control characters
but for the ends of lines in a message.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Tuple

from . import _git

BEGIN = b"\x01"
FIELDS = ("%H", "%P", "%aN", "%ct", "%B")
# Control characters and what turns text around: they would deceive who reads a note on a terminal.
DECEIVING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


class Commit(NamedTuple):
    """One commit: *parents* are how many it has, *time* its committer's, in seconds since 1970.

    *files* are pairs of a status, such as A, M or D, and a path.
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


def between(old, new, folder, environment):
    """Return the Span from commit *old* (None: from the beginning) to *new* in a repository."""
    lacks = []
    if _git.run(folder, environment, "rev-parse", "--is-shallow-repository").strip() == "true":
        lacks.append("the repository is a shallow clone: commits before its beginning are missing")
    if old and not _is_there(old, folder, environment):
        lacks.append("commit %s of the build before is not in the repository" % old[:12])
        old = None
    ranges = [[new, "^" + old], [old, "^" + new]] if old else [[new], []]
    commits, removed = (
        tuple(_log(wanted, folder, environment)) if wanted else () for wanted in ranges
    )
    return Span(commits, removed, tuple(lacks))


def shown(text):
    """Return *text*, which may come from anywhere, without what deceives its reader."""
    return DECEIVING.sub("\ufffd", text.replace("\r\n", "\n"))


def _log(wanted, folder, environment):
    """Yield the Commits of a range, newest first."""
    telling = ["log", "-z", "-c", "--name-status", "--no-renames", "--encoding=UTF-8"]
    telling.append("--format=%x01" + "%x00".join(FIELDS))
    said = _git.tokens(folder, environment, *telling, *wanted, "--")
    token = next(said, None)
    while token is not None:
        if not token.startswith(BEGIN):
            raise _git.GitError("git says %r where a commit was expected" % token[:40])
        header = [token[1:], *(next(said, b"") for _field in FIELDS[1:])]
        files = []
        token = next(said, None)
        # Each path comes after its status, so no path is taken for a commit's beginning.
        while token is not None and not token.startswith(BEGIN):
            status = token.strip()
            if status:
                files.append((status.decode("ascii", "replace"), _text(next(said, b""))))
            token = next(said, None)
        yield _commit(header, files)


def _commit(header, files):
    name, parents, author, time, message = header
    return Commit(
        name.decode("ascii"),
        len(parents.split()),
        _text(author),
        int(time),
        _text(message).strip(),
        tuple(files),
    )


def _is_there(commit, folder, environment):
    try:
        _git.run(folder, environment, "cat-file", "-e", commit + "^{commit}")
    except _git.GitError:
        return False
    return True


def _text(data):
    return shown(data.decode("utf-8", "replace"))
