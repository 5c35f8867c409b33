# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of pages: what they are called, and how they are written."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile

PLANS, HOSTS, RUNBOOKS, REVIEWS = "plans", "hosts", "runbooks", "reviews"
PLAN_FILE = ".plan.json"  # the plan as a file that playbooks take
MODE = 0o644
PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}\Z")


def put(path: str, data: bytes, keep: bool) -> bool:
    """Write *data* to *path* where it differs, whole or not at all; return whether it does.

    Pages can be made again at any time: this does not wait until they are on the medium.
    """
    try:
        with open(path, "rb") as stream:
            if stream.read(len(data) + 1) == data:
                return False
    except FileNotFoundError:
        pass
    if keep:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path), suffix=".new")
        try:
            with open(descriptor, "wb") as stream:
                stream.write(data)
            os.chmod(temporary, MODE)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    return True


def plan_file(application: str, environment: str) -> str:
    """Return the path of the plan that brought what is live, as a file that playbooks take."""
    return os.path.join(RUNBOOKS, f"{file_of(application)}.{file_of(environment)}{PLAN_FILE}")


def file_of(name: str) -> str:
    """Return the name of the file of a page about *name*, without suffix: safe in any folder."""
    if PLAIN_NAME.match(name):
        return name
    return "x-" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:24]
