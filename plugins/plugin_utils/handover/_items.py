# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The acceptance list: what operations must know before it takes a service over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..ledger._runs import Run
from ..plan._resolved import listed
from ..plan._standing import Standing
from ..registers._register import ACCEPTANCE, ISSUE, Entry

LIGHT, FULL, NONE = "light", "full", "none"
EXERCISED = ("verify", "rollback", "back_out", "uninstall")  # acts of the commands of a runbook
SEPARATOR = "/"


@dataclass(frozen=True)
class OfPackage:
    """What the media library says of a plan's releases; None where that is not known.

    *requires* are names of what they depend on, *licences* those of their bills of materials, and
    *user_notes* whether notes for users can be written from their build notes.
    """

    requires: tuple[str, ...] | None = None
    licences: tuple[str, ...] | None = None
    user_notes: bool = False


@dataclass(frozen=True)
class Known:
    """What is on record for a handover: the plan, all *runs*, entries of registers.

    *replaced* are versions that were live before, by application.
    """

    standing: Standing
    runs: Sequence[Run]
    entries: Sequence[Entry]
    package: OfPackage = field(default_factory=OfPackage)
    replaced: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> str:
        """The last environment of the plan: what is handed over."""
        return self.standing.resolved.plan.path[-1].environment

    @property
    def service(self) -> Mapping[str, Any]:
        """What the plan says of the service."""
        found: Mapping[str, Any] = self.standing.resolved.plan.plain.get("service", {})
        return found

    def of_applications(self) -> Iterator[Run]:
        """Yield the runs that are about the plan's applications, by a plan or not."""
        names = set(self.standing.resolved.applications)
        return (run for run in self.runs if run.application in names)


@dataclass(frozen=True)
class Item:
    """An item of the list. *key* is that of ``service`` in the plan which answers it, if any.

    *look* answers it from what is on record, "" where that does not.
    """

    id: str
    question: str
    in_light: bool = False
    key: str = ""
    look: Callable[[Known], str] | None = None


@dataclass(frozen=True)
class Answered:
    """An *item*, its answer, "" for none, and who gave it: record, plan, or a person."""

    item: Item
    text: str = ""
    by: str = ""
    at: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it has no answer."""
        return not self.by


def _where(known: Known) -> str:
    place = known.standing.resolved.place(known.environment)
    hosts = place.hosts if place else ()
    return f"{known.environment}: {listed(hosts)}; the runbook has all" if hosts else ""


def _commands(known: Known) -> str:
    done = {run.act for run in known.of_applications() if run.verdict == "done"}
    back = done & {"rollback", "back_out"}
    if "verify" not in done or not back:
        return ""
    return "exercised: " + ", ".join(act.replace("_", " ") for act in EXERCISED if act in done)


def _known_errors(known: Known) -> str:
    names = set(known.standing.resolved.applications)
    found = [
        entry
        for entry in known.entries
        if entry.register == ISSUE and entry.is_open and entry.fields.get("known_error")
        if not entry.affected or names & entry.affected
    ]
    without = [entry.id for entry in found if not entry.text("workaround")]
    if without:
        return ""
    return f"{len(found)}, each with a workaround" if found else "none on record"


def _dependencies(known: Known) -> str:
    if known.package.requires is None:
        return ""
    return listed(known.package.requires) if known.package.requires else "none declared"


def _user_notes(known: Known) -> str:
    return "playbook notes writes them for users" if known.package.user_notes else ""


def _licences(known: Known) -> str:
    found = known.package.licences
    if found is None:
        return ""
    return listed(found) if found else "the bill of materials names none"


def _differences(known: Known) -> str:
    resolved = known.standing.resolved
    if len(resolved.plan.path) < 2:
        return "one environment only"
    found = []
    for part in resolved.each():
        before, last = part.places[-2], part.places[-1]
        names = {*before.options, *last.options}
        found += [n for n in sorted(names) if before.options.get(n) != last.options.get(n)]
    between = f"{resolved.places[-2].environment} and {resolved.places[-1].environment}"
    return f"between {between}: {listed(found) if found else 'no role option'}"


def _replaced(known: Known) -> str:
    found = [
        f"{name} {known.replaced[name]}"
        for name in known.standing.resolved.applications
        if known.replaced.get(name)
    ]
    return listed(found) if found else "nothing: it is new"


def _levels(known: Known) -> str:
    names = levels(known.standing)
    return listed(names) if names else ""


ITEMS = (
    Item("owner", "Who owns the service?", True, "owner"),
    Item("on_call", "Who is on call, and how are they reached?", True, "on_call"),
    Item("escalation", "To whom is a fault escalated?", key="escalation"),
    Item("where", "What runs where?", True, look=_where),
    Item("commands", "Were the commands of the runbook exercised?", True, look=_commands),
    Item("backup", "How is it backed up, and when was a restore tried?", key="backup"),
    Item("dashboards", "Which dashboards and alerts watch it?", key="dashboards"),
    Item("logs", "Where are its logs?", key="logs"),
    Item("dependencies", "What does it depend on?", look=_dependencies),
    Item("load", "Which load does it bear?", key="load"),
    Item("service_levels", "Which service levels hold?", look=_levels),
    Item("secrets", "Where are its secrets, and how are they changed?", key="secrets"),
    Item("access", "Who has access, and how is it given?", key="access"),
    Item("known_errors", "Which errors are known, with workarounds?", True, look=_known_errors),
    Item("user_notes", "What is told to users?", True, "user_notes", _user_notes),
    Item("support", "Is the service desk briefed?", key="support"),
    Item("licences", "Under which licences are its parts?", look=_licences),
    Item("differences", "How do the environments differ?", look=_differences),
    Item("data_class", "How sensitive is its data?", key="data_class"),
    Item("replaces", "What does it replace?", look=_replaced),
)


def items(handover: str) -> tuple[Item, ...]:
    """Return the items that a plan's *handover* asks for: none, light or full."""
    if handover == FULL:
        return ITEMS
    return tuple(item for item in ITEMS if item.in_light) if handover == LIGHT else ()


def levels(standing: Standing) -> tuple[str, ...]:
    """Return the names of the service levels that a plan has."""
    said = standing.resolved.plan.plain.get("service", {}).get("levels", ())
    return tuple(level["name"] for level in said)


def answered(known: Known) -> list[Answered]:
    """Return each item that the plan asks for with its answer: a person's, the plan's, or ours."""
    wanted = items(str(known.standing.resolved.plan.plain.get("handover", NONE)))
    return [_answered(item, known) for item in wanted]


def accepted(known: Known, item: str) -> Entry | None:
    """Return what a person said last of an *item* of this revision of the plan."""
    id_ = id_of(known.standing.plan, known.standing.revision, known.environment, item)
    for entry in reversed(known.entries):
        if (entry.register, entry.id) == (ACCEPTANCE, id_) and entry.is_open:
            return entry
    return None


def id_of(plan: str, revision: int, environment: str, item: str) -> str:
    """Return the id of an entry that answers an *item* for a *revision* of a *plan*."""
    return SEPARATOR.join([plan, str(revision), environment, item])


def _answered(item: Item, known: Known) -> Answered:
    entry = accepted(known, item.id)
    if entry is not None:
        return Answered(item, entry.text("reason"), entry.person or entry.by, entry.at)
    said = known.service.get(item.key) if item.key else None
    if said:
        text = ", ".join(map(str, said)) if isinstance(said, (list, tuple)) else str(said)
        return Answered(item, text, "the plan")
    found = item.look(known) if item.look else ""
    return Answered(item, found, "the record") if found else Answered(item)
