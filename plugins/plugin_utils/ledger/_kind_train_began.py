# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event ``train_began``: a train of a plan begins, or goes on where another process left it."""

from __future__ import annotations

from typing import Any

from . import _bodies
from ._event import Event
from ._rows import Rows
from ._words import counted

NAME = "train_began"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["plan", "revision", "environment", "number", "attempt", "run", "way", "domains"],
    "properties": {
        "plan": _bodies.WORD,
        "revision": {"type": "integer", "minimum": 1},
        "environment": _bodies.WORD,
        "number": {"type": "integer", "minimum": 1},  # of the train, for plan and environment
        "attempt": {"type": "integer", "minimum": 1},  # of the process that runs it
        "run": _bodies.WORD,
        "way": {"enum": ["deploy", "back_out"]},
        "domains": {"type": "array", "items": _bodies.WORD, "minItems": 1},
        "done": {"type": "array", "items": _bodies.WORD},  # domains deployed before it began
    },
}


def project(rows: Rows, event: Event) -> None:
    """Change nothing: questions about trains read the events."""


def line(event: Event) -> str:
    """Return the event in one line."""
    body = event.body
    began = "began" if body["attempt"] == 1 else f"goes on, attempt {body['attempt']}"
    what = "train" if body["way"] == "deploy" else "back-out"
    where = f"{body['plan']} in {body['environment']}"
    count = counted(len(body["domains"]), "domain")
    return f"{what} {body['number']} of {where} {began}: {count} ({body['run']})"
