# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wheels and source archives from PyPI that tests take as real input: pinned, and fetched once."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar

from ansible_collections.itops.release.tests.hosts.requirements import cache_home


class FetchError(Exception):
    """A wheel cannot be had, or is not the one that was pinned; the message is one line."""


@dataclass(frozen=True)
class Wheel:
    """One release of a project on PyPI, as the only wheel with this SHA-256."""

    project: str
    version: str
    sha256: str

    suffix: ClassVar = ".whl"
    wanted_form: ClassVar = "--only-binary=:all:"

    def fetch(self):
        """Return the path of the file in the cache; the network is used the first time only."""
        kept = cache_home() / "wheels" / f"{self.sha256}{self.suffix}"
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            self._download(kept)
        if hashlib.sha256(kept.read_bytes()).hexdigest() != self.sha256:
            raise FetchError(f"{kept} is not the pinned {self.project} {self.version}")
        return kept

    def _download(self, kept):
        with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
            wanted = Path(scratch, "requirements.txt")
            wanted.write_text(
                f"{self.project}=={self.version} --hash=sha256:{self.sha256}\n", encoding="ascii"
            )
            options = ["--no-deps", "--require-hashes", self.wanted_form, "--quiet"]
            done = subprocess.run(
                [sys.executable, "-m", "pip", "download", *options, "-d", scratch, "-r", wanted],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            wheels = list(Path(scratch).glob(f"*{self.suffix}"))
            if done.returncode or len(wheels) != 1:
                said = done.stderr.strip().splitlines() or ["pip said nothing"]
                raise FetchError(f"cannot fetch {self.project} {self.version}: {said[-1]}")
            wheels[0].rename(kept)

    def unpack(self, directory, below=""):
        """Write the wheel's files whose path starts with *below* into *directory*, a new one."""
        directory.mkdir(parents=True)
        with zipfile.ZipFile(self.fetch()) as archive:
            for entry in archive.infolist():
                path = PurePosixPath(entry.filename)
                if entry.is_dir() or not entry.filename.startswith(below):
                    continue
                if path.is_absolute() or ".." in path.parts or "\\" in entry.filename:
                    raise FetchError(f"{self.project}: {entry.filename!r} is not a safe path")
                target = directory / path
                target.parent.mkdir(parents=True, exist_ok=True)
                with open(target, "xb") as stream:  # always a new regular file
                    stream.write(archive.read(entry))
                    os.fchmod(stream.fileno(), 0o644)  # whatever the umask: others may read it


class SourceArchive(Wheel):
    """One release of a project on PyPI, as the only source archive with this SHA-256."""

    suffix: ClassVar = ".tar.gz"
    wanted_form: ClassVar = "--no-binary=:all:"
