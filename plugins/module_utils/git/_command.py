# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Git where nobody is there to answer, and where no configuration changes what comes out."""

from __future__ import annotations

import re
import subprocess
import tempfile
from io import BufferedReader
from typing import IO, Iterator, Mapping, Sequence, cast

from ..errors._release_error import ReleaseError
from ..files import _paths

# What a user's or a machine's configuration could change of what comes out.
SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.autocrlf=false",
    "core.symlinks=true",
    "core.fileMode=true",
    "core.precomposeUnicode=false",
    "core.quotePath=false",
    "protocol.ext.allow=never",
    "advice.detachedHead=false",
    "gc.auto=0",
    "log.showSignature=false",
    "log.mailmap=true",
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=120",
)
QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "SSH_ASKPASS": "true",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=30 -oServerAliveInterval=15",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C.UTF-8",
}
COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")  # a name that is nothing else to git
CHUNK_BYTES = 1024 * 1024
REASON_BYTES = 4096


class GitError(ReleaseError):
    """Git refused; the text has its reason in a line, without the secret of an address."""

    code = "git_failed"


def run(folder: str | None, environment: Mapping[str, str], *arguments: str) -> str:
    """Run git in *folder*, or nowhere in particular, and return what it says; or raise GitError."""
    said = b"".join(_chunks(folder, environment, arguments))
    return said.decode("utf-8", "surrogateescape")


def tokens(folder: str | None, environment: Mapping[str, str], *arguments: str) -> Iterator[bytes]:
    """Yield the bytes before each NUL that git says, while it runs; GitError if it ends badly."""
    parts: list[bytes] = []  # of a token that is not at its end; joined once, for it may be long
    for chunk in _chunks(folder, environment, arguments):
        first, *others = chunk.split(b"\0")
        parts.append(first)
        if others:
            yield b"".join(parts)
            yield from others[:-1]
            parts = others[-1:]
    rest = b"".join(parts)
    if rest:
        yield rest


def shown(repository: str) -> str:
    """Return the address of a repository without the secret that may stand in it."""
    return re.sub(r"(?<=://)[^/\s]*@", "", repository)


def _chunks(
    folder: str | None, environment: Mapping[str, str], arguments: Sequence[str]
) -> Iterator[bytes]:
    settings = [option for setting in SETTINGS for option in ("-c", setting)]
    place = ["-C", folder] if folder else []
    with tempfile.TemporaryFile() as complaints:
        try:
            process = subprocess.Popen(
                [_paths.local(word) for word in ["git", *settings, *place, *arguments]],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env={**environment, **QUIET},
            )
        except FileNotFoundError:
            raise GitError("git is not installed here") from None
        try:
            with cast(BufferedReader, process.stdout) as stream:
                yield from iter(lambda: stream.read1(CHUNK_BYTES), b"")
        except BaseException:
            process.kill()
            raise
        finally:
            status = process.wait()
        if status:
            raise GitError(_reason(complaints) or "git ended with %d" % status)


def _reason(complaints: IO[bytes]) -> str:
    complaints.seek(max(0, complaints.seek(0, 2) - REASON_BYTES))
    lines = [line.strip() for line in complaints.read().decode("utf-8", "replace").split("\n")]
    told = [line for line in lines if line and not line.startswith("hint:")]
    return shown("; ".join(told)[-500:])
