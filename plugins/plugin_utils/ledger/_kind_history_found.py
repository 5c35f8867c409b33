# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event ``history_found``: what a host remembers and no run had recorded."""

from __future__ import annotations

from typing import Any

from . import _bodies, _unrecorded
from ._event import Event
from ._rows import Rows
from ._words import counted

NAME = "history_found"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["host", "root", "entries"],
    "properties": {
        "host": _bodies.WORD,
        "root": _bodies.WORD,
        "environment": _bodies.WORD,
        "after": _bodies.DEPLOYED,
        "heads": {  # of a ledger that this is an older copy of, or another one
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["ledger", "sequence", "hash"],
                "properties": {
                    "ledger": _bodies.WORD,
                    "sequence": {"type": "integer", "minimum": 1},
                    "hash": _bodies.DIGEST,
                },
            },
        },
        "entries": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["at", "run", "event"],
                "properties": {
                    "at": _bodies.WORD,
                    "run": _bodies.WORD,
                    "event": _bodies.WORD,
                    "tree": {"type": ["string", "null"], "maxLength": 500},
                    "from": {"type": ["string", "null"], "maxLength": 500},
                },
            },
        },
    },
}


def project(rows: Rows, event: Event) -> None:
    """Note the runs as found, and what is live."""
    body = event.body
    for run in dict.fromkeys(entry["run"] for entry in body["entries"]):
        rows.put(
            "changes",
            {"host": body["host"], "root": body["root"], "run": run},
            {"origin": "found", "sequence": event.sequence},
        )
    if "after" in body:
        last = body["entries"][-1]
        who = _unrecorded.user_of(last["run"])
        since = _unrecorded.moment_of(last["at"])
        _bodies.deployed(rows, event, body, body.get("environment"), last["run"], who, since)


def line(event: Event) -> str:
    """Return the event in one line."""
    body = event.body
    runs = len({entry["run"] for entry in body["entries"]})
    heads = f", and {counted(len(body['heads']), 'foreign head')}" if body.get("heads") else ""
    return f"found on {body['host']}: {counted(runs, 'unrecorded run')} under {body['root']}{heads}"
