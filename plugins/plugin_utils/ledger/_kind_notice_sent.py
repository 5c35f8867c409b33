# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event ``notice_sent``: a channel took a notice; its address and text are not recorded."""

from __future__ import annotations

from typing import Any

from . import _bodies
from ._event import Event
from ._rows import Rows

NAME = "notice_sent"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["notice", "event", "about", "channel", "audience"],
    "properties": {
        "notice": _bodies.WORD,  # its id, which the receiver has too
        "event": {"type": "integer", "minimum": 1},  # sequence of the event that it is about
        "about": _bodies.WORD,  # proposed, approval wanted, starting, …
        "channel": _bodies.WORD,  # its name in policy.yml
        "audience": _bodies.WORD,
    },
}


def project(rows: Rows, event: Event) -> None:
    """Change nothing: the outbox reads the events."""


def line(event: Event) -> str:
    """Return the event in one line."""
    body = event.body
    what = f"{body['about']} (event {body['event']})"
    return f"notice of {event.subject}: {what} sent to {body['audience']} by {body['channel']}"
