# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Export of the ledger: JSON Lines of all events, and CSV with a row for each change."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...module_utils.formats import _canonical
from . import _bodies, _kind_run_began, _kind_run_ended, _outcome
from ._event import Event

# Columns of a change record. Those without a source yet are empty.
COLUMNS = (
    "id type requester reason impact risk items planned_from planned_to approvals test_evidence "
    "deployed_by deployed_at result back_out_plan back_out_used review closure_code"
).split()
SETTLED = "settled by a later run"
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets take for one, in the first place


def json_lines(events: Iterable[Event]) -> Iterator[str]:
    """Yield each event as a line of canonical JSON."""
    for event in events:
        yield _canonical.dumps(event.to_plain()).decode("utf-8") + "\n"


def change_records(events: Iterable[Event]) -> str:
    """Return CSV (RFC 4180) with a header and a row for each run that changes hosts."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for event in events:
        if event.kind not in (_kind_run_began.NAME, _kind_run_ended.NAME):
            continue
        body = event.body
        if body["act"] not in _outcome.CHANGING:
            continue
        row = rows.setdefault((body["run"], body["act"], body["part"]), _new(event))
        if event.kind == _kind_run_ended.NAME:
            _end(row, event)
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows.values())
    return text.getvalue()


def _new(event: Event) -> dict[str, Any]:
    row = dict.fromkeys(COLUMNS, "")
    row |= {
        "id": event.body["run"],
        "type": f"{event.body['act']} {event.subject}",
        "requester": f"{event.actor} ({event.strength})",
        "deployed_by": event.actor,
    }
    return row


def _end(row: dict[str, Any], event: Event) -> None:
    hosts = event.body["hosts"]
    if row["review"] == SETTLED:  # the run says itself how it ended
        row |= dict.fromkeys(("items", "result", "closure_code", "back_out_used", "review"), "")
    if event.body.get("settled_by"):
        row["review"] = SETTLED
    row["deployed_at"] = event.time
    verdict = event.body["verdict"]
    row["closure_code"] = _bodies.combined(row["closure_code"] or verdict, verdict)
    row["items"] = "; ".join(filter(None, [row["items"], *map(_item, hosts)]))
    row["result"] = "; ".join(filter(None, [row["result"], *map(_result, hosts)]))
    used = row["back_out_used"] == "yes" or any(map(_was_restored, hosts))
    row["back_out_used"] = "yes" if used else "no"


def _was_restored(host: Mapping[str, Any]) -> bool:
    """Tell whether what the run changed on *host* was taken back."""
    return (
        bool(host.get("changed"))
        and host["result"] == "failed"
        and (host.get("before") == host.get("after"))
    )


def _item(host: Mapping[str, Any]) -> str:
    if not host.get("changed"):
        return ""
    before, after = host.get("before", {}), host.get("after", {})
    if before == after:
        return ""
    name = after.get("name") or before.get("name") or "?"
    return f"{host['host']} {name} {_moment(before)} → {_moment(after)}"


def _result(host: Mapping[str, Any]) -> str:
    reason = f" ({host['reason']})" if host.get("reason") else ""
    return f"{host['host']} {host['result']}{reason}"


def _moment(deployed: Mapping[str, Any]) -> str:
    return f"{deployed.get('version', 'none')} {deployed.get('digest', '')}".strip()


def _cell(value: object) -> str:
    """Return *value* so that no spreadsheet takes it for a formula."""
    text = _canonical.printable(str(value))
    return f"'{text}" if text.startswith(FORMULA) else text
