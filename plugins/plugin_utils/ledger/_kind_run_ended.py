# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event ``run_ended``: how a run ended, as a whole and on each host."""

from __future__ import annotations

from typing import Any

from . import _bodies
from ._event import Event
from ._rows import Rows
from ._words import about

NAME = "run_ended"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["run", "act", "part", "verdict", "hosts"],
    "properties": {
        "run": _bodies.WORD,
        "act": {"enum": list(_bodies.ACTS)},
        "verdict": {"enum": list(_bodies.VERDICTS)},
        "reason": _bodies.TEXT,
        "part": _bodies.WORD,  # of a run that is about several applications
        "release": _bodies.RELEASE,
        "environment": _bodies.WORD,
        "more": {"type": "boolean"},  # whether another batch is to come
        "whole": {"type": "boolean"},  # whether the verdict is that of all batches together
        "settled_by": _bodies.WORD,  # the later run that found out, for a run that was killed
        "hosts": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["host", "result"],
                "properties": {
                    "host": _bodies.WORD,
                    "root": _bodies.WORD,
                    "environment": _bodies.WORD,
                    "result": {"enum": ["ok", "failed", "unreachable", "skipped"]},
                    "changed": {"type": "boolean"},
                    "reason": _bodies.TEXT,
                    "before": _bodies.DEPLOYED,
                    "after": _bodies.DEPLOYED,
                },
            },
        },
    },
}


def project(rows: Rows, event: Event) -> None:
    """End the run, and say what is live under its roots.

    All that a host remembers of the run is on record then, whether it changed anything or not.
    """
    body, release = event.body, event.body.get("release", {})
    end = {
        "ended": event.time,
        "verdict": body["verdict"],
        "reason": body.get("reason"),
        "settled_by": body.get("settled_by"),
        "sequence": event.sequence,
        **{name: release[name] for name in ("version", "digest") if name in release},
    }
    keys = {"run": body["run"], "act": body["act"], "part": body["part"]}
    if release.get("name"):  # a rollback learns only by its hosts what it is about
        end["application"] = event.subject
    before = rows.get("runs", **keys)
    if before is None:
        end |= {
            "application": event.subject,
            "environment": body.get("environment"),
            "hosts": len(body["hosts"]),
            "actor": event.actor,
            "strength": event.strength,
            "began": event.time,
        }
    elif (
        before["verdict"] and not before["settled_by"] and not body.get("whole")
    ):  # of an earlier batch
        end["verdict"] = _bodies.combined(before["verdict"], body["verdict"])
        end["reason"] = body.get("reason") or before["reason"]
    if body.get("more") and end["verdict"] in ("done", "held"):
        end["ended"] = None  # another batch is to come
    rows.put("runs", keys, end)
    for host in body["hosts"] if body["act"] in _bodies.ON_HOSTS else ():
        if "root" in host and host["result"] != "skipped":
            rows.put(
                "changes",
                {"host": host["host"], "root": host["root"], "run": body["run"]},
                {"origin": "recorded", "sequence": event.sequence},
            )
        if "root" in host and "after" in host:
            environment = host.get("environment") or body.get("environment")
            _bodies.deployed(rows, event, host, environment, body["run"])


def line(event: Event) -> str:
    """Return the event in one line."""
    body = event.body
    version = body.get("release", {}).get("version", "")
    what = about(body["act"], event.subject, version)
    reason = f": {body['reason']}" if body.get("reason") else ""
    return f"{what} ended: {body['verdict']}{reason} ({body['run']})"
