# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of a release: what is known of it, what held it up, and nothing that is not known."""

from __future__ import annotations

import json

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.measures import _of_release
from ansible_collections.itops.release.tests.fakes.histories import History, at, digest
from ansible_collections.itops.release.tests.fakes.plans import PLAN, changed

SOAK = changed(PLAN, "path", 1, soak="24h")
HOUR = 3600


@pytest.fixture
def history():
    """Return a History of shop 2: sealed, proposed, approved, and deployed to two environments."""
    history = History()
    body = {"run": "seal", "act": "seal", "part": "shop", "verdict": "done", "hosts": []}
    release = {"name": "shop", "version": "2", "digest": digest("2")}
    history.note(2, "run_ended", "shop", **body, release=release)
    history.propose(5, SOAK)
    history.ran(6, 7, "staging", "2", "s", env="staging", plan="shop-1.5")
    history.say(10, "ben", "operations")
    history.say(20, "cleo", "product")
    history.ran(40, 43, "production", "2", plan="shop-1.5")
    return history


def hours(way):
    """Return the hours of each part."""
    return {part.id: part.seconds / HOUR for part in way.parts}


def test_the_whole_way(history):
    way = _of_release.way(history.events, digest("2"), committed=at(0))

    assert hours(way) == {
        "build": 2,
        "propose": 3,
        "wait:staging": 1,
        "deploy:staging": 1,
        "approve:production": 15,
        "wait:production": 20,
        "deploy:production": 3,
    }
    assert way.schedule.seconds == 43 * HOUR
    assert way.schedule.paths == (
        ("build", "propose", "approve:production", "wait:production", "deploy:production"),
    )
    assert way.schedule.of("deploy:staging").slack == 13 * HOUR
    assert {part.id: part.planned for part in way.parts if part.planned} == {
        "wait:production": 24 * HOUR
    }


def test_an_early_approval_holds_nothing_up(history):
    history.events = [e for e in history.events if e.kind != "statement_recorded"]
    assert "approve:production" not in hours(_of_release.way(history.events, digest("2")))

    late = History()
    late.propose(5, SOAK)
    late.say(5.5, "ben", "operations")
    late.ran(6, 7, "staging", "2", "s", env="staging", plan="shop-1.5")
    late.ran(40, 43, "production", "2", plan="shop-1.5")

    way = _of_release.way(late.events, digest("2"))

    assert way.schedule.paths == (
        ("wait:staging", "deploy:staging", "wait:production", "deploy:production"),
    )
    assert hours(way)["wait:production"] == 33


def test_all_attempts_are_part_of_the_deployment():
    history = History()
    history.propose(0)
    history.ran(1, 2, "staging", "2", "s", env="staging", plan="shop-1.5")
    history.ran(3, 4, "refused", "2", plan="shop-1.5", verdict="refused", after="")
    history.ran(5, 6, "failed", "2", plan="shop-1.5", verdict="backed_out", after="")
    history.ran(8, 9, "done", "2", plan="shop-1.5")
    history.ran(10, 11, "again", "2", plan="shop-1.5")

    found = hours(_of_release.way(history.events, digest("2")))

    assert (found["wait:production"], found["deploy:production"]) == (3, 4)


def test_what_is_not_over_is_left_out():
    history = History()
    history.propose(5, SOAK)
    history.began(6, "staging", "2", "s", env="staging", plan="shop-1.5")
    assert hours(_of_release.way(history.events, digest("2"), at(0), at(2))) == {
        "build": 2,
        "propose": 3,
    }

    history.ended(7, "staging", "2", "s", env="staging")
    history.ran(8, 9, "production", "2", plan="shop-1.5", verdict="failed")

    found = hours(_of_release.way(history.events, digest("2")))

    assert found == {"wait:staging": 1, "deploy:staging": 1}


def test_what_is_not_known_is_left_out(history):
    way = _of_release.way(history.events[1:], digest("2"))

    assert "build" not in hours(way)
    assert "propose" not in hours(way)
    assert way.parts[0].after == ()


def test_a_plan_without_a_soak_plans_no_wait():
    history = History()
    history.propose(0)
    history.ran(1, 2, "staging", "2", "s", env="staging", plan="shop-1.5")
    history.ran(3, 4, "production", "2", plan="shop-1.5")

    way = _of_release.way(history.events, digest("2"))

    assert [part.planned for part in way.parts] == [None] * 4


def test_revisions_of_the_plan_are_one_way():
    history = History()
    history.propose(0)
    history.propose(2, revision=2)
    history.say(3, "ben", "operations", env="staging")
    history.ran(4, 5, "staging", "2", "s", env="staging", plan="shop-1.5")

    way = _of_release.way(history.events, digest("2"))

    assert hours(way) == {"approve:staging": 3, "wait:staging": 1, "deploy:staging": 1}


def test_an_emergency_soaks_nowhere():
    history = History()
    history.propose(0, changed(SOAK, change="emergency"))
    history.ran(1, 2, "staging", "2", "s", env="staging", plan="shop-1.5")
    history.ran(3, 4, "production", "2", plan="shop-1.5")
    history.say(9, "ben", "operations")  # ratifies it, and held nothing up

    way = _of_release.way(history.events, digest("2"))

    assert [part.planned for part in way.parts] == [None] * 4
    assert "approve:production" not in hours(way)


def test_without_a_plan_only_deployments_are_known():
    history = History()
    history.ran(5, 6, "staging", "2", "s", env="staging")
    history.ran(8, 9, "production", "2")
    history.ran(10, 11, "other", "3")

    way = _of_release.way(history.events, digest("2"), committed=at(1), built=at(2))

    assert hours(way) == {"build": 1, "deploy:staging": 1, "deploy:production": 1}
    assert {part.after for part in way.parts[1:]} == {("build",)}


def test_a_deployment_before_the_proposal_waited_for_nothing_that_is_known():
    history = History()
    history.ran(1, 2, "staging", "2", "s", env="staging")
    history.propose(5)
    history.ran(6, 7, "production", "2", plan="shop-1.5")

    found = hours(_of_release.way(history.events, digest("2")))

    assert found == {"deploy:staging": 1, "wait:production": 4, "deploy:production": 1}


def test_nothing_on_record_is_no_way():
    way = _of_release.way([], digest("2"))

    assert (way.parts, way.plan, way.schedule.paths) == ((), "", ())


def test_as_plain_data(history):
    plain = _of_release.way(history.events, digest("2")).to_plain()

    json.dumps(plain)
    assert plain["plan"] == "shop-1.5"
    assert plain["parts"][0]["id"] == "propose"
    assert plain["parts"][0]["began"] == at(2).isoformat()
