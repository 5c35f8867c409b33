# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose the files of a root shall be: names as users write them, turned into an Access."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd

from ..tree import _layout
from . import _claim, _directory


def asked(params, state):
    """Return the Access asked for; what is not asked for stays as recorded.

    Raises DeploymentError where this user cannot give files to that owner and group.
    """
    recorded = state.access or {}
    uid = _number(params["owner"], pwd.getpwnam, "pw_uid", recorded.get("uid", os.geteuid()))
    with contextlib.suppress(KeyError):
        if params["owner"]:
            recorded = {"gid": pwd.getpwuid(uid).pw_gid, **recorded}
    gid = _number(params["group"], grp.getgrnam, "gr_gid", recorded.get("gid", os.getegid()))
    groups = {os.getegid(), *os.getgroups()}
    if os.geteuid() != 0 and (uid != os.geteuid() or gid not in groups):
        raise _claim.DeploymentError(
            "%s cannot give files to owner %s and group %s: become root"
            % (_directory.user_name(os.geteuid()), params["owner"] or uid, params["group"] or gid)
        )
    return _layout.Access(uid, gid, params["access"] or recorded.get("access", "public"))


def _number(name, look_up, key, default):
    if not name:
        return default
    if name.isdigit():
        return int(name)
    try:
        return getattr(look_up(name), key)
    except KeyError:
        raise _claim.DeploymentError("there is no user or group %r here" % name) from None
