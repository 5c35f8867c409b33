# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event ``ledger_opened``: the first of a ledger, with the random identifier that names it."""

from __future__ import annotations

from typing import Any

from ._event import Event
from ._rows import Rows

NAME = "ledger_opened"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["ledger"],
    "properties": {"ledger": {"type": "string", "pattern": "^[0-9a-f]{32}$"}},
}


def project(rows: Rows, event: Event) -> None:
    """Change no projection."""


def line(event: Event) -> str:
    """Return the event in one line."""
    return f"ledger {event.body['ledger']} opened"
