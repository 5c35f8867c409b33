# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clean checkout of exactly one commit of a git repository.

Repositories are kept in a cache, bare, with all their history: it is fetched once, and tells later
what was introduced. Nothing that a repository says is taken for an option, a program or a hook.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from typing import NamedTuple

from . import _paths

COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
MOST_NAMED = 5
# What a user's or a machine's configuration could change of what comes out.
SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.autocrlf=false",
    "core.symlinks=true",
    "core.fileMode=true",
    "core.precomposeUnicode=false",
    "protocol.ext.allow=never",
    "advice.detachedHead=false",
    "gc.auto=0",
    "log.showSignature=false",
)
# Nobody is there to answer.
QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "SSH_ASKPASS": "true",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "LC_ALL": "C.UTF-8",
}


class CheckoutError(ValueError):
    """A repository cannot be fetched, or has no such revision; the text says which, in a line."""


class Source(NamedTuple):
    """A commit that was checked out; *time* is its committer's, in seconds since 1970."""

    commit: str
    time: int


def resolve(repository, revision, cache, environment):
    """Fetch *repository* into *cache* and return the Source that *revision* names there.

    A revision is looked up as git does: a tag goes before a branch of its name.
    """
    _fetch(repository, revision, cache, environment)
    try:
        wanted = ["--end-of-options", revision + "^{commit}"]
        commit = _git(cache, environment, "rev-parse", "--verify", *wanted).strip()
        time = _git(cache, environment, "log", "-1", "--format=%ct", commit, "--")
    except CheckoutError as error:
        raise CheckoutError(
            "%s has no commit, tag or branch %r: %s" % (shown(repository), revision, error)
        ) from None
    return Source(commit, int(time))


def check_out(source, cache, folder, environment, repository=None):
    """Make *folder*, which must not be there, a clean checkout of a Source in *cache*.

    With *repository* its submodules belong to it; their addresses may be relative to that.
    """
    _git(None, environment, "clone", "--quiet", "--shared", "--no-checkout", "--", cache, folder)
    if repository:
        _git(folder, environment, "remote", "set-url", "origin", repository)
    _git(folder, environment, "checkout", "--quiet", "--detach", source.commit, "--")
    if repository:
        # What is fetched from elsewhere has no say in which repositories of this machine are read.
        allowed = ["-c", "protocol.file.allow=always"] if is_here(repository) else []
        updating = [*allowed, "submodule", "update", "--quiet", "--init", "--recursive"]
        _git(folder, environment, *updating)
    check_clean(source, folder, environment)


def check_clean(source, folder, environment):
    """Raise CheckoutError unless *folder* is at the commit of *source* with nothing changed.

    What the repository ignores, and what was made beside its files, counts only where it is told
    apart by the caller: a build leaves such files.
    """
    commit = _git(folder, environment, "rev-parse", "--verify", "HEAD").strip()
    if commit != source.commit:
        raise CheckoutError("%s is at %s, not at %s" % (folder, commit[:12], source.commit[:12]))
    told = _git(folder, environment, "status", "--porcelain=v1", "-z", "--untracked-files=no")
    changed = [line[3:] for line in told.split("\0") if line]
    if changed:
        more = " and %d more" % (len(changed) - MOST_NAMED) if len(changed) > MOST_NAMED else ""
        named = ", ".join("%r" % path for path in changed[:MOST_NAMED])
        raise CheckoutError("%s has changed files: %s%s" % (folder, named, more))


def cache_of(repository, folder):
    """Return where in *folder* the cache of *repository* is."""
    return os.path.join(folder, hashlib.sha256(repository.encode("utf-8")).hexdigest()[:24])


def is_here(repository):
    """Tell whether a repository is on this machine."""
    return repository.startswith(("/", "file://"))


def shown(repository):
    """Return the address of a repository without the secret that may stand in it."""
    return re.sub(r"(?<=://)[^/@\s]*@", "", repository)


def _fetch(repository, revision, cache, environment):
    if not os.path.isdir(os.path.join(cache, "objects")):
        _git(None, environment, "init", "--quiet", "--bare", "--", cache)
    everything = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
    fetching = ["fetch", "--quiet", "--prune", "--no-auto-gc", "--force", "--", repository]
    try:
        _git(cache, environment, *fetching, *everything)
        if COMMIT.match(revision) and not _has(cache, revision, environment):
            _git(cache, environment, "fetch", "--quiet", "--no-auto-gc", "--", repository, revision)
    except CheckoutError as error:
        raise CheckoutError("%s cannot be fetched: %s" % (shown(repository), error)) from None


def _has(cache, commit, environment):
    try:
        _git(cache, environment, "cat-file", "-e", commit + "^{commit}")
    except CheckoutError:
        return False
    return True


def _git(folder, environment, *arguments):
    """Run git in *folder* and return what it says; CheckoutError with the reason that it gives."""
    settings = [option for setting in SETTINGS for option in ("-c", setting)]
    place = ["-C", folder] if folder else []
    try:
        done = subprocess.run(
            [_paths.local(word) for word in ["git", *settings, *place, *arguments]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**environment, **QUIET},
            check=False,
        )
    except FileNotFoundError:
        raise CheckoutError("git is not installed on the build host") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").split("\n")
        lines = [line.strip() for line in said if line.strip() and not line.startswith("hint:")]
        raise CheckoutError(shown("; ".join(lines)[-500:]) or "git ended with %d" % done.returncode)
    return done.stdout.decode("utf-8", "surrogateescape")
