# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event ``plan_ended``: a plan was closed, cancelled, or superseded by another one."""

from __future__ import annotations

from typing import Any

from . import _bodies
from ._event import Event
from ._rows import Rows

NAME = "plan_ended"
HOW = ("closed", "cancelled", "superseded")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["plan", "revision", "how"],
    "properties": {
        "plan": _bodies.WORD,
        "revision": {"type": "integer", "minimum": 1},
        "how": {"enum": list(HOW)},
        "reason": _bodies.TEXT,
        "by": _bodies.WORD,  # the plan that takes its place
    },
}


def project(rows: Rows, event: Event) -> None:
    """Change nothing: questions about plans read the events."""


def line(event: Event) -> str:
    """Return the event in one line."""
    body = event.body
    by = f" by {body['by']}" if body.get("by") else ""
    why = f": {body['reason']}" if body.get("reason") else ""
    return f"plan {body['plan']} revision {body['revision']} {body['how']}{by}{why}"
