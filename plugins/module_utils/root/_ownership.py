# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose the files of a root shall be: names as users write them, turned into an Access."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
from typing import Callable

from ..tree import _layout
from . import _claim, _directory


def asked(
    owner: str | None, group: str | None, access: str | None, recorded: _layout.Access | None
) -> _layout.Access:
    """Return the Access asked for; what is not asked for stays as *recorded*.

    Raises DeploymentError where this user cannot give files to that owner and group.
    """
    own = recorded or _layout.Access(os.geteuid(), os.getegid(), "public")
    uid = _number("owner", owner, _uid_of, own.uid)
    gid = own.gid
    if owner and not recorded:
        with contextlib.suppress(KeyError):
            gid = pwd.getpwuid(uid).pw_gid
    gid = _number("group", group, _gid_of, gid)
    groups = {os.getegid(), *os.getgroups()}
    if os.geteuid() != 0 and (uid != os.geteuid() or gid not in groups):
        raise _claim.DeploymentError(
            "%s cannot give files to owner %s and group %s: become root"
            % (_directory.user_name(os.geteuid()), owner or uid, group or gid)
        )
    return _layout.Access(uid, gid, access or own.access)


def _number(option: str, name: str | None, look_up: Callable[[str], int], default: int) -> int:
    if not name:
        return default
    if name.isdigit():
        return int(name)
    try:
        return look_up(name)
    except KeyError:
        raise _claim.DeploymentError("%s: there is no %r on this host" % (option, name)) from None


def _uid_of(name: str) -> int:
    return pwd.getpwnam(name).pw_uid


def _gid_of(name: str) -> int:
    return grp.getgrnam(name).gr_gid
