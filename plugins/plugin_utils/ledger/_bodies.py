# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts that several kinds of event share: their JSON Schema, and what they do to projections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._event import Event
from ._rows import Rows

# Acts that hosts remember.
ON_HOSTS = ("back_out", "deploy", "reconcile", "rollback", "uninstall", "verify")
ACTS = (*ON_HOSTS, "build", "prune", "seal")
VERDICTS = ("failed", "unknown", "backed_out", "held", "refused", "done")
PHASES = ("none", "live", "on trial")
TEXT: dict[str, Any] = {"type": "string", "maxLength": 1000}
WORD: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 500}
DIGEST: dict[str, Any] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
RELEASE: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"name": WORD, "version": WORD, "digest": DIGEST},
}
# What is under a deployment root: nothing, or a release that is live or on trial.
DEPLOYED: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["phase"],
    "properties": {
        "phase": {"enum": list(PHASES)},
        "name": WORD,
        "version": WORD,
        "digest": DIGEST,
    },
}


def combined(verdict: str, other: str) -> str:
    """Return the verdict of a run that did two things, such as two batches.

    A run of which one part went well, and another did not, has failed.
    """
    both = {verdict, other}
    if len(both) == 1:
        return verdict
    return "held" if both == {"done", "held"} else "failed"


def deployed(
    rows: Rows,
    event: Event,
    told: Mapping[str, Any],
    environment: str | None,
    run: str,
    actor: str | None = None,
    since: str | None = None,
) -> None:
    """Bring the projection of deployments up to *told*: host, root and what is there after.

    It is *actor*'s doing *since* a time; by default that of the event.
    """
    after, keys = told["after"], {"host": told["host"], "root": told["root"]}
    if after["phase"] == "none":
        rows.delete("deployments", **keys)
        return
    now = {name: after.get(name, "") for name in ("digest", "phase")}
    before = rows.get("deployments", **keys)
    if before and {name: before[name] for name in now} == now:
        return  # it is live since then
    rows.put(
        "deployments",
        keys,
        {
            **now,
            "application": after.get("name", event.subject),
            "environment": environment or (before["environment"] if before else None),
            "version": after.get("version", ""),
            "since": since or event.time,
            "run": run,
            "actor": actor or event.actor,
        },
    )
