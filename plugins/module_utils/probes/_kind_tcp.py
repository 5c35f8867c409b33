# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of a TCP port, which must accept a connection."""

from __future__ import annotations

import re
import socket
from typing import Any, List, Mapping, Optional, Tuple

from . import _bounded

PLACE = re.compile(r"(?:\[([0-9A-Fa-f:.%]+)\]|([^\s:@/\[\]]+)):([0-9]{1,5})")


def wrong_with(probe: Mapping[str, Any]) -> Optional[str]:
    """Return a line about a *probe* that cannot be measured, else None."""
    if _place(probe["tcp"]) is None:
        return "tcp: %r is not host:port (examples: 127.0.0.1:5432, [::1]:5432)" % probe["tcp"]
    return None


def measure(probe: Mapping[str, Any]) -> Tuple[bool, str]:
    """Return whether the port accepts a connection, and in words what it did."""
    seen: List[Optional[str]] = []  # what was in the way, None for nothing
    place = _place(probe["tcp"])

    def connect() -> None:
        try:
            socket.create_connection(place or ("", 0), probe["timeout"]).close()
            seen.append(None)
        except (OSError, ValueError) as error:
            seen.append(str(getattr(error, "strerror", None) or error))

    # A name may have several addresses, and to look it up has no time limit of its own.
    if not _bounded.call(connect, probe["timeout"]):
        return False, "%s: timed out" % probe["tcp"]
    trouble = seen[0]
    return trouble is None, "%s: %s" % (probe["tcp"], trouble or "accepts connections")


def _place(text: str) -> Optional[Tuple[str, int]]:
    """Return the host and the port in *text*, or None where it has not both."""
    match = PLACE.fullmatch(text)
    if not match or not 0 < int(match[3]) < 65536:
        return None
    return match[1] or match[2], int(match[3])
