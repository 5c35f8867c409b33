# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Promotion and soak: a function of the ledger, against a model that looks at each moment."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.plugin_utils.gates import _promotion
from ansible_collections.itops.release.plugins.plugin_utils.ledger import _bodies, _tables
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import Event
from ansible_collections.itops.release.plugins.plugin_utils.ledger._rows import Rows
from ansible_collections.itops.release.plugins.plugin_utils.plan._resolved import Place
from ansible_collections.itops.release.tests.fakes import plans
from ansible_collections.itops.release.tests.fakes.plans import NOW, PLAN, changed, facts, row

SOAK = plans.resolved(changed(PLAN, "path", 1, soak="24h"))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            [],
            "closed: promotion: not committed in staging on shop9 (needs a deployment to staging)",
        ),
        ([row("shop9", "0" * 64)], "closed: promotion: not committed in staging on shop9"),
        ([row("shop9", phase="on trial")], "closed: promotion: not committed in staging on shop9"),
        ([row("shop9", application="api")], "closed: promotion: not committed in staging on shop9"),
        ([row("shop9")], "open: promotion: in staging for 2 d of 1 d"),
        (
            [row("shop9", since=NOW - timedelta(hours=23))],
            "closed: promotion: in staging for 23 h of 1 d opens Tue 13:00",
        ),
        (
            [row("shop9"), row("shop9", "0" * 64, root="/srv/two")],
            "closed: promotion: not committed in staging on shop9",
        ),
    ],
)
def test_promotion(rows, expected):
    answer = _promotion.answer(facts(what=SOAK, deployments=rows))

    assert answer.line(timezone.utc, NOW).startswith(expected)


def test_the_first_environment_needs_none():
    assert _promotion.answer(facts("staging")).is_open


def test_the_root_of_a_host_may_have_moved():
    place = Place("staging", ("shop9",), {"shop9": "/srv/new"})
    rows = [row("shop9", "0" * 64), row("shop9", root="/srv/new")]

    assert _promotion.soaked(place, plans.RELEASE, rows).missing == ()
    assert _promotion.soaked(place, plans.RELEASE, rows[:1]).missing == ("shop9",)


HOSTS = ("a", "b", "c")
WANTED, OTHER = "1" * 64, "2" * 64
START = datetime(2026, 1, 1, tzinfo=timezone.utc)
STATES = st.sampled_from([("none", ""), ("live", WANTED), ("live", OTHER), ("on trial", WANTED)])
# minutes since the event before, host, what is there after it
EVENTS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(HOSTS), STATES), max_size=25)


def told(events):
    """Return the rows that the ledger's projection has after *events*, and the end in minutes."""
    rows, minute = Rows(_tables.tables()), 0
    for gap, host, (phase, digest) in events:
        minute += gap
        time = (START + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        event = Event(1, time, "x", "claimed", "run_ended", "shop", {}, "k", "p", "h")
        after = {"phase": phase, "digest": digest, "version": "1", "name": "shop"}
        there = {"host": host, "root": "/srv", "after": after}
        _bodies.deployed(rows, event, there, "staging", "run")
    columns = rows._columns["deployments"]
    return [dict(zip(columns, each, strict=True)) for each in rows.content("deployments")], minute


def model(events, hosts, minute):
    """Return the minute since when all *hosts* have the release committed, or None."""
    states = []
    for moment in range(minute + 1):
        there, passed = dict.fromkeys(HOSTS), 0
        for gap, host, state in events:
            passed += gap
            if passed <= moment:
                there[host] = state
        states.append(all(there[host] == ("live", WANTED) for host in hosts))
    if not states[-1]:
        return None
    since = minute
    while since and states[since - 1]:
        since -= 1
    return since


@settings(deadline=None, max_examples=300)
@given(EVENTS, st.sets(st.sampled_from(HOSTS), min_size=1))
def test_soak_is_what_a_look_at_each_moment_finds(events, hosts):
    rows, minute = told(events)
    release = {"name": "shop", "digest": WANTED}
    found = _promotion.soaked(Place("staging", tuple(sorted(hosts))), release, rows)
    expected = model(events, hosts, minute)

    assert (not found.missing) == (expected is not None)
    if expected is not None and not _blinked(events, hosts):
        assert found.since == START + timedelta(minutes=expected)


def _blinked(events, hosts):
    """Tell whether a host changed more than once in a minute, which the model cannot see."""
    seen, minute = set(), 0
    for gap, host, _state in events:
        minute += gap
        if host in hosts and (minute, host) in seen:
            return True
        seen.add((minute, host))
    return False
