# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event ``register_changed``: an entry of a register was opened, changed or closed."""

from __future__ import annotations

from typing import Any

from . import _bodies
from ._event import Event
from ._rows import Rows

NAME = "register_changed"
REGISTERS = ("issue", "acknowledgement", "risk_review", "acceptance")
CHANGES = ("opened", "changed", "closed")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["register", "id", "change", "fields"],
    "properties": {
        "register": {"enum": list(REGISTERS)},
        "id": _bodies.WORD,
        "change": {"enum": list(CHANGES)},
        "plan": _bodies.WORD,
        "revision": {"type": "integer", "minimum": 1},
        "person": _bodies.WORD,
        "fields": {
            "type": "object",
            "additionalProperties": {"type": ["string", "boolean", "array"]},
        },
    },
}


def project(rows: Rows, event: Event) -> None:
    """Change nothing: questions about registers read the events."""


def line(event: Event) -> str:
    """Return the event in one line."""
    body = event.body
    fields = ", ".join(f"{name} {value}" for name, value in sorted(body["fields"].items()))
    name = body["register"].replace("_", " ")
    return f"{name} {body['id']} {body['change']}" + (f": {fields}" if fields else "")
