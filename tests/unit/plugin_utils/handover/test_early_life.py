# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.handover._early_life import early_life
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import utc
from ansible_collections.itops.release.tests.fakes.plans import NOW
from ansible_collections.itops.release.tests.unit.plugin_utils.handover.known import (
    LIVE,
    accepted,
    acknowledged,
    issue,
    known,
    run,
)

VERIFIED = [run("verify")]
LEVEL = {"levels": [{"name": "answers", "target": "99 %"}]}
GUIDE = {"guides": [{"title": "Book", "url": "https://a.example", "audience": "support desk"}]}


def left(live=LIVE, now=NOW, **about):
    return early_life(known(**about), live, now).left


def test_a_plan_without_early_life_and_handover_has_nothing_left():
    assert left() == []


def test_it_lasts_as_long_as_the_plan_says_from_when_it_is_live():
    assert left(early_life="5d", runs=VERIFIED) == ["early life: 3 d left"]
    assert left(early_life="2d", runs=VERIFIED) == []


def test_it_has_not_begun_where_the_release_is_not_live():
    found = early_life(known(early_life="5d"), None, NOW)

    assert (found.begins, found.ends, found.criteria) == (None, None, ())


@pytest.mark.parametrize(
    ("entry", "is_left"),
    [
        (issue("I-1", severity="high"), True),
        (issue("I-1", blocker=True), True),
        (issue("I-1", severity="low"), False),
        (issue("I-1", severity="critical", is_open=False), False),
        (issue("I-1", severity="critical", since=LIVE - timedelta(days=1)), False),
        (issue("I-1", severity="critical", affects="billing"), False),
        (issue("I-1", severity="critical", affects="billing, shop"), True),
        (issue("I-1", severity="high", since=LIVE - timedelta(days=1), release="d" * 64), True),
    ],
)
def test_a_serious_issue_of_the_release_is_to_be_closed(entry, is_left):
    found = left(early_life="1d", runs=VERIFIED, entries=[entry])

    assert found == (["incidents: open: I-1"] if is_left else [])


@pytest.mark.parametrize(
    "runs",
    [
        [],
        [run("verify", verdict="failed")],
        [run("verify", ended=LIVE - timedelta(minutes=1))],
        [run("verify", environment="staging")],
        [run("verify", application="billing")],
        [run("verify"), run("verify", verdict="failed")],
    ],
)
def test_hosts_are_verified_once_it_is_live(runs):
    assert [line.partition(":")[0] for line in left(early_life="1d", runs=runs)] == ["verification"]


def test_each_host_is_verified():
    (one,) = VERIFIED
    wave = replace(one.waves[0], hosts=one.waves[0].hosts[:1])
    partly = replace(one, waves=(wave,))

    (line,) = left(early_life="1d", runs=[partly])
    assert line.startswith("verification: run the playbook verify in production: ")
    assert left(early_life="1d", runs=[partly, one]) == []


def test_what_was_said_of_another_revision_or_before_does_not_count():
    before = replace(accepted("level answers", "x"), at=utc(LIVE - timedelta(days=30)))
    about = {"early_life": "1d", "runs": VERIFIED, "service": LEVEL}
    assert len(left(entries=[before], **about)) == 1
    for other in ({"revision": 2}, {"is_open": False}):
        entry = replace(acknowledged("support desk"), **other)
        assert left(service=GUIDE, entries=[entry]) == ["guides: not acknowledged by support desk"]


def test_a_service_level_is_confirmed_by_a_person():
    about = {"runs": VERIFIED, "service": LEVEL}

    assert left(**about) == ["service level answers: not confirmed (playbook register)"]
    assert left(entries=[accepted("level answers", "99.2 %")], **about) == []


def test_guides_are_acknowledged_by_their_audience():
    assert left(service=GUIDE) == ["guides: not acknowledged by support desk"]
    assert left(service=GUIDE, entries=[acknowledged("support desk")]) == []


def test_the_acceptance_list_is_answered():
    (line,) = left(handover="light")

    assert line == "handover (light): not answered: owner, on_call, commands, user_notes"
