# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to a ledger, and their answers: as data, as lines for people, as text of a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from . import _audit, _export, _finding, _kinds, _status
from ._ledger import Ledger
from ._words import counted


@dataclass(frozen=True)
class Reply:
    """An answer: *data* to be returned, *lines* for people, and the *text* of a file.

    *problem* is a line where the answer is that something is wrong.
    """

    data: dict[str, Any]
    lines: Sequence[str]
    text: str
    problem: str = ""


def status(
    ledger: Ledger | None,
    told: _finding.Told | None,
    environments: Sequence[str],
    now: datetime,
    ahead: _status.Ahead | None = None,
) -> Reply:
    """Answer what is live where, what is held, unrecorded or unknown, and how the last runs ended.

    Either of *ledger* and *told* may be None. *ahead* is what plans say. Where one host told, its
    history is shown too.
    """
    if ledger is not None:
        found = _status.of_ledger(ledger, told)
    else:
        found = _status.of_hosts(told or _finding.Told())
    found = replace(found, ahead=ahead)
    plain = found.to_plain(now)
    lines = found.lines(environments, now)
    hosts = {host for host, _root in told.histories} if told else set()
    if told and len(hosts) == 1 and not told.unknown:
        lines += ["", *_status.history(told, hosts.pop())]
    if told:
        plain["history"] = {
            f"{host}:{root}": entries for (host, root), entries in told.histories.items()
        }
    return Reply({"status": plain}, lines, _json(plain))


def unrecorded(ledger: Ledger, told: _finding.Told) -> Reply:
    """Answer what hosts did that is not on record."""
    entries = [entry.to_plain() for entry in _finding.unrecorded(ledger, told)]
    lines = [
        f"{e['host']}  {e['root']}  {e['at']}  {e['event']} {e['tree'] or ''}  by {e['user']}"
        for e in entries
    ]
    lines += [f"{host}  unknown: {why}" for host, why in told.unknown.items()]
    data = {"unrecorded": entries, "unknown": dict(told.unknown)}
    return Reply(data, lines or ["nothing is unrecorded"], _json(data))


def events(
    ledger: Ledger,
    kind: str | None = None,
    subject: str | None = None,
    after: int = 0,
    most: int | None = None,
) -> Reply:
    """Answer the events: those *after* a sequence, or else the last *most*."""
    found = list(ledger.events(after, most, kind, subject, newest=not after and most is not None))
    plain = [event.to_plain() for event in found]
    lines = [_kinds.line(event) for event in found] or ["no event is like that"]
    return Reply({"events": plain}, lines, _json(plain))


def audit(ledger: Ledger, told: _finding.Told | None) -> Reply:
    """Answer what is wrong with the chain, and with it by the heads that hosts keep."""
    findings = _audit.audit(ledger, told.heads if told else ())
    head = None if findings else ledger.head()
    plain = [finding.__dict__ for finding in findings]
    lines = [f"{finding.code}  {finding.text}" for finding in findings]
    events_ = f"{head.sequence} events" if head else "all events"
    said = f"{events_} were compared; no host was asked for the heads that it keeps"
    if told:
        said = f"{events_} and {counted(len(told.heads), 'head')} that hosts keep were compared"
    accepted = 0 if findings else len(ledger.accepted_heads())
    if accepted:
        lines.append(f"{counted(accepted, 'foreign head')} accepted by ledger_import")
    lines += [f"{host}  unknown: {why}" for host, why in (told.unknown if told else {}).items()]
    problem = ""
    if findings:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        others = all(finding.code == "second_ledger" for finding in findings)
        said = "another ledger" if others else "the ledger is not as it was recorded"
        problem = f"{said}: {findings[0].text}{more}"
    data = {
        "findings": plain,
        "head": head.to_plain() if head else None,
        "accepted_heads": accepted,
        "unknown": dict(told.unknown) if told else {},
    }
    return Reply(data, [*lines, said], _json(data), problem)


def export(ledger: Ledger, form: str, after: int = 0) -> Reply:
    """Answer all events as JSON Lines, or with the *form* csv, a change record for each run."""
    found = ledger.events(after)
    text = _export.change_records(found) if form == "csv" else "".join(_export.json_lines(found))
    count = text.count("\n")
    return Reply({"count": count}, text.splitlines(), text)


def _json(plain: Any) -> str:
    return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"
