# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Debian root and the keys that all hosts share: made once, kept in the cache, never changed.

A root is named by a hash of its recipe, so a new recipe makes a new root beside the old one.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .commands import run
from .requirements import cache_home

SUITE = "bookworm"
PACKAGES = "acl,ca-certificates,iproute2,openssh-server,procps,python3,sudo,zstd"
CUSTOMIZE = Path(__file__).with_name("customize.sh")


@dataclass(frozen=True)
class DebianRoot:
    """A root file system, the client's private key that opens it, and its known_hosts line."""

    directory: Path

    @property
    def tree(self):
        return self.directory / "tree"

    @property
    def client_key(self):
        return self.directory / "id_ed25519"

    @property
    def known_hosts(self):
        return self.directory / "known_hosts"


def debian_root():
    """Return the shared DebianRoot, making it when the cache does not hold it yet."""
    roots = cache_home() / "roots"
    roots.mkdir(parents=True, exist_ok=True)
    root = DebianRoot(roots / f"{SUITE}-{_recipe_hash()}")
    with locked(roots / "lock"):
        if not root.directory.exists():
            _make(root)
    return root


@contextmanager
def locked(path):
    """Hold an exclusive lock on the file at *path*; the kernel drops it if this process dies."""
    with open(path, "w", encoding="ascii") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _recipe_hash():
    recipe = "\n".join([SUITE, PACKAGES, CUSTOMIZE.read_text(encoding="utf-8")])
    return hashlib.sha256(recipe.encode()).hexdigest()[:12]


def _make(root):
    """Build beside the final name and rename, so that a root with its name is a whole one."""
    scratch = Path(tempfile.mkdtemp(prefix="making-", dir=root.directory.parent))
    try:
        _bootstrap(DebianRoot(scratch))
        scratch.rename(root.directory)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def _bootstrap(root):
    host_key = root.directory / "host_ed25519"
    for key in (root.client_key, host_key):
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test host", "-f", str(key)])
    key_type, key_text = _public(host_key).split()[:2]
    root.known_hosts.write_text(f"198.18.*,198.19.* {key_type} {key_text}\n", encoding="ascii")
    run(
        [
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            f"--include={PACKAGES}",
            f"--customize-hook={CUSTOMIZE} \"$1\" '{root.directory}'",
            SUITE,
            str(root.tree),
        ]
    )


def _public(key):
    return key.with_name(key.name + ".pub").read_text(encoding="ascii")
