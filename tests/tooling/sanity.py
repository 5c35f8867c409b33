# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs `ansible-test sanity` without containers, on a real tree and from PyPI alone.

Arguments are passed on: `.venv/bin/python -m tests.tooling.sanity --test import`.
"""

from __future__ import annotations

import glob
import os
import pathlib
import subprocess
import sys

from ansible.release import __version__ as ansible_version

from tests.tooling import checkout

# The pip that each ansible-test puts into its virtual environments, and its wheel's digest. Left
# alone, ansible-test fetches a get-pip script from a host of its own.
PIP_WHEELS = {
    "2.19": ("24.2", "2cd581cf58ab7fcfca4ce8efa6dcacd0de5bf8d0a3eb9ec927e07405f4d9e2a2"),
    "2.20": ("25.2", "6d67a2b4e7f14d8b31b8b52648866fa717f45a1eb70e83002f4331d07e953717"),
    "2.21": ("25.2", "6d67a2b4e7f14d8b31b8b52648866fa717f45a1eb70e83002f4331d07e953717"),
}

GET_PIP = """\
import sys

sys.path.insert(0, {wheel!r})
from pip._internal.cli.main import main

unknown_to_pip = ("--no-setuptools", "--no-wheel")
sys.exit(main(["install"] + [a for a in sys.argv[1:] if a not in unknown_to_pip]))
"""


def main() -> int:
    """Run the sanity tests and return their exit status."""
    seed_get_pip(pathlib.Path.home() / ".ansible/test/cache")
    tree = checkout.cache("sanity") / "ansible_collections/itops/release"
    checkout.copy_to(tree)
    command = [checkout.TOOLS / "ansible-test", "sanity", "--venv", "--color", "no", *sys.argv[1:]]
    return subprocess.run(command, cwd=tree, env=environment(), check=False).returncode


def seed_get_pip(cache: pathlib.Path) -> None:
    """Put what ansible-test would download into its *cache*."""
    version, digest = PIP_WHEELS[".".join(ansible_version.split(".")[:2])]
    script = cache / f"get_pip_{version.replace('.', '_')}.py"
    if script.exists():
        return
    wheels = checkout.cache("wheels")
    requirement = wheels / "pip.txt"
    requirement.write_text(f"pip=={version} --hash=sha256:{digest}\n")
    download = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    where = ["--require-hashes", "--requirement", requirement, "--dest", wheels]
    subprocess.run([sys.executable, *download, *where], check=True)
    cache.mkdir(parents=True, exist_ok=True)
    script.write_text(GET_PIP.format(wheel=str(wheels / f"pip-{version}-py3-none-any.whl")))


def environment() -> dict[str, str]:
    """Return an environment whose PATH has real Pythons: pyenv's shims are shell scripts."""
    usual = checkout.environment()
    folders = [f for f in usual["PATH"].split(os.pathsep) if os.path.basename(f) != "shims"]
    pyenv = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    pythons = sorted(glob.glob(f"{pyenv}/versions/3.*/bin"))
    return {**usual, "PATH": os.pathsep.join([*folders, *pythons])}


if __name__ == "__main__":
    sys.exit(main())
