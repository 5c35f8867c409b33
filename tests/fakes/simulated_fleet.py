# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pretended fleet: hosts of one environment, their plan, their ledger, and what goes wrong."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import Actor
from ansible_collections.itops.release.plugins.plugin_utils.registers import _register
from ansible_collections.itops.release.tests.fakes.memory_ledger import MemoryLedger

ENVIRONMENT = "production"
ACTOR = Actor("ada@control", "claimed")
ALL = "all"


class Broken(AssertionError):
    """What must always hold does not."""


@dataclass
class Chances:
    """How probable it is that something goes wrong, each time that it can."""

    flap: float = 0  # a probe fails for no reason
    lost: float = 0  # a host is lost in a call
    lost_in_hook: float = 0  # a host is lost in a hook, so it leaves the play
    whole_batch: float = 0  # all hosts of a batch are lost in a hook
    hook: float = 0  # a hook fails
    back: float = 1  # a lost host is back for the next play
    decay: float = 0  # what is live on a host stops working
    away: float = 0  # a host does not answer when a run begins
    gate: float = 0  # a gate closes between two batches


@dataclass
class Fleet:
    """The *hosts* of one environment, by name, with their *plan*, *ledger* and *chances*.

    *hooks* tells whether hooks and handlers stand between the switch and the commit.
    """

    hosts: dict
    plan: object
    random: random.Random
    chances: Chances = field(default_factory=Chances)
    ledger: object = field(default_factory=MemoryLedger)
    hooks: bool = False
    racks: dict = field(default_factory=dict)
    folder: str | None = None  # of journals in files, None for those in memory
    story: list = field(default_factory=list)
    runs: int = 0
    log: list = field(default_factory=list)  # runs that deployed or backed out, refused ones not

    @property
    def step(self):
        return self.plan.step(ENVIRONMENT)

    @property
    def least(self):
        """How many hosts must stay in service."""
        wanted = self.step.min_in_service
        if isinstance(wanted, str):
            return math.ceil(int(wanted.rstrip("%")) * len(self.hosts) / 100)
        return wanted

    @property
    def digest(self):
        """The digest of the release that the plan deploys."""
        return digest_of(self.plan.release)

    @property
    def live(self):
        """What is live on each host, "1 2? -": the first digit, and a question mark on trial."""
        hosts = self.hosts.values()
        return " ".join((h.current or "-")[0] + ("?" if h.trial else "") for h in hosts)

    @property
    def unfinished(self):
        """The deployments whose changes a further run goes on with."""
        found = []
        settled = {row["run"]: row["verdict"] for row in self.ledger.rows("runs") if row["ended"]}
        for run in reversed(self.log):
            if (run.verdict or settled.get(run.id)) in ("done", "backed_out"):
                break
            found += [run.id] if run.act == "deploy" else []
        return found

    def tell(self, line):
        self.story.append(line)

    def happens(self, chance):
        return bool(chance) and self.random.random() < chance

    def bad_releases(self):
        """Return the releases that failed and whose issue is open, and not by the code tested."""
        entries = _register.of_ledger(self.ledger)
        return {e.fields.get("release") for e in entries if e.is_open and e.fields.get("blocker")}

    def open_issue(self):
        """Open an issue about the release of the plan, as a person does who found it to be bad."""
        entries = _register.of_ledger(self.ledger)
        said = {"title": "It is bad", "blocker": True, "release": self.digest}
        id_ = _register.next_issue(entries)
        draft = _register.changed(entries, _register.ISSUE, id_, _register.OPENED, said)
        self.ledger.append([draft], ACTOR)
        self.tell(f"{id_} is opened by a person")

    def close_issues(self):
        """Close all issues, as a person does who knows better."""
        for entry in _register.of_ledger(self.ledger):
            said = {"corrective_action": "the cause is gone"}
            draft = _register.changed(
                _register.of_ledger(self.ledger), entry.register, entry.id, "closed", said
            )
            self.ledger.append([draft] if draft else [], ACTOR)


def digest_of(reference):
    """Return the digest of the release shop:N.0.0."""
    return format(int(reference.partition(":")[2].partition(".")[0]), "x") * 64
