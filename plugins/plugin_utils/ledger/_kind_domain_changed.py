# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event ``domain_changed``: a job of a train began, named its run, or ended for one domain."""

from __future__ import annotations

from typing import Any

from . import _bodies
from ._event import Event
from ._rows import Rows

NAME = "domain_changed"
JOBS = ("staged", "live", "backed_out", "settled")
VERDICTS = ("done", "refused", "held", "backed_out", "failed", "lost")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["plan", "environment", "number", "attempt", "domain", "job", "change"],
    "properties": {
        "plan": _bodies.WORD,
        "environment": _bodies.WORD,
        "number": {"type": "integer", "minimum": 1},
        "attempt": {"type": "integer", "minimum": 1},
        "domain": _bodies.WORD,
        "job": {"enum": list(JOBS)},
        "change": {"enum": ["began", "running", "ended"]},
        "verdict": {"enum": list(VERDICTS)},  # of a job that ended
        "reason": _bodies.TEXT,
        "run": _bodies.WORD,  # of the job, as it names itself in the ledger
        "output": _bodies.TEXT,  # file
    },
}


def project(rows: Rows, event: Event) -> None:
    """Change nothing: questions about trains read the events."""


def line(event: Event) -> str:
    """Return the event in one line."""
    body = event.body
    verdict = f": {body['verdict']}" if body.get("verdict") else ""
    reason = f": {body['reason']}" if body.get("reason") else ""
    where = f"{body['plan']} in {body['environment']}"
    said = f"train {body['number']} of {where}: {body['domain']} {body['job']} {body['change']}"
    return f"{said}{verdict}{reason}"
