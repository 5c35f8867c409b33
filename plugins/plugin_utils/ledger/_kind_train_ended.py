# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event ``train_ended``: how a train ended."""

from __future__ import annotations

from typing import Any

from . import _bodies
from ._event import Event
from ._rows import Rows

NAME = "train_ended"
VERDICTS = ("done", "refused", "held", "backed_out", "failed")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["plan", "environment", "number", "attempt", "verdict"],
    "properties": {
        "plan": _bodies.WORD,
        "environment": _bodies.WORD,
        "number": {"type": "integer", "minimum": 1},
        "attempt": {"type": "integer", "minimum": 1},
        "verdict": {"enum": list(VERDICTS)},
        "reason": _bodies.TEXT,
    },
}


def project(rows: Rows, event: Event) -> None:
    """Change nothing: questions about trains read the events."""


def line(event: Event) -> str:
    """Return the event in one line."""
    body = event.body
    reason = f": {body['reason']}" if body.get("reason") else ""
    where = f"{body['plan']} in {body['environment']}"
    return f"train {body['number']} of {where} ended: {body['verdict']}{reason}"
