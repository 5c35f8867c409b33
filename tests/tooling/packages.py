# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Debian packages the tests need (tests/bindep.txt says), and how they are installed."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Iterator

from tests.tooling.checkout import ROOT, TOOLS

POLICY = pathlib.Path("/usr/sbin/policy-rc.d")


class PackagesError(Exception):
    """Packages are missing that could not be installed; the message is one line."""


def missing() -> list[str]:
    """Return the names of the packages of tests/bindep.txt that are not installed."""
    profiles = [] if shutil.which("npm") else ["no-npm"]
    command = [TOOLS / "bindep", "--brief", "--file", "tests/bindep.txt", *profiles]
    listed = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    return listed.stdout.split()


def install_missing() -> None:
    """Install what is missing, as root on a Debian machine; else say in one line what to install.

    Raises PackagesError when this machine should be able to install and was not.
    """
    packages = missing()
    if not packages:
        return
    by_hand = f"apt-get install {' '.join(packages)}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print(f"Some tests need more packages and will be skipped; as root: {by_hand}", flush=True)
        return
    print(f"installing {' '.join(packages)} …", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Another apt-get may be at work on a machine that has just started.
    apt = ["apt-get", "--quiet", "--yes", "--option", "DPkg::Lock::Timeout=300"]
    with no_services():
        for command in (["update"], ["install", "--no-install-recommends", *packages]):
            done = subprocess.run(
                [*apt, *command],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            if done.returncode:
                print(done.stdout, flush=True)
                raise PackagesError(f"could not be done: {by_hand}")


@contextlib.contextmanager
def no_services(policy: pathlib.Path = POLICY) -> Iterator[None]:
    """Have no package start a service of its own: a registry that listens, where none was wanted.

    Source: https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt
    """
    try:
        descriptor = os.open(policy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o755)
    except OSError:  # the machine has a policy, or it takes none
        yield
        return
    try:
        with os.fdopen(descriptor, "w") as stream:
            stream.write("#!/bin/sh\nexit 101\n")
        yield
    finally:
        policy.unlink()


if __name__ == "__main__":
    try:
        install_missing()
    except PackagesError as error:
        sys.exit(str(error))
