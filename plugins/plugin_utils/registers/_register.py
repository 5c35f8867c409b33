# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registers: issues, acknowledgements, risk reviews and acceptance, by the events of the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ..ledger import _kind_register_changed
from ..ledger._event import Draft, Event
from ..ledger._ledger import Ledger

ISSUE, ACKNOWLEDGEMENT = "issue", "acknowledgement"
RISK_REVIEW, ACCEPTANCE = "risk_review", "acceptance"
OPENED, CHANGED, CLOSED = "opened", "changed", "closed"
SEVERITIES = ("low", "medium", "high", "critical")
# What may be said of an entry, by register; all are text but blocker.
FIELDS = {
    ISSUE: (
        "title",
        "severity",
        "affects",
        "environment",
        "blocker",
        "known_error",
        "workaround",
        "corrective_action",
        "reason",
        "release",  # the digest of a release that is bad while the issue is an open blocker
        "run",
    ),
    ACKNOWLEDGEMENT: ("by", "environment", "reason"),
    RISK_REVIEW: ("reason",),
    ACCEPTANCE: ("environment", "reason"),
}


class RegisterError(ReleaseError):
    """An entry cannot be as it is asked for; the text names the option and what is valid."""

    code = "invalid_entry"


@dataclass(frozen=True)
class Entry:
    """An entry of a *register*: its fields as they are now.

    *since* is when it was opened, *at* when it changed last (as the ledger writes times); *by* is
    who opened it; *person*, as policy.yml has them, and *strength* are of the last change.
    """

    register: str
    id: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    plan: str = ""
    revision: int = 0
    is_open: bool = True
    since: str = ""
    at: str = ""
    by: str = ""
    person: str = ""
    strength: str = ""

    @property
    def is_blocker(self) -> bool:
        """Whether it is an open issue that keeps releases from being deployed."""
        return self.register == ISSUE and self.is_open and bool(self.fields.get("blocker"))

    @property
    def affected(self) -> set[str]:
        """What it affects: names of applications, services and plans; none is everything."""
        return {word.strip() for word in self.text("affects").split(",") if word.strip()}

    def is_about(self, digest: str) -> bool:
        """Whether it keeps the release with this *digest* from being deployed anywhere."""
        return self.is_blocker and self.fields.get("release") == digest

    def text(self, name: str) -> str:
        """Return the field *name*, "" where it is not given."""
        return str(self.fields.get(name) or "")

    def to_plain(self) -> dict[str, Any]:
        """Return the entry as plain data."""
        return {**self.__dict__, "fields": dict(self.fields)}


def of_ledger(ledger: Ledger) -> list[Entry]:
    """Return all entries on record, in the order in which they were opened."""
    return fold(ledger.events(kind=_kind_register_changed.NAME))


def fold(events: Iterable[Event]) -> list[Entry]:
    """Return the entries that *events* leave."""
    entries: dict[tuple[str, str], Entry] = {}
    for event in events:
        body = event.body
        key = (body["register"], body["id"])
        before = entries.get(key)
        if before is None:
            before = Entry(
                *key,
                plan=body.get("plan", ""),
                revision=body.get("revision", 0),
                since=event.time,
                by=event.actor,
            )
        entries[key] = replace(
            before,
            fields={**before.fields, **body["fields"]},
            is_open=body["change"] != CLOSED,
            at=event.time,
            person=body.get("person", ""),
            strength=event.strength,
        )
    return list(entries.values())


def next_issue(entries: Iterable[Entry]) -> str:
    """Return the id of a new issue: I-1, I-2 …"""
    numbers = [
        int(entry.id[2:])
        for entry in entries
        if entry.register == ISSUE and entry.id[:2] == "I-" and entry.id[2:].isdigit()
    ]
    return f"I-{max(numbers, default=0) + 1}"


def changed(
    entries: Iterable[Entry],
    register: str,
    id_: str,
    change: str,
    fields: Mapping[str, Any],
    **about: Any,
) -> Draft | None:
    """Return the event by which an entry is *changed*, None where it says all that already.

    *change* is opened, changed or closed; *about* are plan, revision and person, as known. Raises
    RegisterError.
    """
    said = {name: value for name, value in fields.items() if value not in (None, "")}
    _check_fields(register, said)
    there = next((e for e in entries if (e.register, e.id) == (register, id_)), None)
    if there is None and change != OPENED:
        raise RegisterError(f"id (release_id): there is no {register} {id_}")
    if there is None:
        if register == ISSUE and not said.get("title"):
            raise RegisterError("title (release_title) is required for a new issue")
        count = 0
    else:
        if change == CLOSED and register == ISSUE:
            if not (said.get("corrective_action") or there.text("corrective_action")):
                raise RegisterError(
                    f"corrective_action (release_corrective_action) is required to close {id_}"
                )
        if change == OPENED and there.is_open:
            change = CHANGED
        same = all(there.fields.get(name) == value for name, value in said.items())
        by_another = register == ACKNOWLEDGEMENT and there.person != about.get("person", "")
        if same and not by_another and there.is_open == (change != CLOSED):
            return None
        count = 1
    known = {name: value for name, value in about.items() if value}
    body = {"register": register, "id": id_, "change": change, "fields": said, **known}
    since = there.at if count and there else ""
    return Draft(
        _kind_register_changed.NAME,
        known.get("plan") or id_,
        body,
        f"register/{register}/{id_}/{since or 'new'}",
    )


def _check_fields(register: str, said: Mapping[str, Any]) -> None:
    for name in said:
        if name not in FIELDS[register]:
            known = ", ".join(FIELDS[register])
            raise RegisterError(
                f"{name} (release_{name}) is not a field of {register}; known: {known}"
            )
    severity = said.get("severity")
    if severity is not None and severity not in SEVERITIES:
        raise RegisterError(
            f"severity (release_severity): '{severity}' is not one of {', '.join(SEVERITIES)}"
        )
