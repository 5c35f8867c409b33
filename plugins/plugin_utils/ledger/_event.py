# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events of the ledger, and the hash that chains each to the one before."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical

FORMAT = 1  # of what is hashed
WRITTEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
NO_EVENT = "0" * 64  # the previous hash of the first event
STRENGTHS = ("signed", "awx", "claimed")

Body = Mapping[str, Any]


class LedgerError(ReleaseError):
    """The ledger cannot be read, written or trusted; the text is one line and names the place."""

    code = "ledger"


@dataclass(frozen=True)
class Actor:
    """Who acts, and how strongly that is proven: one of STRENGTHS."""

    name: str
    strength: str


@dataclass(frozen=True)
class Draft:
    """An event that is to be recorded.

    *subject* is the application, or the run where there is none. *key* makes recording idempotent:
    a second draft with the same key and content is not recorded again.
    """

    kind: str
    subject: str
    body: Body
    key: str


@dataclass(frozen=True)
class Head:
    """The last event of a ledger: what hosts keep, and what anchors the chain."""

    ledger: str
    sequence: int
    hash: str

    def to_plain(self) -> dict[str, Any]:
        """Return the head as plain data."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Head:
        """Return the head that ``to_plain`` gave."""
        return cls(str(plain["ledger"]), int(plain["sequence"]), str(plain["hash"]))


@dataclass(frozen=True)
class Event:
    """A recorded event. *time* is UTC, ISO 8601 with milliseconds; *hash* covers all else."""

    sequence: int
    time: str
    actor: str
    strength: str
    kind: str
    subject: str
    body: Body
    key: str
    previous: str
    hash: str

    def to_plain(self) -> dict[str, Any]:
        """Return the event as plain data, as ``export`` writes it; the body is not copied."""
        return {"format": FORMAT, **self.__dict__}


def chained(draft: Draft, actor: Actor, sequence: int, time: str, previous: str) -> Event:
    """Return the event that records *draft* after the event with the hash *previous*."""
    event = Event(
        sequence=sequence,
        time=time,
        actor=actor.name,
        strength=actor.strength,
        kind=draft.kind,
        subject=draft.subject,
        body=draft.body,
        key=draft.key,
        previous=previous,
        hash="",
    )
    return Event(**{**event.__dict__, "hash": hash_of(event)})


def hash_of(event: Event) -> str:
    """Return the SHA-256, in hex, of the canonical JSON of all of *event* but its hash."""
    plain = event.to_plain()
    del plain["hash"]
    return _canonical.sha256_hex(_canonical.dumps(plain))


def utc(moment: datetime) -> str:
    """Return *moment* as the ledger writes it: UTC with milliseconds, sortable as text."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def moment(time: str) -> datetime:
    """Return the moment that ``utc`` wrote as *time*."""
    if WRITTEN.match(time):  # much faster, and there may be many
        return datetime.fromisoformat(f"{time[:-1]}+00:00")
    return datetime.strptime(time, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
