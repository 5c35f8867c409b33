# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import pathlib
import re

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.events._facts import NOTHING
from ansible_collections.itops.release.plugins.plugin_utils.rendering._markdown import (
    TemplateError,
)
from ansible_collections.itops.release.plugins.plugin_utils.telemetry import _webhook_bodies
from ansible_collections.itops.release.tests.fakes.ended_runs import FIRST, ONE, TWO, place, run

PAGE = pathlib.Path(__file__).resolve().parents[4] / "docs/metrics.md"
HOSTILE = 'web1: "}, {"x": <!channel> `rm` {{ 7 * 7 }} \\u0000'
REMOVED = place(hosts={"removed": 3}, after=(NOTHING,))
ROLLED_BACK = place(hosts={"rolled back": 3}, before=(TWO,), after=(ONE,))
BACKED_OUT = place(outcome="backed_out", hosts={"put back": 3}, after=(ONE,))
FIRST_BACKED_OUT = place(outcome="backed_out", before=(NOTHING,), after=(NOTHING,))
UNCHANGED = place(hosts={"unchanged": 3}, before=(TWO,))
VERIFIED = place(hosts={"verified": 3}, changes=False)
DRIFTED = place(outcome="failed", hosts={"drifted": 3}, changes=False)
FAILED = place(outcome="failed", hosts={"deployed": 2, "put back": 1}, reason=HOSTILE)
REFUSED = place(outcome="refused", hosts={"not reached": 3})
HELD = place(outcome="held", hosts={"on trial": 3})
NAMELESS = place("", hosts={"deployed": 3})


def plain(body):
    return json.loads(body.data)


@pytest.mark.parametrize(
    ("told", "predicate", "version"),
    [
        (FIRST, "deployed", "2.0.0"),
        (place(), "upgraded", "2.0.0"),
        (ROLLED_BACK, "rolledback", "1.0.0"),
        (BACKED_OUT, "rolledback", "1.0.0"),
        (FIRST_BACKED_OUT, "removed", None),
        (REMOVED, "removed", None),
    ],
)
def test_cdevents_say_what_became_of_the_service(told, predicate, version):
    body = _webhook_bodies.cdevents(run(told))

    event = plain(body)
    context, subject = event["data"]["context"], event["data"]["subject"]
    assert body.type == "application/cloudevents+json; charset=UTF-8"
    assert event["specversion"] == "1.0"
    assert event["type"] == context["type"] == f"dev.cdevents.service.{predicate}.0.3.0"
    assert (event["id"], event["source"], event["time"]) == (
        context["id"],
        context["source"],
        context["timestamp"],
    )
    assert (context["specversion"], context["timestamp"]) == ("0.5.1", "2026-12-01T12:00:42.000Z")
    assert (subject["id"], subject["content"]["environment"]) == ("shop", {"id": "production"})
    digest = str(version)[0] * 64
    artifact = version and f"pkg:generic/shop@{version}?checksum=sha256:{digest}"
    assert subject["content"].get("artifactId") == artifact


def test_several_services_are_a_batch_of_events():
    body = _webhook_bodies.cdevents(run(place(), UNCHANGED, place("db", "production")))

    events = plain(body)
    assert body.type == "application/cloudevents-batch+json; charset=UTF-8"
    assert [event["subject"] for event in events] == ["shop", "db"]
    assert len({event["id"] for event in events}) == 2


def test_the_id_is_that_of_the_run():
    ids = [plain(_webhook_bodies.cdevents(run(name=name)))["id"] for name in ("a", "a", "b")]

    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("told", [UNCHANGED, VERIFIED, FAILED, REFUSED, HELD, NAMELESS])
def test_where_no_service_changed_for_good_there_is_no_event(told):
    assert _webhook_bodies.cdevents(run(told)) is None


@pytest.mark.parametrize(
    ("told", "result"),
    [
        (place(), "SUCCESS"),
        (ROLLED_BACK, "SUCCESS"),
        (BACKED_OUT, "FAILURE"),
        (FAILED, "FAILURE"),
        (UNCHANGED, None),
        (VERIFIED, None),
        (DRIFTED, None),
        (REFUSED, None),
        (HELD, None),
    ],
)
def test_devlake_counts_deployments_only(told, result):
    body = _webhook_bodies.devlake(run(told))

    assert (plain(body)["result"] if body else None) == result


def test_devlake_has_all_that_it_requires():
    body = plain(_webhook_bodies.devlake(run()))

    assert (body["startedDate"], body["finishedDate"]) == (
        "2026-12-01T12:00:00.000Z",
        "2026-12-01T12:00:42.000Z",
    )
    assert body["id"]
    (commit,) = body["deploymentCommits"]
    assert (commit["repoUrl"], commit["commitSha"]) == ("itops.release:shop", "2" * 40)
    assert commit["startedDate"] == body["startedDate"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("production", "PRODUCTION"),
        ("live", "PRODUCTION"),
        ("acceptance", "STAGING"),
        ("preproduction", "STAGING"),
        ("development", "DEVELOPMENT"),
        ("lab", "TESTING"),
        ("", "TESTING"),
    ],
)
def test_devlake_knows_four_environments(name, expected):
    body = plain(_webhook_bodies.devlake(run(place(environment=name))))

    assert (body["environment"], body["originalEnvironment"]) == (expected, name)


def test_devlake_gets_what_is_nearest_to_production():
    body = plain(_webhook_bodies.devlake(run(place(environment="test"), place(), place("db"))))

    assert (body["environment"], body["name"]) == ("PRODUCTION", "shop, db")


def test_chat_has_a_line_for_each_place():
    body = _webhook_bodies.chat(run(place(), FAILED))

    first, second = plain(body)["text"].split("\n")
    assert first == "shop 1.0.0 → 2.0.0 in production: done (3 deployed)"
    assert second.startswith("shop 1.0.0 → 2.0.0 in production: failed (2 deployed, 1 put back): ")
    assert "<" not in second
    assert "`" not in second


TEMPLATE = '{"t": {{ text }}, "why": {{ places[0].reason }}, "n": {{ places | length }}}'


def test_what_a_template_prints_is_json():
    body = plain(_webhook_bodies.by_template(TEMPLATE, "hook.j2", run(FAILED)))

    assert body == {"t": _webhook_bodies.said(run(FAILED)), "why": HOSTILE, "n": 1}


def test_the_template_of_the_page_works():
    (template,) = re.findall(r"```jinja\n(.+?)```", PAGE.read_text("utf-8"), re.DOTALL)

    body = plain(_webhook_bodies.by_template(template, "metrics.md", run(FAILED)))

    assert (body["title"], body["ok"]) == ("shop in production", False)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{\n{{ text", "hook.j2:2: "),
        ("{{ nothing }}", "hook.j2: 'nothing' is undefined"),
        ('{"a": "{{ text }}"}', "hook.j2: what it gives is not JSON"),
        ("{{ ''.__class__ }}", "hook.j2: access to attribute '__class__'"),
        ("{{ 1 / 0 }}", "hook.j2: division by zero"),
    ],
)
def test_a_template_that_does_not_work_is_named(template, said):
    with pytest.raises(TemplateError) as caught:
        _webhook_bodies.by_template(template, "hook.j2", run())

    assert str(caught.value).startswith(said)


def test_all_bodies_carry_hostile_text_as_text():
    told = run(place('a"\n<b>\x1b', '{"x":', outcome="backed_out", reason=HOSTILE, after=(ONE,)))

    for build in _webhook_bodies.BUILT_IN.values():
        assert plain(build(told))
