# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event ``gates_answered``: what the gates of a run answered before a batch."""

from __future__ import annotations

from typing import Any

from . import _bodies
from ._event import Event
from ._rows import Rows

NAME = "gates_answered"
ANSWER: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["gate", "open"],
    "properties": {
        "gate": _bodies.WORD,
        "open": {"type": "boolean"},
        "text": _bodies.TEXT,
        "opens": _bodies.WORD,
        "needs": _bodies.TEXT,
        "override": _bodies.WORD,
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["run", "plan", "revision", "environment", "answers"],
    "properties": {
        "run": _bodies.WORD,
        "plan": _bodies.WORD,
        "revision": {"type": "integer", "minimum": 0},  # 0: never proposed
        "environment": _bodies.WORD,
        "domain": _bodies.WORD,
        "answers": {"type": "array", "items": ANSWER},
    },
}


def project(rows: Rows, event: Event) -> None:
    """Change nothing: questions about gates read the events."""


def line(event: Event) -> str:
    """Return the event in one line."""
    body = event.body
    closed = [a["gate"] for a in body["answers"] if not a["open"] and not a.get("override")]
    said = f"closed: {', '.join(closed)}" if closed else "all open"
    over = [a["gate"] for a in body["answers"] if a.get("override")]
    said += f", overridden: {', '.join(over)}" if over else ""
    domain = f" ({body['domain']})" if body.get("domain") else ""
    return f"gates of {body['plan']}{domain} in {body['environment']} {said} ({body['run']})"
