# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who acts, by what surrounds the run: a job of AWX, a CI job, or a user of this machine."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

from ...module_utils.formats import _canonical
from ..run import _ci, _identity
from ._event import Actor

AWX = "AWX"


def of_run(variables: Mapping[str, Any], environment: Mapping[str, str]) -> Actor:
    """Return the Actor of this run, by Ansible's *variables* and the *environment* of its process.

    Only AWX vouches for its user. What a CI system and this machine say is claimed.
    """
    job = _ci.recognise(environment, variables)
    if job is None:
        return Actor(
            _canonical.one_line(f"{_identity.user_name()}@{socket.gethostname()}"), "claimed"
        )
    name = _canonical.one_line(" ".join(filter(None, [job.actor, f"({job.system}", job.number])))
    return Actor(f"{name})", "awx" if job.system == AWX else "claimed")
