# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a function in a child process, to see what it leaves behind or how it ends."""

from __future__ import annotations

import os
import pickle
import sys
import traceback

KILLED = 9
NOBODY = 65534


def in_child(function):
    """Return what *function* returns in a forked child; fail when it raises there."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            os.close(reading)
            with os.fdopen(writing, "wb") as stream:
                pickle.dump(function(), stream)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        data = stream.read()
    _pid, status = os.waitpid(child, 0)
    assert status == 0, f"the child ended with {os.waitstatus_to_exitcode(status)}"
    return pickle.loads(data)


def exit_status(function):
    """Return the exit status of a forked child that runs *function*, 0 when it returns."""
    child = os.fork()
    if not child:
        try:
            function()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_at(number, folder):
    """End this process as by SIGKILL just before it removes or renames below *folder*, the
    *number*-th time."""
    seen = []

    def audit(event, arguments):
        if event in ("os.remove", "os.rename", "os.rmdir") and str(folder) in str(arguments[0]):
            seen.append(event)
            if len(seen) == number:
                os._exit(KILLED)

    sys.addaudithook(audit)


def as_plain_user(function, folder):
    """Return what *function* returns in a child that is not root; *folder* is its own then."""
    if os.geteuid() != 0:
        return in_child(function)
    for top, folders, files in os.walk(folder):
        for name in (top, *(os.path.join(top, leaf) for leaf in folders + files)):
            os.chown(name, NOBODY, NOBODY, follow_symlinks=False)

    def become():
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        return function()

    return in_child(become)
