# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drop place: where the login user may put a pack, whoever the module becomes."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets

from . import _claim, _root, _tree


def make(root, login, becomes):
    """Make a folder that only the login user can write to, and return the path for the pack.

    *login* is that user's name, if it is known; *becomes* tells whether this is another user now.
    """
    name = secrets.token_hex(8)
    folder = root.folder("drop")
    try:
        os.mkdir(name, 0o700, dir_fd=folder)
        uid = _login_uid(login) if becomes else os.geteuid()
        if os.geteuid() == 0:
            os.chown(name, uid, -1, dir_fd=folder, follow_symlinks=False)
        elif uid != os.geteuid():
            os.rmdir(name, dir_fd=folder)
            raise _claim.DeploymentError(
                "becoming an unprivileged user (uid %d, logged in as uid %d) is not supported: "
                "log in as that user, or become root and set owner" % (os.geteuid(), uid)
            )
    finally:
        os.close(folder)
    return os.path.join(root.path, _root.OURS, "drop", name, "pack")


def remove(root, path):
    """Remove the drop place of the pack at *path* only: another run may have one of its own."""
    folder = root.folder("drop")
    try:
        _tree.remove(folder, os.path.basename(os.path.dirname(path)))
    finally:
        os.close(folder)


def clear(root):
    """Remove all drop places, with what an earlier run may have left in them."""
    folder = root.folder("drop")
    try:
        for name in os.listdir(folder):
            _tree.remove(folder, name)
    finally:
        os.close(folder)


def _login_uid(login):
    """Return the uid that the connection logs in as; sudo knows best."""
    with contextlib.suppress(KeyError, ValueError):
        return int(os.environ["SUDO_UID"])
    with contextlib.suppress(KeyError, TypeError):
        return pwd.getpwnam(login).pw_uid
    return os.geteuid()
