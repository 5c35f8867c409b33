# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine needs so that hosts can be made on it, and how Debian packages provide it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .commands import HostsError, run

PACKAGES = {  # command: the Debian package that has it
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "nsenter": "util-linux",
    "setsid": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "unshare": "util-linux",
}
NAMESPACES = ["unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork"]


def cache_home():
    """Return the directory where this project keeps what is costly to make again."""
    user_caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("ITOPS_RELEASE_CACHE") or Path(user_caches, "itops-release"))


def why_not():
    """Return one line that says why hosts cannot be made on this machine, or None.

    As root on a Debian machine missing packages are installed first.
    """
    if not sys.platform.startswith("linux"):
        return "test hosts need Linux namespaces"
    if os.geteuid() != 0:
        return "test hosts need root"
    try:
        install_missing()
        try_namespaces()
        try_overlay()
    except HostsError as error:
        return str(error)
    return None


def install_missing():
    """Install the Debian packages whose commands are missing, or raise HostsError."""
    packages = sorted({PACKAGES[name] for name in PACKAGES if not shutil.which(name)})
    if not packages:
        return
    wanted = f"test hosts need the Debian packages {' '.join(packages)}"
    if not shutil.which("apt-get"):
        raise HostsError(wanted)
    environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
    install = ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *packages]
    try:
        run(["apt-get", "update", "--quiet"])
        run(environment + install)
    except HostsError as error:
        raise HostsError(f"{wanted}, which could not be installed: {error}") from error


def try_namespaces():
    """Make a bridge and a pair of interfaces in namespaces that end with the command."""
    script = "ip link add b0 type bridge && ip link add v0 type veth peer name v1"
    try:
        run([*NAMESPACES, "sh", "-c", script])
    except HostsError as error:
        raise HostsError(f"test hosts need network namespaces: {error}") from error


def try_overlay():
    """Mount an overlay whose writable part lies where that of the hosts will lie."""
    cache_home().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_home()) as scratch:
        for name in ("lower", "upper", "work", "root"):
            Path(scratch, name).mkdir()
        script = (
            f"cd '{scratch}' && "
            "mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay root"
        )
        try:
            subprocess.run(
                ["unshare", "--mount", "sh", "-c", script],
                check=True,
                capture_output=True,
            )
        except subprocess.CalledProcessError as error:
            raise HostsError(
                f"test hosts need a file system below {cache_home()} that an overlay can write to"
            ) from error
