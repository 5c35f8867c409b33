# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event ``run_began``: what a run is about to do, recorded before it changes anything."""

from __future__ import annotations

from typing import Any

from . import _bodies
from ._event import Event
from ._rows import Rows
from ._words import about, counted, shortened

NAME = "run_began"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["run", "act", "part", "hosts"],
    "properties": {
        "run": _bodies.WORD,
        "act": {"enum": list(_bodies.ACTS)},
        "part": _bodies.WORD,  # of a run that is about several applications
        "release": _bodies.RELEASE,
        "reference": _bodies.TEXT,  # the release as the user named it
        "environment": _bodies.WORD,
        "more": {"type": "boolean"},  # whether another batch is to come
        "hosts": {"type": "array", "items": _bodies.WORD},
        "plan": {
            "type": "object",
            "additionalProperties": False,
            "required": ["name", "revision"],
            "properties": {"name": _bodies.WORD, "revision": {"type": "integer", "minimum": 1}},
        },
    },
}


def project(rows: Rows, event: Event) -> None:
    """Add the run, or the further hosts of a later batch of it."""
    body = event.body
    keys = {"run": body["run"], "act": body["act"], "part": body["part"]}
    release = body.get("release", {})
    known = {name: release[name] for name in ("version", "digest") if name in release}
    before = rows.get("runs", **keys)
    if before:
        hosts = before["hosts"] + len(body["hosts"])
        names = {*filter(None, (before["environment"] or "").split(", "))}
        names |= {*filter(None, body.get("environment", "").split(", "))}
        known["environment"] = shortened(", ".join(sorted(names)), 500) or None
        now = {"hosts": hosts, "ended": None, "sequence": event.sequence, **known}
        rows.put("runs", keys, now)
        return
    rows.put(
        "runs",
        keys,
        {
            **known,
            "application": event.subject,
            "environment": body.get("environment"),
            "hosts": len(body["hosts"]),
            "actor": event.actor,
            "strength": event.strength,
            "began": event.time,
            "sequence": event.sequence,
        },
    )


def line(event: Event) -> str:
    """Return the event in one line."""
    body = event.body
    release = body.get("release", {})
    what = about(body["act"], event.subject, release.get("version") or body.get("reference"))
    where = f" in {body['environment']}" if body.get("environment") else ""
    where += f" by plan {body['plan']['name']}" if body.get("plan") else ""
    return f"{what} on {counted(len(body['hosts']), 'host')}{where} began ({body['run']})"
