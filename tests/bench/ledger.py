# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long each question to a ledger of 100,000 events takes, on SQLite and on PostgreSQL.

The ledger is that of 100 hosts, to which 50,000 runs deployed, ten hosts each. Hosts report their
last 100 lines of history. Each question is asked by a process of its own, without its start.
Budget: one second; an audit reads everything, and has no budget.

    .venv/bin/python tests/bench/ledger.py [--rounds 5] [--events 100000]
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / ".dev")]

from ansible_collections.itops.release.plugins.plugin_utils.events import _facts  # noqa: E402 - path first
from ansible_collections.itops.release.plugins.plugin_utils.ledger import (  # noqa: E402
    _finding,
    _questions,
    _recording,
)
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import Actor  # noqa: E402
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger  # noqa: E402
from ansible_collections.itops.release.plugins.plugin_utils.ledger._outcome import (  # noqa: E402
    HostOutcome,
)
from tests.fakes import postgresql  # noqa: E402

HOSTS, A_RUN, LINES = 100, 10, 100
ENVIRONMENTS = ("test", "staging", "production")
ROOT = "/srv/shop"
BUDGET_S = 1.0
NO_BUDGET = ("audit", "export, JSON Lines", "export, CSV")
MOST_DRAFTS = 500


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--ask", nargs=3, metavar=("QUESTION", "PLACE", "EVENTS"))
    options = parser.parse_args()
    if options.ask:
        question, place, events = options.ask
        print(seconds(question, place, int(events)))
    else:
        print(section(options.rounds, options.events))


def section(rounds, events=100_000):
    """Measure, and return the Markdown of all figures."""
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        columns = {"SQLite": measure(os.path.join(folder, "ledger.db"), rounds, events)}
    if postgresql.why_not() is None:
        server = postgresql.Server()
        try:
            server.start()
            columns["PostgreSQL"] = measure(server.database(), rounds, events)
        finally:
            server.close()
    load = f"{before:.1f} at the beginning and {os.getloadavg()[0]:.1f} at the end"
    lines = [
        f"## Questions to a ledger of {events:,} events",
        "",
        f"{time.strftime('%Y-%m-%d')}, {rounds} rounds; load average {load}. The budget is "
        f"{BUDGET_S:.0f} s, but for an audit and an export, which read everything. Seconds: median "
        "(least to most).",
        "",
        f"| | {' | | '.join(columns)} | |",
        "|---|" + "---|---|" * len(columns),
    ]
    for question in QUESTIONS:
        cells = []
        for times in columns.values():
            mark = "met" if statistics.median(times[question]) <= BUDGET_S else "**missed**"
            cells += [spread(times[question]), "" if question in NO_BUDGET else mark]
        lines.append(f"| {question} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def measure(place, rounds, events):
    """Return {question: seconds of each round} for a ledger that is made at *place*."""
    fill(place, events)
    return {
        question: [ask(question, place, events) for _round in range(rounds)]
        for question in QUESTIONS
    }


def ask(question, place, events):
    argv = [sys.executable, __file__, "--ask", question, place, str(events)]
    return float(subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout)


def seconds(question, place, events):
    """Return how long a question takes in this process."""
    told = told_by_hosts(events)
    start = time.monotonic()
    QUESTIONS[question](Ledger(place), told)
    return time.monotonic() - start


def fill(place, events):
    """Record runs until there are so many events."""
    ledger, drafts = Ledger(place), []
    for number in range((events - 1) // 2):
        intent, outcomes = run(number)
        drafts += [_recording.began(intent), _recording.ended(intent, outcomes, intent.release)]
        if len(drafts) >= MOST_DRAFTS:
            ledger.append(drafts, Actor("ada", "claimed"))
            drafts = []
    ledger.append(drafts, Actor("ada", "claimed"))
    ledger.close()


def run(number):
    """Return the intent and outcomes of a run: it deploys to ten hosts in turn."""
    first = number * A_RUN % HOSTS
    hosts = tuple(f"host{first + each}" for each in range(A_RUN))
    environment = ENVIRONMENTS[first // A_RUN % len(ENVIRONMENTS)]
    release = {"name": "shop", "version": f"1.{number}.0", "digest": f"{number:064x}"}
    intent = _recording.Intent(
        name_of(number),
        "deploy",
        "shop",
        hosts,
        release=release,
        reference=f"shop:1.{number}.0",
        environments=dict.fromkeys(hosts, environment),
    )
    after = _facts.Release(phase="live", serial=number, **release)
    return intent, [HostOutcome(host, ROOT, "ok", after=after, touched=True) for host in hosts]


def name_of(number):
    return f"ada@control.{number}.18bc7-f7db-271f691a"


def told_by_hosts(events):
    """Return what hosts report: their last runs, and two that are on no record."""
    runs = (events - 1) // 2
    deployments, histories, environments = {}, {}, {}
    for host in range(HOSTS):
        own = [n for n in range(runs - HOSTS * LINES, runs) if n * A_RUN % HOSTS == host // 10 * 10]
        own = own[-LINES // 3 :]
        entries = [
            {"at": "2026-11-30T12:00:00Z", "run": name_of(n), "event": event, "tree": str(n)}
            for n in own
            for event in ("staged", "activated", "accepted")
        ]
        entries.append({"at": "2026-11-30T12:00:00Z", "run": "eve@laptop.1", "event": "accepted"})
        live = {"name": "shop", "version": f"1.{own[-1]}.0", "digest": f"{own[-1]:064x}"}
        place = (f"host{host}", ROOT)
        deployments[place] = {"root": ROOT, "phase": "live", "live": live, "since": ""}
        histories[place] = entries
        environments[place[0]] = ENVIRONMENTS[host // 10 % len(ENVIRONMENTS)]
    return _finding.Told(deployments, histories, environments)


def status(ledger, told):
    reply = _questions.status(ledger, told, ENVIRONMENTS, datetime.now(timezone.utc))
    assert len(reply.data["status"]["unrecorded"]) == HOSTS, reply.lines
    json.dumps(reply.data)


QUESTIONS = {
    "status": status,
    "status, no host asked": lambda ledger, _told: _questions.status(
        ledger, None, ENVIRONMENTS, datetime.now(timezone.utc)
    ),
    "unrecorded": _questions.unrecorded,
    "the last 100 events": lambda ledger, _told: _questions.events(ledger, most=100),
    "the last 100 events of a kind": lambda ledger, _told: _questions.events(
        ledger, "run_ended", most=100
    ),
    "audit": _questions.audit,
    "export, JSON Lines": lambda ledger, _told: _questions.export(ledger, "jsonl"),
    "export, CSV": lambda ledger, _told: _questions.export(ledger, "csv"),
}


if __name__ == "__main__":
    main()
