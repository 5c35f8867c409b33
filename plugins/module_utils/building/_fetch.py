# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching one file for a build: an archive by https, a wheel or deb as this machine gets them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from http.client import HTTPMessage
from typing import IO, BinaryIO, Callable, Mapping, Sequence

from ..formats import _canonical
from ..git import _command
from . import _place

CHUNK_BYTES = 1024 * 1024
SOCKET_SECONDS = 60
FETCH_SECONDS = 1800
LARGEST_BYTES = 8 * 1024**3
TOLD_LINES = 3


def archive(
    url: str, sha256: str, folder: str, now: Callable[[], float], most: int = LARGEST_BYTES
) -> str:
    """Fetch *url* into *folder*, unless what is wanted is there; return its path.

    ``now()`` are seconds of a steady clock. The digest is the caller's to check.
    """
    path = os.path.join(folder, "archive")
    if os.path.exists(path) and digest_of(path) == sha256:
        return path
    _place.fresh(folder)
    shown = _command.shown(url)
    opener = urllib.request.build_opener(_OnlyHttps)
    try:
        with opener.open(url, timeout=SOCKET_SECONDS) as answer, open(path, "wb") as stream:
            _copy(answer, stream, now, most)
    except (OSError, ValueError) as error:  # URLError is an OSError, HTTPException often none
        reason = _canonical.one_line(getattr(error, "reason", None) or error)
        raise _place.BuildError("%s cannot be fetched: %s" % (shown, reason)) from None
    return path


def wheel(wanted: str, sha256: str, folder: str, environment: Mapping[str, str]) -> str:
    """Have pip fetch the wheel *wanted*, name==version, into *folder*; return its path."""
    there = _kept(folder, ".whl", sha256)
    if there:
        return there
    argv = [*_pip(environment), "download", "--quiet", "--no-input", "--no-deps"]
    argv += ["--disable-pip-version-check", "--only-binary", ":all:", "--dest", ".", wanted]
    _run(argv, _place.fresh(folder), environment, "wheel %s" % wanted)
    return _only(folder, ".whl", "wheel %s" % wanted)


def deb(wanted: str, sha256: str, folder: str, environment: Mapping[str, str]) -> str:
    """Have apt fetch the package *wanted*, name=version, into *folder*; return its path."""
    there = _kept(folder, ".deb", sha256)
    if there:
        return there
    argv = ["apt-get", "--quiet=2", "download", wanted]
    _run(argv, _place.fresh(folder), environment, "deb %s" % wanted)
    return _only(folder, ".deb", "deb %s" % wanted)


def files_of_deb(
    path: str, folder: str, now: Callable[[], float], most: int = LARGEST_BYTES
) -> str:
    """Write the tar of the files in the deb at *path* to *folder*; return its path."""
    tar, argv = os.path.join(folder, "files.tar"), ["dpkg-deb", "--fsys-tarfile", path]
    try:
        with open(tar, "wb") as stream, subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            if process.stdout is None:
                raise AssertionError
            try:
                _copy(process.stdout, stream, now, most)
            except BaseException:
                process.kill()
                raise
    except (FileNotFoundError, ValueError) as error:
        reason = error if isinstance(error, ValueError) else "dpkg-deb is not installed here"
        raise _place.BuildError("%s: %s" % (os.path.basename(path), reason)) from None
    if process.returncode:
        raise _place.BuildError("%s: it is no package of Debian" % os.path.basename(path))
    return tar


def digest_of(path: str) -> str:
    """Return the SHA-256 of the file at *path* in hex."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for chunk in iter(lambda: stream.read(CHUNK_BYTES), b""):
            digest.update(chunk)
    return digest.hexdigest()


class _OnlyHttps(urllib.request.HTTPRedirectHandler):
    """Follows no redirection to what is not https."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not newurl.startswith("https://"):
            raise urllib.error.URLError(
                "it leads to %s, which is not https" % _command.shown(newurl)
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _copy(answer: IO[bytes], stream: BinaryIO, now: Callable[[], float], most: int) -> None:
    began, left = now(), most
    for chunk in iter(lambda: answer.read(CHUNK_BYTES), b""):
        left -= len(chunk)
        if left < 0:
            raise ValueError("it is larger than %d bytes" % most)
        if now() - began > FETCH_SECONDS:
            raise ValueError("it takes more than %d s" % FETCH_SECONDS)
        stream.write(chunk)


def _kept(folder: str, suffix: str, sha256: str) -> str | None:
    """Return the path of what was fetched before, if its digest says that it is what is wanted."""
    if sha256 and os.path.isdir(folder):
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if name.endswith(suffix) and digest_of(path) == sha256:
                return path
    return None


def _only(folder: str, suffix: str, what: str) -> str:
    names = [name for name in os.listdir(folder) if name.endswith(suffix)]
    if len(names) != 1:
        raise _place.BuildError("%s came as %d files, not one" % (what, len(names)))
    return os.path.join(folder, names[0])


def _pip(environment: Mapping[str, str]) -> list[str]:
    """Return how pip is run here: by this Python, or the one that the user has."""
    for python in (sys.executable, shutil.which("python3", path=environment.get("PATH"))):
        if python:
            argv = [python, "-m", "pip"]
            done = subprocess.run(
                [*argv, "--version"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
            if done.returncode == 0:
                return argv
    raise _place.BuildError("pip is not installed here: install python3-pip")


def _run(argv: Sequence[str], folder: str, environment: Mapping[str, str], what: str) -> None:
    """Run *argv* in *folder*, or raise BuildError."""
    try:
        done = subprocess.run(
            argv,
            cwd=folder,
            env={**environment, "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=FETCH_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise _place.BuildError("%s: %s is not installed here" % (what, argv[0])) from None
    except subprocess.TimeoutExpired:
        raise _place.BuildError("%s takes more than %d s" % (what, FETCH_SECONDS)) from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()[-TOLD_LINES:]
        said = _command.shown("; ".join(line.strip() for line in lines))
        reason = _canonical.one_line(said) or "%s ended with %d" % (argv[0], done.returncode)
        raise _place.BuildError("%s cannot be had: %s" % (what, reason))
