# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import pathlib

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.handover import _items
from ansible_collections.itops.release.plugins.plugin_utils.handover._items import OfPackage
from ansible_collections.itops.release.tests.unit.plugin_utils.handover.known import (
    accepted,
    issue,
    known,
    run,
)

SERVICE = {"owner": "ada", "on_call": "pager 7", "dashboards": ["https://a", "https://b"]}


def answers(found):
    return {
        each.item.id: each.text if not each.is_open else None for each in _items.answered(found)
    }


def test_without_a_handover_nothing_is_asked():
    assert answers(known()) == {}
    assert answers(known(handover="none")) == {}


def test_light_has_six_items_and_full_about_twenty():
    assert len(answers(known(handover="light"))) == 6
    assert len(answers(known(handover="full"))) == 20


def test_what_the_plan_says_of_the_service_answers():
    found = answers(known(handover="full", service=SERVICE))

    assert found["owner"] == "ada"
    assert found["dashboards"] == "https://a, https://b"
    assert found["backup"] is None


def test_what_a_person_says_comes_before_what_is_on_record():
    entries = [accepted("where", "In the cellar"), accepted("backup", "Nightly")]
    found = answers(known(handover="full", entries=entries))

    assert (found["where"], found["backup"]) == ("In the cellar", "Nightly")
    (told,) = [
        a for a in _items.answered(known(handover="light", entries=entries)) if a.by == "ben"
    ]
    assert told.item.id == "where"


@pytest.mark.parametrize(
    ("acts", "answer"),
    [
        ([], None),
        (["verify"], None),
        (["rollback"], None),
        (["verify", "rollback"], "exercised: verify, rollback"),
        (["verify", "back_out", "uninstall"], "exercised: verify, back out, uninstall"),
    ],
)
def test_commands_are_exercised_where_a_way_back_and_verify_went_well(acts, answer):
    runs = [run(act) for act in acts]
    assert answers(known(handover="light", runs=runs))["commands"] == answer
    failed = [run(act, verdict="failed") for act in acts]
    assert answers(known(handover="light", runs=failed))["commands"] is None
    others = [run(act, application="billing") for act in acts]
    assert answers(known(handover="light", runs=others))["commands"] is None


@pytest.mark.parametrize(
    ("entries", "answer"),
    [
        ([], "none on record"),
        ([issue("I-1", known_error=True, workaround="Restart")], "1, each with a workaround"),
        ([issue("I-1", known_error=True)], None),
        ([issue("I-1", known_error=True, affects="billing")], "none on record"),
        ([issue("I-1")], "none on record"),
    ],
)
def test_a_known_error_needs_a_workaround(entries, answer):
    assert answers(known(handover="light", entries=entries))["known_errors"] == answer


def test_what_the_media_library_does_not_say_is_left_to_people():
    without = answers(known(handover="full"))
    found = answers(known(handover="full", package=OfPackage((), ("MIT",), True)))

    assert (without["licences"], without["dependencies"], without["user_notes"]) == (None,) * 3
    assert (found["licences"], found["dependencies"]) == ("MIT", "none declared")
    assert found["user_notes"] == "playbook notes writes them for users"


def test_each_key_of_an_item_is_one_of_the_schema():
    schema = json.loads(
        (pathlib.Path(__file__).parents[4] / "schemas/plan.schema.json").read_text("utf-8")
    )
    keys = set(schema["properties"]["service"]["properties"])

    assert {item.key for item in _items.ITEMS if item.key} == keys - {"levels", "guides"}
