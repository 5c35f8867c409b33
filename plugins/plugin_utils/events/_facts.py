# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of a run: what happened on its hosts, event by event, and as the record has them.

An event is a frozen dataclass. ``to_plain`` makes of it what JSON can carry, for the record of a
run; ``from_plain`` reads that, also where an earlier version wrote it, which knew fewer fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

RECORD_FORMAT = 1
PLAIN_RELEASE = ("phase", "name", "version", "serial", "digest")


@dataclass(frozen=True, kw_only=True)
class Release:
    """The release that is current under a root, and its *phase*: none, live, on trial.

    *links* are its linked paths, None where they are not known.
    """

    phase: str = "none"
    name: str | None = None
    version: str | None = None
    serial: int | None = None
    digest: str | None = None
    links: tuple[str, ...] | None = None

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Release:
        """Return the release in a part of an event or of an answer; *links* are a list."""
        links = plain.get("links")
        known: dict[str, Any] = {key: plain.get(key) for key in PLAIN_RELEASE}
        known["phase"] = known["phase"] or "none"
        return cls(**known, links=None if links is None else tuple(links))

    def to_plain(self, with_links: bool) -> dict[str, Any]:
        """Return the release as a part of an event."""
        plain = {key: getattr(self, key) for key in PLAIN_RELEASE}
        return {**plain, "links": _plain(self.links)} if with_links else plain


NOTHING = Release()


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened; *kind* is its name in the record."""

    kind: ClassVar[str]
    # Fields that the record has only where they are known; others are null there.
    may_lack: ClassVar[frozenset[str]] = frozenset()

    def to_plain(self) -> dict[str, Any]:
        """Return the event as the record has it."""
        plain: dict[str, Any] = {"event": self.kind}
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None or each.name not in self.may_lack:
                plain[each.name] = self._plain_field(value)
        return plain

    def _plain_field(self, value: Any) -> Any:
        return _plain(value)


@dataclass(frozen=True, kw_only=True)
class Run(Event):
    """The run began."""

    kind = "run"
    check_mode: bool = False


@dataclass(frozen=True, kw_only=True)
class Plan(Event):
    """A play that handles releases is for *hosts*; ``--limit`` left the others out."""

    kind = "plan"
    hosts: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Begin(Event):
    """A *task* of ours is about to ask *host*."""

    kind = "begin"
    host: str
    task: str


@dataclass(frozen=True, kw_only=True)
class Answer(Event):
    """A module of ours answered about *root*: *status* is ok, failed, skipped or unreachable.

    It is *hidden* where the task has ``no_log``. The *reason* is that of a failure.
    """

    may_lack = frozenset({"reason", "before", "after", "ok", "first_drift"})

    host: str
    root: str
    status: str
    hidden: bool = False
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Deployment(Answer):
    """``release_deployment`` answered.

    *back*: the task asks for the release before. *waiting*: the release that is staged and not
    live. *took_over*: the run whose deployment this one goes on with. *despite*: what was allowed
    although it does not fit. *drift*: how many files were mended. *by*: the run that brought what
    was current. *in_service*: whether what was live before, or is restored, is well, and
    *out_of_service* why not; None where no probe told.
    """

    kind = "deployment"
    may_lack = Answer.may_lack | {"by", "in_service", "out_of_service"}
    state: str = "live"
    back: bool = False
    waiting: str | None = None
    changed: bool = False
    switched_back: bool = False
    sent_bytes: int = 0
    resumed_bytes: int = 0
    took_over: str | None = None
    despite: tuple[str, ...] = ()
    drift: int = 0
    before: Release | None = None
    after: Release | None = None
    by: str | None = None
    in_service: bool | None = None
    out_of_service: str | None = None

    def _plain_field(self, value: Any) -> Any:
        return value.to_plain(with_links=True) if isinstance(value, Release) else _plain(value)


@dataclass(frozen=True, kw_only=True)
class Inspection(Answer):
    """``release_deployment_info`` answered; *ok* and what follows are known where it verified.

    *by* is the run that brought what is current; *is_alone*: whether no other release is there.
    """

    kind = "inspection"
    after: Release | None = None
    by: str | None = None
    is_alone: bool | None = None
    ok: bool | None = None
    drift: int | None = None
    first_drift: tuple[str, ...] | None = None
    may_lack = Answer.may_lack | {"by", "drift", "is_alone"}

    def _plain_field(self, value: Any) -> Any:
        return value.to_plain(with_links=False) if isinstance(value, Release) else _plain(value)


@dataclass(frozen=True, kw_only=True)
class WorkspaceAnswer(Answer):
    """A module answered about a build; *root* is the workspace, empty without one.

    *release* has its name, version and digest, as far as they are known.
    """

    changed: bool
    release: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Building(WorkspaceAnswer):
    """``release_build`` answered; *components* are in words, *more* are those not shown."""

    kind = "building"
    built: bool
    components: tuple[str, ...]
    more: int


@dataclass(frozen=True, kw_only=True)
class Sealing(WorkspaceAnswer):
    """``release_package`` sealed or signed; *evidence* are the kinds that are attached."""

    kind = "sealing"
    role: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Noting(WorkspaceAnswer):
    """``release_notes`` answered; *attached* is None where the note is not to be attached."""

    kind = "noting"
    attached: bool | None


@dataclass(frozen=True, kw_only=True)
class Pruning(Event):
    """A media library was pruned, or would be; *said* is the result in a line."""

    kind = "pruning"
    host: str
    changed: bool
    said: str


@dataclass(frozen=True, kw_only=True)
class Failure(Event):
    """Any other task failed or lost *host*; with a *verdict* a role ends what failed before.

    A verdict that is *forgiven* leaves the host in the play, which decides by it.
    """

    kind = "failure"
    host: str
    status: str
    reason: str
    verdict: bool = False
    forgiven: bool = False


@dataclass(frozen=True, kw_only=True)
class End(Event):
    """The run ended; these hosts count as *failed* or *unreachable* for Ansible.

    One of the failed is *ended_by*, the host that told the verdict of the run: nothing else
    failed on it.
    """

    kind = "end"
    may_lack = frozenset({"ended_by"})
    failed: tuple[str, ...]
    unreachable: tuple[str, ...]
    ended_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class Stopped(Event):
    """The run stopped before its end: *by* a signal, or by an error of Ansible."""

    kind = "stopped"
    by: str


KINDS: dict[str, type[Event]] = {
    event.kind: event
    for event in (
        Run,
        Plan,
        Begin,
        Deployment,
        Inspection,
        Building,
        Sealing,
        Noting,
        Pruning,
        Failure,
        End,
        Stopped,
    )
}


def from_plain(plain: Mapping[str, Any]) -> Event | None:
    """Return the event that a line of a record has, None for a kind of a later version."""
    kind = KINDS.get(str(plain.get("event")))
    if kind is None:
        return None
    known = {each.name for each in fields(kind)}
    return kind(**{key: _typed(key, plain[key]) for key in plain if key in known})


def _typed(key: str, value: Any) -> Any:
    if key in ("before", "after") and value is not None:
        return Release.from_plain(value)
    return tuple(value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
