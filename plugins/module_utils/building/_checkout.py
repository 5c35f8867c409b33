# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clean checkout of exactly one commit of a git repository.

Repositories are kept in a cache, bare, with all their history: it is fetched once, and tells later
what was introduced. Nothing that a repository says is taken for an option, a program or a hook.
All of it raises ``_command.GitError`` with a line that says what cannot be had.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import Mapping, NamedTuple, Sequence

from ..git import _command

MOST_NAMED = 5
GITLINK = b"160000 "
ADDRESS = re.compile(r"(?:git|https?|ssh)://[!-~]+\Z")
AS_SCP = re.compile(r"\A(?:[^/:]*@)?([A-Za-z0-9._-]+):/?([^/].*)\Z")


class Source(NamedTuple):
    """A commit that was checked out; *time* is its committer's, in seconds since 1970."""

    commit: str
    time: int


def resolve(repository: str, revision: str, cache: str, environment: Mapping[str, str]) -> Source:
    """Fetch *repository* into *cache* and return the Source that *revision* names there."""
    fetch(repository, cache, environment)
    return look_up(repository, revision, cache, environment)


def fetch(repository: str, cache: str, environment: Mapping[str, str]) -> None:
    """Bring *cache* up to date with *repository*; nobody else may work on that cache meanwhile."""
    _remove_locks(cache)
    _command.run(None, environment, "init", "--quiet", "--bare", "--", cache)
    everything = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
    _fetch(repository, cache, environment, "--prune", "--force", refs=everything)


def look_up(repository: str, revision: str, cache: str, environment: Mapping[str, str]) -> Source:
    """Return the Source that *revision* names in *cache*, which was fetched from *repository*.

    A revision is looked up as git does: a tag goes before a branch of its name. A commit that no
    branch has any more is asked for by its name.
    """
    if _command.COMMIT.match(revision) and not _has(cache, revision, environment):
        _fetch(repository, cache, environment, refs=[revision])
    try:
        wanted = ["--end-of-options", revision + "^{commit}"]
        commit = _command.run(cache, environment, "rev-parse", "--verify", *wanted).strip()
        time = _command.run(cache, environment, "log", "-1", "--format=%ct", commit, "--")
    except _command.GitError as error:
        raise _command.GitError(
            "%s has no commit, tag or branch %r: %s" % (_command.shown(repository), revision, error)
        ) from None
    return Source(commit, int(time))


def check_out(
    source: Source,
    cache: str,
    folder: str,
    environment: Mapping[str, str],
    repository: str | None = None,
) -> None:
    """Make *folder*, which must not be there, a clean checkout of a Source in *cache*.

    With *repository* its submodules belong to it; their addresses may be relative to that.
    """
    _command.run(
        None, environment, "clone", "--quiet", "--shared", "--no-checkout", "--", cache, folder
    )
    if repository:
        _command.run(folder, environment, "remote", "set-url", "origin", repository)
    plain = _unfiltered(environment)
    _command.run(
        folder, environment, *plain, "checkout", "--quiet", "--detach", source.commit, "--"
    )
    if repository:
        # What is fetched from elsewhere has no say in which repositories of this machine are read.
        allowed = ["-c", "protocol.file.allow=always"] if is_here(repository) else []
        updating = [*plain, *allowed, "submodule", "update", "--quiet", "--init", "--recursive"]
        _command.run(folder, environment, *updating)
    check_clean(source, folder, environment)


def check_clean(source: Source, folder: str, environment: Mapping[str, str]) -> None:
    """Raise _command.GitError unless *folder* is at the commit of *source* with nothing changed.

    What the repository ignores, and what was made beside its files, counts only where it is told
    apart by the caller: a build leaves such files.
    """
    changed = find_changed(source, folder, environment)
    if changed:
        more = " and %d more" % (len(changed) - MOST_NAMED) if len(changed) > MOST_NAMED else ""
        named = ", ".join("%r" % path for path in changed[:MOST_NAMED])
        raise _command.GitError("%s has changed files: %s%s" % (folder, named, more))


def find_changed(source: Source, folder: str, environment: Mapping[str, str]) -> list[str]:
    """Return the paths of the commit of *source* that are not in *folder* as they are in that.

    Raises _command.GitError where *folder* is not at that commit.
    """
    commit = _command.run(folder, environment, "rev-parse", "--verify", "HEAD").strip()
    if commit != source.commit:
        raise _command.GitError(
            "%s is at %s, not at %s" % (folder, commit[:12], source.commit[:12])
        )
    asking = ["status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=no"]
    told = _command.run(folder, environment, *_unfiltered(environment), *asking)
    return [line[3:] for line in told.split("\0") if line]


def find_submodules(source: Source, cache: str, environment: Mapping[str, str]) -> list[str]:
    """Return the paths at which the commit of *source* has other repositories."""
    listing = ["ls-tree", "-r", "-z", "--full-tree", source.commit, "--"]
    tokens = _command.tokens(cache, environment, *listing)
    found = (token.partition(b"\t")[2] for token in tokens if token.startswith(GITLINK))
    return [path.decode("utf-8", "backslashreplace") for path in found]


def cache_of(place: str, folder: str) -> str:
    """Return where in *folder* the cache of a repository is; its *place* as a record has it."""
    return os.path.join(folder, hashlib.sha256(place.encode("utf-8")).hexdigest()[:24])


def address_of(repository: str, environment: Mapping[str, str]) -> str | None:
    """Return the address that the one in the folder *repository* was cloned from, or None.

    What in it may be secret is left out: who asks, and the query.
    """
    try:
        asking = ["config", "--local", "--get", "remote.origin.url"]
        told = _command.run(repository, environment, *asking).strip()
    except _command.GitError:
        return None
    plain = re.split("[?#]", _command.shown(AS_SCP.sub(r"ssh://\1/\2", told)), maxsplit=1)[0]
    return plain if ADDRESS.match(plain) else None


def is_here(repository: str) -> bool:
    """Tell whether a repository is on this machine."""
    return repository.startswith(("/", "file://"))


def _fetch(
    repository: str, cache: str, environment: Mapping[str, str], *options: str, refs: Sequence[str]
) -> None:
    fetching = ["fetch", "--quiet", "--no-auto-gc", "--update-shallow", *options, "--"]
    try:
        _command.run(cache, environment, *fetching, repository, *refs)
    except _command.GitError as error:
        raise _command.GitError(
            "%s cannot be fetched: %s" % (_command.shown(repository), error)
        ) from None


def _remove_locks(cache: str) -> None:
    """Remove the locks that a git left there which was killed: it would never work again."""
    for folder, names, files in os.walk(cache):
        names[:] = [name for name in names if name != "objects"]
        for name in files:
            if name.endswith(".lock"):
                os.unlink(os.path.join(folder, name))


def _unfiltered(environment: Mapping[str, str]) -> list[str]:
    """Return options by which no filter of the user, such as git-lfs, changes what is written.

    What is sealed would depend on who builds, and on what that program does.
    """
    try:
        told = _command.run(
            None, environment, "config", "--null", "--name-only", "--get-regexp", r"^filter\."
        )
    except _command.GitError:
        return []  # there is none
    filters = {name.rpartition(".")[0] for name in told.split("\0") if "=" not in name} - {""}
    off = ("clean=", "smudge=", "process=", "required=false")
    return [word for name in sorted(filters) for what in off for word in ("-c", name + "." + what)]


def _has(cache: str, commit: str, environment: Mapping[str, str]) -> bool:
    try:
        _command.run(cache, environment, "cat-file", "-e", commit + "^{commit}")
    except _command.GitError:
        return False
    return True
