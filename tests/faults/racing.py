# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rounds of three runs at one root at once, one of which may be stopped or killed at any moment."""

from __future__ import annotations

import collections
import json
import os
import random
import re
import signal
import time
import traceback
from dataclasses import dataclass

from ansible_collections.itops.release.plugins.module_utils.deployment import _transaction
from ansible_collections.itops.release.plugins.module_utils.root import _directory, _history, _state
from ansible_collections.itops.release.tests.fakes.estate import Host
from ansible_collections.itops.release.tests.faults.operations import LINKS, VERSIONS
from ansible_collections.itops.release.tests.faults.overtaking import at_rest

PINNED = "1"
LOCK_TIMEOUT_S = 10
SHORT_TIMEOUT_S = 0.3
LONGEST_S = 0.06  # of a call that nobody disturbs, about
MOST_EVENTS = 10**6
# One that ends another's trial by going back to what is live accepts nothing.
WENT_LIVE = ("accepted", "activated", "went back")
NOBODY_MEETS = ("overtaken", "locked", "held")  # without one that is stopped or taken over
REFUSALS = re.compile(
    r"(?P<locked>is locked by pid \d+ of run)"
    r"|(?P<held>is held by .* (whose process \d+ works here|which has .* on trial))"
    r"|(?P<overtaken>was taken over by run)"
    r"|(?P<sending>is sending a release to|the pack in .* is gone|the pack could not be sent)"
    r"|(?P<needed>is (live|on trial|the way back|pinned): it is not removed)"
    r"|(?P<bad>was marked bad by)"
    r"|(?P<nowhere>there is no earlier good release|no earlier release is left)"
)


class Sender(Host):
    """A Host whose drop another run may remove while a pack is being sent to it."""

    broken = None

    def send(self, *args):
        try:
            super().send(*args)
        except FileNotFoundError:
            self.broken = "the pack could not be sent"

    def supply(self, request, need):
        """Ask why, as the controller does where a pack cannot be sent."""
        return super().supply(request, need).after(transfer_error=self.broken)


@dataclass(frozen=True)
class Act:
    """What one run does: deploy *version* (None: go back), or what *params* say of it."""

    version: str | None
    params: tuple = ()

    @property
    def deploys(self):
        return bool(self.version) and not self.params


class Run:
    """A process that does an Act at the root of a Host, after *delay* seconds."""

    def __init__(self, host, label, act, delay, **params):
        self.name, self.act = host.run, act
        reading, writing = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(reading)
            time.sleep(delay)
            os.write(writing, json.dumps(_outcome(host, label, act, params)).encode("utf-8"))
            os._exit(0)
        os.close(writing)
        self._reading = reading

    def signal(self, number):
        os.kill(self.pid, number)

    def end(self):
        """Wait for the process; return what it says, or None where it was killed."""
        with os.fdopen(self._reading, "rb") as stream:
            said = stream.read()
        os.waitpid(self.pid, 0)
        return json.loads(said) if said else None


def _outcome(host, label, act, params):
    """Do *act* in this process; return how it ended, as plain data."""
    try:
        params = {"linked_paths": LINKS, "seed": True, **dict(act.params), **params}
        return {"changed": host.deploy(label, **params)["changed"]}
    except (OSError, ValueError) as error:
        try:
            return {"msg": _transaction.refusal(error, host.request()).text}
        except Exception:
            return {"traceback": traceback.format_exc()}
    except BaseException:
        return {"traceback": traceback.format_exc()}


class Race:
    """Rounds at one root, drawn by *seed*; ``problems`` has what is not as promised."""

    def __init__(self, bench, folder, seed, kills=False):
        self._bench, self._root = bench, folder / "srv"
        self._kills = kills
        self._random = random.Random(seed)
        self._number = 0
        self.problems = []
        self.ends = collections.Counter()  # how often which refusal was met, or none
        host = self._host("the first run")
        for version in ("1", "2"):
            host.deploy(bench.labels[version], linked_paths=LINKS, seed=True)
        host.deploy(bench.labels[PINNED], mark="pinned")

    def run(self, rounds):
        """Run so many rounds, or until one of them goes wrong."""
        for _round in range(rounds):
            self._number += 1
            hows = (self._undisturbed, self._killed if self._kills else self._stopped)
            how = self._random.choice(hows)
            acts = self._acts()
            outcomes = how(acts)
            found = self._judge(outcomes, NOBODY_MEETS if how == self._undisturbed else ())
            told = f"round {self._number}, {how.__name__.strip('_')}, {acts}: "
            self.problems += [told + line for line in found]
            if found:
                break

    def _acts(self):
        """Draw two deployments, and something that takes away, marks, mends or goes back."""
        one, other, third = self._random.sample(VERSIONS, 3)
        rest = (
            Act(None),
            Act(third, (("state", "absent"),)),
            Act("2", (("mark", self._random.choice(("bad", "good"))),)),
            Act(one, (("keep", 1),)),
            Act(None, (("release", "current"), ("verify", True))),
        )
        return [Act(one), Act(other), self._random.choice(rest)]

    def _host(self, name):
        return Sender(self._bench.estate, self._root, {"keep": 2}, run=name)

    def _begin(self, act, **params):
        name = f"run {self._number}.{len(self._runs)}"
        label = self._bench.labels[act.version] if act.version else None
        delay = self._random.uniform(0, LONGEST_S / 2)
        params = {"lock_timeout": LOCK_TIMEOUT_S, **params}
        run = Run(self._host(name), label, act, delay, **params)
        self._runs.append(run)
        return run

    def _undisturbed(self, acts):
        self._runs = []
        return [(run, run.end()) for run in [self._begin(act) for act in acts]]

    def _stopped(self, acts):
        """Stop one run, let the others take over, and then let it go on."""
        victim = self._caught(acts, signal.SIGSTOP)
        params = {"takeover": victim.name, "lock_timeout": SHORT_TIMEOUT_S}
        others = [self._begin(act, **params) for act in acts[1:]]
        outcomes = [(run, run.end()) for run in others]
        victim.signal(signal.SIGCONT)
        return [*outcomes, (victim, victim.end())]

    def _killed(self, acts):
        """Kill one run, and let the others take over."""
        victim = self._caught(acts, signal.SIGKILL)
        victim.end()
        others = [self._begin(act, takeover=victim.name) for act in acts[1:]]
        return [(run, run.end()) for run in others]

    def _caught(self, acts, number):
        self._runs = []
        self._random.shuffle(acts)
        victim = self._begin(acts[0])
        time.sleep(self._random.uniform(0, 2 * LONGEST_S))
        victim.signal(number)
        return victim

    def _judge(self, outcomes, impossible):
        """Return what is not as promised after a round, in which some refusals are *impossible*."""
        found = []
        for run, said in outcomes:
            if said is None or "traceback" in said:
                found.append(f"{run.name}: {said and said['traceback']}")
                continue
            line = said.get("msg", "")
            refusal = REFUSALS.search(line)
            end = refusal.lastgroup if refusal else "done"
            self.ends[end] += 1
            if line and not (refusal and line.isprintable() and end not in impossible):
                found.append(f"{run.name}: {line}")
        try:
            found += self._lost(outcomes)
            self._settle()
        except (OSError, ValueError) as error:
            return [*found, f"the next run: {type(error).__name__}: {error}"]
        return found + at_rest(self._host("the judge"), self._bench.expected)

    def _settle(self):
        """Do what the next run does: it takes over what was killed, and brings another release."""
        host = self._host(f"run {self._number}, at last")
        state = host.state
        live = host.current.partition("-")[0]
        bad = [version for version in VERSIONS if self._bench.labels[version].digest in state.bad]
        version = self._random.choice([each for each in VERSIONS if each not in (live, *bad)])
        takeover = state.lease and state.lease.run
        host.deploy(self._bench.labels[version], takeover=takeover, linked_paths=LINKS, seed=True)

    def _lost(self, outcomes):
        """Return which releases, marks and acknowledged deployments are gone."""
        with _directory.opened(str(self._root)) as root:
            state, events = root.read_state(), _history.read(root, MOST_EVENTS)
        found = []
        if PINNED not in {record.version for record in state.trees.values()}:
            found.append("the pinned release is lost")
        good, wrongly = replayed(events)
        if not self._kills:  # else an event may be missing: that of who was killed
            found += wrongly
            if good != [digest[:12] for digest in state.good]:
                found.append(f"accepted were {good}, and the way back is {state.good}")
        went = [event for event in events if event["event"] in WENT_LIVE]
        told = {(event["run"], event["tree"].partition("-")[0]) for event in went}
        for run, said in outcomes:
            version, mark = run.act.version, dict(run.act.params).get("mark")
            is_well = said and "changed" in said
            if is_well and run.act.deploys and said["changed"] and (run.name, version) not in told:
                found.append(f"{run.name} was told that {version} is live")
            is_bad = self._bench.labels["2"].digest in state.bad
            if is_well and mark and is_bad != (mark == "bad"):
                found.append(f"the mark {mark} is lost")
        return found


def replayed(events):
    """Return the way back that the *events* tell of, and what was removed although it is on it."""
    good, bad, trees, found = [], set(), set(), []
    for event in events:
        what, tree = event["event"], event["tree"]
        if what == "staged":
            trees.add(tree)
        elif what == "accepted":
            good = _state.accepted(good, digest_of(tree))
        elif what in ("marked bad", "marked good"):
            (bad.add if what == "marked bad" else bad.discard)(tree[:12])
        elif what == "removed":
            trees -= set(tree.split())
            ways = [digest for digest in reversed(good[:-1]) if digest not in bad]
            lost = {*good[-1:], *ways[:1]} - set(map(digest_of, trees))
            gone = [each for each in tree.split() if digest_of(each) in lost]
            found += [f"{each} was removed by {event['run']}" for each in gone]
    return good, found


def digest_of(tree):
    """Return the beginning of a digest that is in the name of a tree."""
    return tree.partition("-")[2][:12]
