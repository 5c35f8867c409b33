# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a train does next, over random domains: order, failures anywhere, killed anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.plugin_utils.ledger._trains import Change
from ansible_collections.itops.release.plugins.plugin_utils.train import _train
from ansible_collections.itops.release.plugins.plugin_utils.train._train import (
    BACK_OUT,
    BACKED_OUT,
    DEPLOY,
    DONE,
    FAILED,
    HELD,
    LIVE,
    LOST,
    REFUSED,
    SETTLED,
    STAGED,
    Domain,
    Known,
    Order,
)

SHOP = Order((Domain("db"), Domain("api", ("db",)), Domain("web", ("api",), ("api",))))
BAD = (REFUSED, HELD, BACKED_OUT, FAILED, LOST)
MOST_STEPS = 400


class World:
    """Jobs whose verdicts are known beforehand; *verdicts* by (domain, job), else done.

    A deployment that was killed and is run again ends as it would have ended.
    """

    def __init__(self, order, verdicts=None, done=()):
        self.order, self.verdicts = order, dict(verdicts or {})
        self.state = {
            name: Known(is_done=name in done, touched=name in done) for name in order.names
        }
        self.started, self.changes = [], []

    def note(self, domain, job, change, verdict=""):
        reason = "why" if verdict not in ("", DONE) else ""
        noted = Change(domain, job, change, verdict, reason)
        self.changes.append(noted)
        self.state = _train.after(self.state, [noted])

    def run(self, way=DEPLOY, pick=lambda running: 0, killed=frozenset(), trouble=""):
        """Run to the end; the process is killed after each number of changes in *killed*."""
        for _step in range(MOST_STEPS):
            decision = self.order.decide(self.state, way, trouble)
            if decision.verdict:
                assert not self.running()
                return decision
            for domain, job in decision.start:
                self.check(domain, job)
                self.started.append((domain, job))
                self.note(domain, job, "began")
                if self.killed_now(killed):
                    break
            running = self.running()
            assert running or killed, "it waits for nothing"
            if running:
                domain, job = running[pick(running) % len(running)]
                self.note(domain, job, "ended", self.verdicts.get((domain, job), DONE))
                self.killed_now(killed)
        pytest.fail("it does not end")

    def killed_now(self, killed):
        if len(self.changes) not in killed:
            return False
        self.state = {name: known.resumed() for name, known in self.state.items()}
        return True

    def running(self):
        return [(name, known.running) for name, known in self.state.items() if known.running]

    def check(self, domain, job):
        """What must hold whenever a job is started."""
        known = self.state[domain]
        assert not known.running
        if job == LIVE:
            assert all(self.state[need].is_done for need in self.order.below[domain])
            assert all(each.is_staged or each.is_done for each in self.state.values())
            assert not known.is_done
        if job == BACKED_OUT:
            assert not any(running == LIVE for _name, running in self.running())
            for other in self.order.names:
                if domain in self.order.below[other]:
                    above = self.state[other]
                    assert not above.is_done
                    assert not above.touched or (above.failed, above.job) == (BACKED_OUT, LIVE)

    def there(self):
        """Return the domains that have the release, or may have it."""
        return {
            name
            for name, known in self.state.items()
            if known.is_done or (known.touched and (known.failed, known.job) != (BACKED_OUT, LIVE))
        }


@st.composite
def orders(draw, holds=None):
    """Return an Order of up to six domains with any needs that have no circle."""
    names = [f"d{number}" for number in range(draw(st.integers(1, 6)))]
    domains = []
    for index, name in enumerate(names):
        needs = draw(st.sets(st.sampled_from(names[:index]))) if index else set()
        others = [other for other in names if other != name]
        with_it = draw(st.sets(st.sampled_from(others), max_size=2)) if others else set()
        domains.append(Domain(name, tuple(sorted(needs)), tuple(sorted(with_it))))
    domains = draw(st.permutations(domains))
    holds = draw(st.booleans()) if holds is None else holds
    return Order(tuple(domains), holds, draw(st.sampled_from([1, 2, 8])))


@st.composite
def worlds(draw, bad=BAD, **options):
    order = draw(orders(**options))
    jobs = st.tuples(st.sampled_from(order.names), st.sampled_from([STAGED, LIVE, BACKED_OUT]))
    verdicts = draw(st.dictionaries(jobs, st.sampled_from(bad), max_size=3))
    # The back-out of a domain never answers that it was done in part: it is done, or it failed.
    verdicts = {
        (name, job): FAILED if job == BACKED_OUT and verdict != LOST else verdict
        for (name, job), verdict in verdicts.items()
    }
    return order, verdicts


PICKS = st.randoms(use_true_random=False).map(lambda random: lambda running: random.randrange(99))


@given(worlds(), PICKS)
def test_every_failure_anywhere_ends_in_order(given_world, pick):
    world = World(*given_world)
    decision = world.run(pick=pick)

    if decision.verdict == DONE:
        assert all(known.is_done for known in world.state.values())
    elif decision.verdict == REFUSED:
        assert world.there() == set()
        assert decision.reason
    else:
        assert decision.verdict in (HELD, BACKED_OUT, FAILED)
        assert decision.reason
    if decision.verdict == BACKED_OUT:
        kept = world.there()
        broken = {c.domain for c in world.changes if c.job == LIVE and c.verdict not in ("", DONE)}
        assert not kept & broken
        assert not any(world.order.below[name] - kept for name in kept)


@given(worlds(holds=True), PICKS)
def test_with_hold_nothing_is_backed_out(given_world, pick):
    world = World(*given_world)

    assert world.run(pick=pick).verdict in (DONE, REFUSED, HELD)
    assert BACKED_OUT not in {job for _domain, job in world.started}


@given(worlds(bad=BAD[1:]), st.sets(st.integers(1, 60), max_size=6))
def test_killed_anywhere_and_launched_again_it_ends_the_same(given_world, killed):
    world, other = World(*given_world), World(*given_world)
    wanted, found = world.run(), other.run(killed=killed)

    assert found.verdict == wanted.verdict
    assert other.there() == world.there()


@given(worlds(bad=BAD[1:]))
def test_each_single_kill_ends_the_same(given_world):
    wanted = World(*given_world)
    end = wanted.run()
    for number in range(1, len(wanted.changes) + 1):
        other = World(*given_world)
        assert other.run(killed={number}).verdict == end.verdict
        assert other.there() == wanted.there()


@given(orders(), st.data())
def test_a_requested_back_out_takes_all_back_last_first(order, data):
    names = data.draw(st.sets(st.sampled_from(order.names)))
    closed = {
        name
        for name in order.names
        if name in names or any(name in order.below[other] for other in names)
    }
    world = World(order, done=closed)

    assert world.run(way=BACK_OUT).verdict == DONE
    assert world.there() == set()
    assert {domain for domain, _job in world.started} == closed


def test_domains_go_side_by_side_where_the_plan_allows():
    order = Order((Domain("a"), Domain("b"), Domain("c", ("a", "b"))))
    world = World(order)

    assert order.decide(world.state).start == (("a", STAGED), ("b", STAGED), ("c", STAGED))
    for name in order.names:
        world.note(name, STAGED, "began")
        world.note(name, STAGED, "ended", DONE)
    assert order.decide(world.state).start == (("a", LIVE), ("b", LIVE))


def test_a_failed_domain_takes_back_what_is_named_and_what_needs_that():
    order = Order(
        (
            Domain("db"),
            Domain("api", ("db",)),
            Domain("app", ("api",)),
            Domain("web", ("app",), ("api",)),
        )
    )
    world = World(order, {("web", LIVE): BACKED_OUT})

    decision = world.run()
    assert decision.verdict == BACKED_OUT
    assert decision.reason == "web: backed out: why; backed out: api, app, web; deployed: db"
    assert world.started[-2:] == [("app", BACKED_OUT), ("api", BACKED_OUT)]


def test_a_killed_deployment_that_is_refused_then_may_have_changed_something():
    world = World(SHOP, {("db", LIVE): REFUSED})

    assert world.run(killed={7}).verdict == HELD


def test_a_lost_domain_is_settled_and_backed_out_itself():
    world = World(SHOP, {("api", LIVE): LOST})

    assert world.run().verdict == BACKED_OUT
    assert world.started[-2:] == [("api", SETTLED), ("api", BACKED_OUT)]
    assert ("web", LIVE) not in world.started


def test_where_a_back_out_fails_what_is_needed_stays():
    verdicts = {("web", LIVE): BACKED_OUT, ("api", BACKED_OUT): FAILED}
    order = Order(
        (Domain("db"), Domain("api", ("db",), ("db",)), Domain("web", ("api",), ("api",)))
    )
    world = World(order, verdicts)

    decision = world.run()
    assert decision.verdict == FAILED
    assert decision.reason.endswith("not back: db, api")
    assert ("db", BACKED_OUT) not in world.started


@pytest.mark.parametrize(
    ("job", "verdict", "expected"),
    [
        (STAGED, REFUSED, REFUSED),
        (LIVE, REFUSED, REFUSED),
        (LIVE, HELD, HELD),
    ],
)
def test_what_a_later_run_can_go_on_with_is_not_backed_out(job, verdict, expected):
    world = World(SHOP, {("db", job): verdict})

    assert world.run().verdict == expected
    world = World(SHOP, {("api", LIVE): verdict})
    assert world.run().verdict == HELD
    assert world.there() >= {"db"}


def test_trouble_starts_nothing_more_and_keeps_nothing_from_coming_back():
    world = World(SHOP, done=["db"])
    assert world.run(trouble="the ledger is away") == _train.Decision(
        (), HELD, "the ledger is away"
    )
    assert world.started == []

    world = World(SHOP, {("web", LIVE): BACKED_OUT}, done=["db", "api"])
    world.note("web", STAGED, "ended", DONE)
    world.note("web", LIVE, "began")
    world.note("web", LIVE, "ended", BACKED_OUT)
    assert world.run(trouble="the ledger is away").verdict == BACKED_OUT
    assert world.started == [("api", BACKED_OUT)]


def test_what_is_deployed_already_is_not_run_again():
    world = World(SHOP, done=["db"])

    assert world.run().verdict == DONE
    assert "db" not in {domain for domain, _job in world.started}
