# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that has ended, by application and environment, as it is reported to other systems."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...module_utils.formats import _canonical
from ..events import _recorder
from ..events._facts import Release
from ..ledger import _outcome
from ..ledger._journal import Ending, Part
from ..ledger._words import shortened
from ._phases import Phases

DONE, HELD, REFUSED = "done", "held", "refused"
BACKED_OUT, FAILED, UNKNOWN = "backed_out", "failed", "unknown"
LONGEST_NAME = 100  # characters of an application or environment
# Outcomes of hosts that had nothing to do with changing what is live.
ONLY_LOOKED = {"asked", "verified", "drifted", "skipped", "built", "sealed"}
UNTOUCHED = {"asked", "verified", "skipped", "unchanged", "not reached"}
BAD = (*_recorder.WRONG, "interrupted", "not reached")


@dataclass(frozen=True)
class Place:
    """What a run did with an *application* in an *environment*; each is "" where it is not known.

    *outcome* is a verdict of a run, *hosts* has the number of hosts by what became of them, and
    *seconds* how long each phase took. *before* and *after* are the releases that were current on
    hosts at first and at last. *changes*: whether it was to change what is live.
    """

    application: str
    environment: str
    outcome: str
    reason: str = ""
    hosts: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    before: tuple[Release, ...] = ()
    after: tuple[Release, ...] = ()
    changes: bool = True


@dataclass(frozen=True)
class EndedRun:
    """A *run* on the control machine *control*, from *began* to *ended* (seconds since 1970)."""

    run: str
    control: str
    began: float
    ended: float
    places: tuple[Place, ...]


def places(
    rows: Sequence[_recorder.Row], parts: Sequence[Part], phases: Phases, environment: str = ""
) -> tuple[Place, ...]:
    """Return the Places of a run by the *rows* of its report and what its journal has.

    *environment* is that of hosts without an intent of the run.
    """
    intents = [intent for part in parts for intent in part.intents]
    known = {host: name for each in intents for host, name in each["environments"].items()}
    applications = [row.after.name or row.before.name or "" for row in rows]
    alone = _only(applications) or _only(map(_application, intents))
    elsewhere = _only(known.values()) or environment
    groups: dict[tuple[str, str], list[_recorder.Row]] = {}
    for row, application in zip(rows, applications, strict=True):
        key = (_name(application or alone), _name(known.get(row.host, elsewhere)))
        groups.setdefault(key, []).append(row)
    return tuple(_place(*key, here, parts, phases) for key, here in groups.items())


def _place(
    application: str,
    environment: str,
    rows: Sequence[_recorder.Row],
    parts: Sequence[Part],
    phases: Phases,
) -> Place:
    hosts = {row.host for row in rows}
    about = [part for part in parts if _is_about(part, application, hosts)]
    acts = {intent["act"] for part in about for intent in part.intents}
    ending = _ending(about, rows)
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.outcome] = counts.get(row.outcome, 0) + 1
    return Place(
        application,
        environment,
        ending.verdict,
        ending.reason,
        counts,
        phases.seconds({(row.host, row.root) for row in rows}),
        _releases(row.before for row in rows),
        _releases(row.after for row in rows),
        changes=bool(acts.intersection(_outcome.CHANGING) if acts else counts.keys() - ONLY_LOOKED),
    )


def _ending(about: Sequence[Part], rows: Sequence[_recorder.Row]) -> Ending:
    """Return how the parts *about* it ended for *rows*; without any, by the outcomes of hosts."""
    endings = [part.ending for part in about]
    if None in endings:
        return Ending(UNKNOWN, "no end was recorded")
    said = [ending for ending in endings if ending is not None]
    if said:
        return functools.reduce(Ending.and_then, said)
    return _by_outcomes(rows)


def _is_about(part: Part, application: str, hosts: set[str]) -> bool:
    if not part.intents:
        return True  # it was refused as a whole
    return any(
        hosts.intersection(intent["hosts"]) and _name(_application(intent)) in ("", application)
        for intent in part.intents
    )


def _by_outcomes(rows: Sequence[_recorder.Row]) -> Ending:
    found = {row.outcome for row in rows}
    wrong = [row for row in rows if row.outcome in BAD]
    if not wrong:
        return Ending(HELD if "on trial" in found else DONE)
    first = next((row for row in wrong if row.outcome != "not reached"), wrong[0])
    reason = f"{first.host}: {first.detail or first.outcome}"
    if "interrupted" in found:
        return Ending(UNKNOWN, reason)
    if found <= UNTOUCHED:
        return Ending(REFUSED, reason)
    is_back = "put back" in found and found <= {"put back", *UNTOUCHED}
    return Ending(BACKED_OUT if is_back else FAILED, reason)


def _application(intent: Mapping[str, Any]) -> str:
    return str(intent["release"].get("name") or intent["application"] or "")


def _only(names: Iterable[str]) -> str:
    """Return the one name that there is, "" for none or several."""
    known = {name for name in names if name}
    return known.pop() if len(known) == 1 else ""


def _name(text: str) -> str:
    """Return a name of people as a printable line of bounded length."""
    return shortened(_canonical.printable(text), LONGEST_NAME)


def _releases(found: Iterable[Release]) -> tuple[Release, ...]:
    """Return the releases that differ; that there is none is one, too."""
    short = [Release(name=each.name, version=each.version, digest=each.digest) for each in found]
    return tuple(dict.fromkeys(short))
