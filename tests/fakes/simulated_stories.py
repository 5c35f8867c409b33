# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories of pretended fleets: a few runs one after another, all of them drawn from a seed."""

from __future__ import annotations

import random
from datetime import timedelta

from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger
from ansible_collections.itops.release.plugins.plugin_utils.plan._plan import Plan, Step
from ansible_collections.itops.release.tests.fakes.memory_ledger import MemoryLedger
from ansible_collections.itops.release.tests.fakes.simulated_fleet import (
    ALL,
    ENVIRONMENT,
    Broken,
    Chances,
    Fleet,
    digest_of,
)
from ansible_collections.itops.release.tests.fakes.simulated_host import SimulatedHost
from ansible_collections.itops.release.tests.fakes.simulated_run import Run

OLD, NEW = "shop:1.0.0", "shop:2.0.0"
WAVES = ((), (1,), (1, "100%"), (1, "50%", "100%"), ("10%", "30%"), (2, 3))
LARGE_WAVES = ((), (1, "10%", "50%", "100%"), (5, "20%"))
ACTS = (*["deploy"] * 5, "backed_out", "reconcile", "import", "issue")
TROUBLES = ("flap", "lost", "lost_in_hook", "whole_batch", "hook", "decay", "gate", "away")
MINIMA = (0, 0, 1, 1, 2, "25%", "50%", "75%", "90%")


def live(seed, hosts=None, folder=None):
    """Live through the story of *seed*; raises Broken, with the story, where a promise is not kept.

    *hosts* is how many there are, else that is drawn. With *folder*, ledger and journals are files.
    """
    fleet = _fleet(random.Random(seed), hosts, folder)
    try:
        _run(fleet)
    except Exception as error:
        lines = "\n".join(fleet.story)
        raise Broken(f"seed {seed}: {type(error).__name__}: {error}\n{lines}") from error
    return fleet


def quiet(hosts, on_failure="back_out", ledger=None, folder=None, **step):
    """Return a Fleet of so many *hosts* that have shop 1.0.0, in which nothing goes wrong.

    *ledger* is where it is recorded, else in memory; with a *folder*, journals are files there.
    """
    names = [f"h{number}" for number in range(1, hosts + 1)]
    path = (Step(ENVIRONMENT, ALL, **step),)
    plan = Plan("shop-2", "ada", NEW, "A test", "normal", path, on_failure=on_failure)
    members = {name: SimulatedHost(name) for name in names}
    fleet = Fleet(members, plan, random.Random(0), ledger=ledger or MemoryLedger(), folder=folder)
    Run(fleet).bring(dict.fromkeys(names, digest_of(OLD)), "deploy")
    return fleet


def killed_when(live, hosts, **step):
    """Return such a fleet whose run was killed at the first step that leaves this *live*."""
    for number in range(1, 100):
        fleet = quiet(hosts, **step)
        Run(fleet, killed_at=number).deploy()
        if fleet.live == live:
            return fleet
    raise ValueError(f"no step of the run leaves {live}")


def _fleet(chance, hosts, folder):
    count = hosts or chance.choice((1, 2, 3, 4, 4, 5, 6, 8, 10, 14, 24))
    names = [f"h{number}" for number in range(1, count + 1)]
    step = Step(
        ENVIRONMENT,
        ALL,
        waves=chance.choice(WAVES if count < 100 else LARGE_WAVES),
        wave_soak=timedelta(microseconds=chance.choice((0, 0, 1))),
        min_in_service=chance.choice(MINIMA if count < 100 else MINIMA[:-2]),
        canary=chance.choice(((), (chance.choice(names),))),
        failure_domain=chance.choice(("", "rack")),
        unhealthy=chance.choice(("", "allow", "allow")),
    )
    on_failure = chance.choice(("back_out", "hold"))
    why = "A test"
    plan = Plan("shop-2", "ada", NEW, why, "normal", (step,), on_failure=on_failure)
    few = min(1, 20 / count)  # else no run of a large fleet would come to its second wave
    troubles = chance.sample(TROUBLES, chance.choice((0, 1, 1, 2, 3)))
    rates = {name: few * chance.choice((0.02, 0.1, 0.25)) for name in troubles}
    rates["back"] = chance.choice((0, 0.5, 1))
    ledger = Ledger(f"{folder}/ledger.db") if folder else MemoryLedger(checks=count < 100)
    hosts_ = {name: SimulatedHost(name) for name in names}
    racks = {name: str(chance.randrange(3)) for name in names}
    fleet = Fleet(
        hosts_,
        plan,
        chance,
        ledger=ledger,
        hooks=chance.random() < 0.4,
        racks=racks,
        folder=folder and str(folder),
    )
    _begin(fleet)
    fleet.chances = Chances(**rates)
    bad = chance.choice((0, 0, 0.1 * few, 0.3 * few, 1))
    for host in hosts_.values():
        host.bad |= {digest_of(NEW)} if fleet.happens(bad) else set()
    if chance.random() < 0.3:
        hosts_[chance.choice(names)].bad.add(digest_of(NEW))
    fleet.tell(f"{count} hosts, {step}, {on_failure}")
    fleet.tell(f"{fleet.chances}, hooks {fleet.hooks}")
    fleet.tell(f"the release is bad on {[h.name for h in hosts_.values() if h.bad]}")
    return fleet


def _begin(fleet):
    """Deploy what was there before; some hosts are new, and on some it stopped working since."""
    new, broken = (fleet.random.choice((0, 0, 0, 0.1, 1)) for _kind in range(2))
    old = {name: digest_of(OLD) for name in fleet.hosts if not fleet.happens(new)}
    if old:
        Run(fleet).bring(old, "deploy")
    for name in old:
        if fleet.happens(broken * min(0.2, 2 / len(fleet.hosts))):
            fleet.hosts[name].bad.add(digest_of(OLD))
    fleet.tell(f"new hosts: {sorted(fleet.hosts.keys() - old)}")


def _run(fleet):
    """Run what people run, until the hosts answer again and reconcile has brought them together."""
    chance = fleet.random
    for _run_of_many in range(chance.randint(1, 4)):
        _weather(fleet)
        killed_at = chance.choice((None, None, chance.randint(1, 12 * len(fleet.hosts))))
        act = chance.choice(ACTS)
        if act == "deploy":
            if chance.random() < 0.2:
                for host in fleet.hosts.values():
                    host.bad.discard(digest_of(NEW))
                fleet.tell("the release was mended")
            if chance.random() < 0.2:
                fleet.tell("issues are closed")
                fleet.close_issues()
            limit = None
            if chance.random() < 0.15:
                limit = chance.sample(list(fleet.hosts), chance.randint(1, len(fleet.hosts)))
            as_ = "staged" if chance.random() < 0.05 else None
            Run(fleet, as_, killed_at).deploy(limit)
        elif act == "backed_out":
            Run(fleet, "backed_out", killed_at, records=chance.random() < 0.8).deploy()
        elif act == "reconcile":
            Run(fleet).reconcile()
        elif act == "issue":
            fleet.open_issue()
        else:
            Run(fleet).import_()
    _end_well(fleet)


def _weather(fleet):
    """Let hosts come and go between two runs."""
    for host in fleet.hosts.values():
        if not host.is_reachable and fleet.happens(0.5):
            host.is_reachable = True
        elif fleet.happens(fleet.chances.away):
            host.is_reachable = False
    down = [host.name for host in fleet.hosts.values() if not host.is_reachable]
    if down:
        fleet.tell(f"unreachable: {down}")


def _end_well(fleet):
    """All hosts answer, and nothing goes wrong any more: reconcile brings the fleet together."""
    fleet.chances = Chances()
    for host in fleet.hosts.values():
        host.is_reachable = True
    refused = Run(fleet).reconcile()
    if refused:  # where a run was killed, or held: a person decides
        Run(fleet).import_()
        refused = Run(fleet).reconcile()
    _check_ledger(fleet)
    again = Run(fleet)
    if refused or again.reconcile():
        return
    lacking = [name for name in again.releases if not fleet.hosts[name].bad]
    if lacking:
        raise Broken(f"after reconcile, {lacking} do not have the release of the fleet")
    well = [host for host in fleet.hosts.values() if not host.bad]
    if len({(host.current, host.phase) for host in well}) > 1:
        raise Broken(f"hosts differ: {[(host.name, host.current, host.phase) for host in well]}")


def _check_ledger(fleet):
    rows = {row["host"]: row for row in fleet.ledger.rows("deployments")}
    for name, host in fleet.hosts.items():
        there = (host.current, host.phase) if host.current else ("", "none")
        row = rows.get(name)
        recorded = (row["digest"], row["phase"]) if row else ("", "none")
        if there != recorded:
            raise Broken(f"{name} has {there}, and the ledger {recorded}")
