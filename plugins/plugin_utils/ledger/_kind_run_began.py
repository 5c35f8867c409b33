# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event ``run_began``: what a run is about to do, recorded before it changes anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _bodies
from ._event import Event
from ._tables import Tables

if TYPE_CHECKING:
    from sqlalchemy import Connection

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
        "hosts": {"type": "array", "items": _bodies.WORD},
    },
}


def project(connection: Connection, tables: Tables, event: Event) -> None:
    """Add the run, or the further hosts of a later batch of it."""
    import sqlalchemy as sa

    body, runs = event.body, tables.runs
    keys = {"run": body["run"], "act": body["act"], "part": body["part"]}
    where = sa.and_(*(runs.c[name] == value for name, value in keys.items()))
    release = body.get("release", {})
    before = connection.execute(sa.select(runs.c.hosts).where(where)).first()
    if before:
        hosts = before.hosts + len(body["hosts"])
        known = {name: release[name] for name in ("version", "digest") if name in release}
        connection.execute(
            runs.update()
            .where(where)
            .values(hosts=hosts, ended=None, sequence=event.sequence, **known)
        )
        return
    _bodies.put(
        connection,
        runs,
        keys,
        {
            "application": event.subject,
            "version": release.get("version"),
            "digest": release.get("digest"),
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
    what = " ".join(filter(None, [event.subject, release.get("version") or body.get("reference")]))
    where = f" in {body['environment']}" if body.get("environment") else ""
    return f"{body['act']} {what} on {len(body['hosts'])} hosts{where} began ({body['run']})"
