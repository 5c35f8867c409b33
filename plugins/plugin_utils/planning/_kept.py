# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plays of a deployment in waves must know of each other, kept in the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..fleet._fleet import Rules
from ..fleet._waves import Batch
from ..ledger._journal import Journal

NAME = "fleet"
WAVES, WAY_BACK = "waves", "way_back"  # parts of a run that are done in batches
RECONCILE = "reconcile"
NOBODY = {"hosts": ["all:!all"], "serial": ["100%"]}


@dataclass(frozen=True)
class Kept:
    """A deployment of *release* (name, version, digest) in waves, by a plan.

    *hosts* are in the order in which they change, in the *batches*; *way_back* are those in which
    they are backed out, for the *reason*. *runs* has the run that is undone on a host, where it is
    another than this. *earlier* are runs of the same deployment, *gone* hosts that left the play
    before the waves. *position* is where the facts begin in the journal.
    """

    release: Mapping[str, str]
    environment: str
    hosts: tuple[str, ...]
    rules: Rules
    plan: str = ""
    revision: int = 0
    batches: tuple[Batch, ...] = ()
    way_back: tuple[Batch, ...] = ()
    reason: str = ""
    runs: Mapping[str, str] = field(default_factory=dict)
    earlier: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    position: int = 0

    def keep(self, journal: Journal) -> None:
        """Keep this in the *journal* of the run."""
        plain: dict[str, Any] = {
            **self.__dict__,
            "rules": self.rules.to_plain(),
            "batches": [batch.to_plain() for batch in self.batches],
            "way_back": [batch.to_plain() for batch in self.way_back],
        }
        journal.keep(NAME, plain)

    @classmethod
    def of(cls, journal: Journal) -> Kept | None:
        """Return what was kept last in the *journal*, None where nothing was."""
        plain = journal.kept(NAME)
        if plain is None:
            return None
        lists = {key: tuple(plain[key]) for key in ("hosts", "earlier", "gone")}
        return cls(
            **{
                **plain,
                **lists,
                "rules": Rules.from_plain(plain["rules"]),
                "batches": tuple(map(Batch.from_plain, plain["batches"])),
                "way_back": tuple(map(Batch.from_plain, plain["way_back"])),
            }
        )

    def batch_of(self, part: str, hosts: Sequence[str]) -> int:
        """Return the number, from 0, of the batch in *part* of the run that has these *hosts*."""
        for number, batch in enumerate(self.part(part)):
            if set(hosts) & set(batch.hosts):
                return number
        return len(self.part(part)) - 1

    def part(self, name: str) -> tuple[Batch, ...]:
        """Return the batches of a part of the run: waves or way_back."""
        return self.batches if name == WAVES else self.way_back


def play(journal: Journal, part: str) -> dict[str, Any]:
    """Return ``hosts`` and ``serial`` of the play that does a *part* of the run, if any.

    ``runs`` has the run that is undone on a host, where it is another than this; ``releases`` the
    release that a host is to get; ``held``, why not all hosts can be reconciled.
    """
    if part == RECONCILE:
        kept_ = journal.kept(RECONCILE) or {}
        releases = dict(kept_.get("releases", {}))
        found = {"hosts": list(releases), "serial": ["100%"]} if releases else NOBODY
        return {**found, "runs": {}, "releases": releases, "held": kept_.get("held", "")}
    kept = Kept.of(journal)
    batches = kept.part(part) if kept else ()
    runs = dict(kept.runs) if kept else {}
    if not batches:
        return {**NOBODY, "runs": runs, "releases": {}}
    return {
        "hosts": [host for batch in batches for host in batch.hosts],
        "serial": [len(batch.hosts) for batch in batches],
        "runs": runs,
        "releases": {},
    }
