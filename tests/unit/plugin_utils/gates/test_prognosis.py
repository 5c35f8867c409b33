# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The prognosis for a moment is what the gates answer at that moment, over random plans."""

from __future__ import annotations

import pathlib
import tempfile
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.plugin_utils.events import _facts
from ansible_collections.itops.release.plugins.plugin_utils.gates import _collect, _gates, _sources
from ansible_collections.itops.release.plugins.plugin_utils.ledger import _outcome
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import Actor, Draft, utc
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger
from ansible_collections.itops.release.plugins.plugin_utils.ledger._recording import (
    Intent,
    began,
    ended,
)
from ansible_collections.itops.release.plugins.plugin_utils.plan import _taking_in
from ansible_collections.itops.release.plugins.plugin_utils.policy._policy import Identity
from ansible_collections.itops.release.plugins.plugin_utils.registers import _register
from ansible_collections.itops.release.tests.fakes import plans
from ansible_collections.itops.release.tests.fakes.plans import NOW, PLAN, POLICY, changed
from ansible_collections.itops.release.tests.unit.plugin_utils.gates.test_gates import CALENDAR

THINGS = ["ben", "cleo", "ada", "reject", "deploy", "other", "issue", "ack"]
HOURS = st.integers(0, 60 * 24).map(lambda hour: timedelta(hours=hour))
CLAIMED = changed(POLICY, "environments", "production", strength="claimed")


@st.composite
def cases(draw):
    """Return a plan, what happens (by hours), hours until the time asked for, whether twice."""
    step = {"environment": "production", "hosts": "shop:&production"}
    if draw(st.booleans()):
        step["soak"] = draw(st.sampled_from(["1h", "24h", "20d"]))
    if draw(st.booleans()):
        step["window"] = "nightly"
    if draw(st.booleans()):
        step["acknowledge"] = ["support desk"]
    plan = changed(
        PLAN,
        path=[PLAN["path"][0], step],
        change=draw(st.sampled_from(["normal", "normal", "standard", "emergency"])),
    )
    happens = draw(
        st.lists(
            st.tuples(
                st.integers(0, 72),
                st.sampled_from(
                    ["ben", "cleo", "ada", "reject", "deploy", "other", "issue", "ack"]
                ),
            ),
            max_size=8,
        )
    )
    return plan, sorted(happens), draw(HOURS), draw(st.booleans())


class World:
    """A ledger whose clock a test sets, and what may happen to it."""

    def __init__(self, folder, plan):
        self.now = NOW
        self.ledger = Ledger(str(pathlib.Path(folder) / "ledger.db"), clock=lambda: self.now)
        self.policy = plans.policy(CLAIMED)
        self.resolved = plans.resolved(plan)
        body = {
            "plan": "shop-1.5",
            "revision": 1,
            "digest": self.resolved.digest,
            "resolved": self.resolved.to_plain(),
            "expires": utc(NOW + timedelta(days=30)),
            "person": "ada",
        }
        self.append(Draft("plan_proposed", "shop-1.5", body, "plan/1"))

    def append(self, *drafts):
        self.ledger.append(drafts, Actor("ada", "claimed"))

    def happen(self, what, number):
        record = _collect.OnRecord.of(self.ledger)
        standing = record.plans["shop-1.5"]
        if what in ("ben", "cleo", "ada", "reject"):
            person = "ben" if what == "reject" else what
            decision = "reject" if what == "reject" else "declare" if what == "ada" else "approve"
            role = {"ben": "operations", "cleo": "product"}.get(what, "")
            said = plans.said(
                standing, person, decision, role, ledger=record.ledger, strength="claimed"
            )
            self.append(_taking_in.draft(said))
        elif what in ("deploy", "other"):
            digest = plans.RELEASE["digest"] if what == "deploy" else "0" * 64
            release = _facts.Release(phase="live", name="shop", version="1", digest=digest)
            intent = Intent(
                f"run-{number}", "deploy", "shop", ("shop9",), environments={"shop9": "staging"}
            )
            outcome = _outcome.HostOutcome("shop9", "/srv/shop", "ok", after=release)
            self.append(began(intent), ended(intent, [outcome], {"name": "shop"}))
        elif what == "issue":
            fields = {"title": "x", "blocker": True}
            draft = _register.changed([], "issue", f"I-{number + 1}", "opened", fields)
            self.append(draft)
        elif not any(entry.register == "acknowledgement" for entry in record.entries):
            draft = _register.changed(
                [], "acknowledgement", "shop-1.5/1/support desk", "opened", {"by": "support desk"}
            )
            self.append(draft)

    def answers(self, at):
        """Return what the gates answer for a time, as the action asks them."""
        now = max(at, _sources.time_of(self.ledger, self.now))
        identity = Identity(self.policy.people["ada"], "claimed", "ada@control")
        run = _collect.Run("run", identity, ("shop1",))
        known = _collect.facts(
            self.policy,
            (CALENDAR, ""),
            _collect.OnRecord.of(self.ledger),
            self.resolved,
            "production",
            run,
            now,
        )
        return _gates.evaluate(known)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_the_prognosis_is_the_answer_at_that_time(case):
    plan, happens, later, asks_first = case
    with tempfile.TemporaryDirectory() as folder:
        world = World(folder, plan)
        for number, (hour, what) in enumerate(happens):
            world.now = NOW + timedelta(hours=hour)
            world.happen(what, number)
        then = world.now + later
        prognosis = world.answers(then)
        if asks_first:
            assert world.answers(then) == prognosis  # asking changes nothing
        world.now = then

        assert world.answers(then) == prognosis
        world.ledger.close()
