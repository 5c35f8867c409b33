# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a build runs on: the machine, and the programs that its steps name, with their versions."""

from __future__ import annotations

import getpass
import os
import platform
import re
import shutil
import socket
import subprocess
from typing import Any, Iterable, Mapping

from ..formats import _canonical
from . import _fetch
from ._plan import Component

VERSION_SECONDS = 10
LONGEST_VERSION = 200
# Programs that are known to answer --version, or what else is said here, and to do nothing more.
ASKED = re.compile(
    r"(ant|apt-get|autoconf|automake|bash|bundle|c\+\+|cargo|cc|clang|cmake|composer|dotnet|dpkg-deb"
    r"|g\+\+|gcc|gem|git|gmake|go|gradle|java|javac|ld|make|maven|meson|mix|mvn|ninja|node|npm|npx"
    r"|perl|php|pip|pip3|pnpm|poetry|pypy3?|python|python3|rake|ruby|rustc|sbt|tar|tsc|uv|yarn|zip)"
    r"(-?[0-9.]+)?\Z"
)
OTHERWISE = {"go": "version", "java": "-version", "javac": "-version"}
NEEDED = {"git": ["git"], "deb": ["apt-get", "dpkg-deb"]}


def describe_machine(versions: Mapping[str, str]) -> dict[str, Any]:
    """Return ``builder`` of the record; *versions* are those of the controller."""
    return {
        "host": socket.gethostname(),
        "user": _user(),
        "system": _system(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "versions": versions,
    }


def programs(components: Iterable[Component], path: str) -> list[tuple[str, str]]:
    """Return {(name, PATH)} of all that building *components* runs, where PATH is *path*."""
    found: set[tuple[str, str]] = set()
    for component in components:
        found.update((name, path) for name in NEEDED.get(component["origin"]["kind"], ()))
        for step in component["steps"]:
            seen = {"PATH": path, **component["environment"], **step["environment"]}
            found.add((step["argv"][0], seen["PATH"]))
    return sorted(found)


def describe(
    wanted: Iterable[tuple[str, str]], environment: Mapping[str, str]
) -> list[dict[str, str]]:
    """Return ``tools`` of the record for the *wanted* programs; what a build makes is none."""
    tools = {}
    for name, path in wanted:
        there = shutil.which(name, path=path) if "/" not in name else os.path.isabs(name) and name
        if there and os.path.isfile(there) and there not in tools:
            tools[there] = _tool(there, {**environment, "PATH": path})
    return [tools[there] for there in sorted(tools)]


def _tool(path: str, environment: Mapping[str, str]) -> dict[str, str]:
    try:
        digest = _fetch.digest_of(path)
    except OSError:
        digest = ""
    name = os.path.basename(path)
    return {
        "name": name,
        "version": _version(path, environment) if ASKED.match(name) else "",
        "path": path,
        "sha256": digest,
    }


def _version(path: str, environment: Mapping[str, str]) -> str:
    """Return the first line that a program says of its version, or ""."""
    asking = OTHERWISE.get(os.path.basename(path), "--version")
    try:
        done = subprocess.run(
            [path, asking],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=VERSION_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
    return _canonical.one_line(lines[0][:LONGEST_VERSION]) if lines else ""


def _system() -> str:
    try:
        with open("/etc/os-release", encoding="utf-8", errors="replace") as stream:
            named = re.search(r'^PRETTY_NAME="?([^"\n]*)', stream.read(), re.MULTILINE)
    except OSError:
        named = None
    return named.group(1) if named else platform.platform()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number that nobody has listed
        return "uid-%d" % os.getuid()
