# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.events._facts import NOTHING
from ansible_collections.itops.release.plugins.plugin_utils.events._recorder import Row
from ansible_collections.itops.release.plugins.plugin_utils.ledger._journal import Ending, Part
from ansible_collections.itops.release.plugins.plugin_utils.telemetry import _ended_run
from ansible_collections.itops.release.plugins.plugin_utils.telemetry._phases import Phases
from ansible_collections.itops.release.tests.fakes.ended_runs import ONE, TWO, release


def row(host="web1", outcome="deployed", before=ONE, after=TWO, detail=""):
    return Row(host, "/srv/shop", outcome, detail=detail, before=before, after=after)


def unknown(host, outcome, detail=""):
    return Row(host, "", outcome, detail=detail)


def part(*hosts, verdict="done", reason="", application="shop", act="deploy", environment=None):
    intent = {
        "act": act,
        "application": application,
        "release": {},
        "hosts": list(hosts),
        "environments": dict.fromkeys(hosts, environment) if environment else {},
    }
    return Part((intent,), Ending(verdict, reason) if verdict else None)


def places(rows, parts=(), environment=""):
    return _ended_run.places(rows, parts, Phases(lambda: 0.0), environment)


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        (["deployed", "unchanged"], "done"),
        (["on trial", "deployed"], "held"),
        (["put back", "not reached"], "backed_out"),
        (["put back", "deployed"], "failed"),
        (["failed", "not reached"], "failed"),
        (["not reached", "asked"], "refused"),
        (["interrupted", "deployed"], "unknown"),
        (["verified", "drifted"], "failed"),
    ],
)
def test_without_a_role_the_outcomes_of_hosts_are_the_verdict(outcomes, verdict):
    rows = [row(f"web{number}", outcome) for number, outcome in enumerate(outcomes)]

    (place,) = places(rows)

    assert (place.application, place.environment, place.outcome) == ("shop", "", verdict)
    assert place.hosts == dict.fromkeys(outcomes, 1)


def test_the_verdict_is_that_which_the_role_recorded():
    (place,) = places([row(outcome="put back")], [part("web1", verdict="failed", reason="web1: x")])

    assert (place.outcome, place.reason) == ("failed", "web1: x")


def test_a_part_without_an_end_is_unknown():
    (place,) = places([row()], [part("web1", verdict=None)])

    assert place.outcome == "unknown"


def test_each_application_and_environment_has_its_own_verdict():
    database = release("9.1", "db")
    rows = [row(), row("web2"), row("db1", "failed", database, database)]
    parts = [
        part("web1", environment="staging"),
        part("web2", environment="production"),
        part("db1", verdict="failed", reason="db1: no", application="db", environment="production"),
    ]

    found = {(p.application, p.environment): p.outcome for p in places(rows, parts)}

    assert found == {
        ("shop", "staging"): "done",
        ("shop", "production"): "done",
        ("db", "production"): "failed",
    }


def test_hosts_that_were_not_reached_belong_to_what_the_run_was_about():
    rows = [row(outcome="put back"), unknown("web2", "not reached")]

    (place,) = places(rows, [part("web1", verdict="backed_out", environment="production")])

    assert (place.application, place.environment) == ("shop", "production")
    assert place.hosts == {"put back": 1, "not reached": 1}


def test_a_refusal_without_an_answer_has_the_names_of_the_intent():
    (place,) = places(
        [unknown("web1", "unreachable")], [part("web1", verdict="refused", environment="test")]
    )

    assert (place.application, place.environment, place.outcome) == ("shop", "test", "refused")


def test_what_was_refused_before_its_intent_is_refused():
    refused = Part((), Ending("refused", "the window is closed"))

    (place,) = places([unknown("web1", "not reached")], [refused], environment="production")

    assert (place.outcome, place.environment) == ("refused", "production")


@pytest.mark.parametrize(
    ("outcome", "act", "changes"),
    [
        ("unreachable", "verify", False),
        ("mended", "verify", False),
        ("unchanged", "deploy", True),
        ("verified", None, False),
        ("unchanged", None, True),
    ],
)
def test_a_run_that_only_looks_changes_nothing(outcome, act, changes):
    (place,) = places([row(outcome=outcome)], [part("web1", act=act)] if act else [])

    assert place.changes is changes


def test_names_are_short_printable_lines():
    hostile = release("2.0.0", "shop\n\x1b[31m" + "x" * 500)

    (place,) = places([row(before=NOTHING, after=hostile)])

    assert place.application.isprintable()
    assert len(place.application) == _ended_run.LONGEST_NAME


def test_releases_that_differ_are_named_once():
    (place,) = places([row(), row("web2"), row("web3", before=NOTHING)])

    assert place.before == (ONE, NOTHING)
    assert place.after == (TWO,)
