# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event ``policy_changed``: a policy or trust file other than the last one came into force."""

from __future__ import annotations

from typing import Any

from . import _bodies
from ._event import Event
from ._rows import Rows

NAME = "policy_changed"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["policy", "content"],
    "properties": {
        "policy": _bodies.DIGEST,
        "content": {"type": "string", "maxLength": 2000000},  # the text of policy.yml
        "trust": _bodies.DIGEST,  # of the trust file; absent without one
        "calendar": _bodies.DIGEST,
        "signature": {"type": "string", "maxLength": 10000},  # where the policy before demands one
        "person": _bodies.WORD,
    },
}


def project(rows: Rows, event: Event) -> None:
    """Change nothing: questions about policies read the events."""


def line(event: Event) -> str:
    """Return the event in one line."""
    body = event.body
    others = [f"{name} {body[name][:12]}" for name in ("trust", "calendar") if name in body]
    return ", ".join([f"policy {body['policy'][:12]}", *others]) + " in force"
