# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where this checkout, its tools and its caches are, and which files belong to it."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

from tests.hosts.requirements import cache_home

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = pathlib.Path(sys.prefix, "bin")


def cache(name: str) -> pathlib.Path:
    """Return (and make) the folder *name* in the cache that all checkouts of one user share."""
    folder = cache_home() / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def environment() -> dict[str, str]:
    """Return our environment with the tools on PATH and no Ansible settings of the caller's."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ANSIBLE_", "MOLECULE_"))}
    if not sys.stdout.isatty():
        kept["NO_COLOR"] = "1"
    return {**kept, "PATH": os.pathsep.join([str(TOOLS), os.environ["PATH"]])}


def files() -> list[str]:
    """Return the paths that git tracks here or would track, without those removed meanwhile."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return sorted(path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file())


def copy_to(destination: pathlib.Path) -> pathlib.Path:
    """Make *destination* a copy of the checkout's own files and return it.

    ansible-test and ansible-galaxy want a real tree: no link to itself, no virtual environment.
    """
    shutil.rmtree(destination, ignore_errors=True)
    for path in files():
        target = destination / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, target)
    return destination
