# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event ``statement_recorded``: what a person decided about a plan, with the signature."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from . import _bodies
from ._event import Event
from ._rows import Rows

NAME = "statement_recorded"
DECISIONS = ("approve", "reject", "withdraw", "comment", "declare", "override")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["plan", "revision", "environment", "decision", "person", "digest", "statement"],
    "properties": {
        "plan": _bodies.WORD,
        "revision": {"type": "integer", "minimum": 1},
        "environment": _bodies.WORD,
        "decision": {"enum": list(DECISIONS)},
        "person": _bodies.WORD,
        "role": _bodies.WORD,
        "digest": _bodies.DIGEST,  # of the statement's bytes
        "statement": {"type": "string", "maxLength": 20000},  # what was signed, to the byte
        "signature": {"type": "string", "maxLength": 10000},  # absent of one without a key
    },
}


def project(rows: Rows, event: Event) -> None:
    """Change nothing: questions about approvals read the events."""


def line(event: Event) -> str:
    """Return the event in one line."""
    body, reason, gate = event.body, "", ""
    with contextlib.suppress(ValueError, AttributeError):
        said = json.loads(body["statement"])
        reason, gate = said.get("reason", ""), said.get("gate", "")
    role = f" as {body['role']}" if body.get("role") else ""
    where = f"{body['plan']} revision {body['revision']} in {body['environment']}"
    what = f"{body['decision']} {gate}".strip()
    return f"{body['person']}{role}: {what} {where}" + (f": {reason}" if reason else "")
