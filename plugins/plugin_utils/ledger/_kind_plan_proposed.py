# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event ``plan_proposed``: a revision of a plan, resolved into hosts and digests."""

from __future__ import annotations

from typing import Any

from . import _bodies
from ._event import Event
from ._rows import Rows

NAME = "plan_proposed"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["plan", "revision", "digest", "resolved", "expires"],
    "properties": {
        "plan": _bodies.WORD,
        "revision": {"type": "integer", "minimum": 1},
        "digest": _bodies.DIGEST,  # of "resolved", as canonical JSON
        "resolved": {"type": "object"},  # plan.json
        "expires": _bodies.WORD,  # of its approvals, UTC
        "person": _bodies.WORD,  # who proposed it, as the policy knows them
        "strength": {"enum": ["signed", "awx", "claimed"]},  # of the person
        "policy": _bodies.DIGEST,
    },
}


def project(rows: Rows, event: Event) -> None:
    """Change nothing: questions about plans read the events."""


def line(event: Event) -> str:
    """Return the event in one line."""
    body = event.body
    who = f" by {body['person']} ({body.get('strength', 'claimed')})" if "person" in body else ""
    what = f"plan {body['plan']} revision {body['revision']}"
    return f"{what} proposed{who} ({body['digest'][:12]})"
