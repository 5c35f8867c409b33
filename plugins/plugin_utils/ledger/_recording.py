# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs as events of the ledger: what a run intends, how it ended, and what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ...module_utils.formats import _canonical
from . import _kind_history_found, _kind_run_began, _kind_run_ended, _outcome
from ._event import Draft, Head
from ._outcome import LONGEST_WORD, HostOutcome, deployed
from ._words import shortened

HOST_ONLY = ("previous", "current")  # releases that only a host can name


@dataclass(frozen=True)
class Intent:
    """What *run* is about to do: *act* with *application*, on *hosts*.

    *root* is the deployment root on the first of them.
    *release* has name, version and digest, as far as they are known; *reference* is how the user
    named it. *environments* has the environment of each host that is in one. A run that goes batch
    by batch has an intent for each batch; *more* says that this is not the last. *plan* has name
    and revision of the plan that the run follows. *position* is where its facts begin in the
    journal, *head* the end of the ledger once it is recorded.
    """

    run: str
    act: str
    application: str
    hosts: tuple[str, ...]
    root: str = ""
    release: Mapping[str, str] = field(default_factory=dict)
    reference: str = ""
    environments: Mapping[str, str] = field(default_factory=dict)
    position: int | None = None
    more: bool = False
    plan: Mapping[str, Any] = field(default_factory=dict)
    head: Head | None = None

    @property
    def part(self) -> str:
        """What tells this from what else the run does."""
        return self.application or self.root or self.act

    @property
    def environment(self) -> str:
        """The environments of all hosts, in a line."""
        return shortened(", ".join(sorted(set(self.environments.values()))), LONGEST_WORD)

    def to_plain(self) -> dict[str, Any]:
        """Return this as plain data."""
        return {**asdict(self), "hosts": list(self.hosts)}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Intent:
        """Return the Intent in a mapping that ``to_plain`` gave."""
        head = plain.get("head")
        return cls(
            **{
                **plain,
                "hosts": tuple(plain["hosts"]),
                "head": Head.from_plain(head) if head else None,
            }
        )


def began(intent: Intent) -> Draft:
    """Return the event that a run is about to do what *intent* says."""
    body: dict[str, Any] = {"run": intent.run, "act": intent.act, "part": intent.part}
    body |= {"hosts": list(intent.hosts)}
    body |= {"release": dict(intent.release)} if intent.release else {}
    body |= {"reference": intent.reference[:1000]} if intent.reference else {}
    body |= {"environment": intent.environment} if intent.environment else {}
    body |= {"more": True} if intent.more else {}
    body |= {"plan": dict(intent.plan)} if intent.plan else {}
    key = f"{intent.run}/{intent.act}/began/{_digest([intent.position, body])}"
    return Draft(_kind_run_began.NAME, intent.part, body, key)


def ended(
    intent: Intent,
    outcomes: Sequence[HostOutcome],
    release: Mapping[str, str] | None = None,
    settled_by: str = "",
    verdict: str = "",
    reason: str = "",
    whole: bool = False,
) -> Draft:
    """Return the event that the run of *intent* ended, with the *outcomes* on its hosts.

    *release* is the one that the run brought. A run that was killed is *settled_by* another run,
    which finds its *verdict* and *reason*; else both follow from the outcomes. *whole*: the verdict
    is that of all batches of the run, not of the last.
    """
    body: dict[str, Any] = {
        "run": intent.run,
        "act": intent.act,
        "part": intent.part,
        "verdict": verdict or _outcome.verdict(intent.act, outcomes),
        "hosts": [_host(outcome, intent.environments) for outcome in outcomes],
    }
    reason = reason if verdict else _outcome.reason(outcomes)
    body |= {"reason": reason} if reason else {}
    body |= {"release": dict(release)} if release else {}
    body |= {"environment": intent.environment} if intent.environment else {}
    body |= {"settled_by": settled_by} if settled_by else {}
    application = (release or {}).get("name") or intent.part
    body |= {"more": True} if intent.more else {}
    body |= {"whole": True} if whole else {}
    key = f"{intent.run}/{intent.act}/ended/{_digest([intent.position, application, body])}"
    return Draft(_kind_run_ended.NAME, application, body, key)


def found(
    host: str,
    root: str,
    entries: Sequence[Mapping[str, Any]],
    after: Mapping[str, Any] | None = None,
    application: str = "",
    environment: str = "",
    heads: Sequence[Head] = (),
) -> Draft:
    """Return the event that *entries* of a host's history were on no record.

    *after* is what is live there now, with phase, name, version and digest. *heads* are those that
    the host keeps and the ledger does not have.
    """
    kept = [
        {name: entry.get(name) for name in ("at", "run", "event", "tree", "from")}
        for entry in entries
    ]
    body: dict[str, Any] = {"host": host, "root": root, "entries": kept}
    body |= {"after": deployed(after)} if after is not None else {}
    body |= {"environment": environment} if environment else {}
    body |= {"heads": [head.to_plain() for head in heads]} if heads else {}
    subject = application or str((after or {}).get("name") or host)
    return Draft(_kind_history_found.NAME, subject, body, f"found/{host}/{_digest(body)}")


def _host(outcome: HostOutcome, environments: Mapping[str, str]) -> dict[str, Any]:
    plain = outcome.to_plain()
    environment = environments.get(outcome.host)
    return {**plain, "environment": environment} if environment else plain


def _digest(value: object) -> str:
    return _canonical.sha256_hex(_canonical.dumps(value))[:16]
