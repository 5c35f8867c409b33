# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of a run as the record has them: every kind comes back, also from earlier versions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.events import _answers, _facts

ONE = {"phase": "live", "name": "shop", "version": "1.0.0", "serial": 1, "digest": "1" * 64}
LINKED = {**ONE, "tree": "t", "links": {"t": ["conf"]}}
ROOT = {"root": "/srv/shop"}
WORKSPACE = {"workspace": "/srv/build"}
EVENTS = [
    _facts.Run(check_mode=True),
    _facts.Plan(hosts=("web1",), left_out=("web2",)),
    _answers.begin("web1", "deploy : Stage"),
    _answers.deployment("web1", "ok", ROOT, {"before": LINKED, "after": ONE, "changed": True}),
    _answers.deployment("web1", "failed", ROOT, {"msg": "no room"}),
    _answers.inspection("web1", "ok", ROOT, {"deployment": {"phase": "live", "live": ONE}}),
    _answers.inspection("web1", "ok", ROOT, {"deployment": {"phase": "none"}, "ok": True}),
    _answers.building("b", "ok", WORKSPACE, {"built": True, "components": [{"name": "a"}]}),
    _answers.sealing("b", "ok", "Seal", WORKSPACE, {"release": {"name": "shop"}}),
    _answers.noting("b", "ok", "Describe", WORKSPACE, {"attached": True}),
    _answers.pruning("localhost", {"msg": "nothing"}),
    _answers.failure("web1", "failed", "Migrate", "m", {"msg": "no"}),
    _facts.End(failed=("web1",), unreachable=()),
    _facts.End(failed=("web1",), unreachable=(), ended_by="web1"),
    _facts.Stopped(by="SIGTERM"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_an_event_comes_back_from_the_record(event: _facts.Event) -> None:
    assert _facts.from_plain(json.loads(json.dumps(event.to_plain()))) == event


def test_every_kind_is_tried() -> None:
    assert {event.kind for event in EVENTS} == set(_facts.KINDS)


def test_a_record_has_a_reason_and_releases_only_where_they_are_known() -> None:
    plain = _answers.deployment("web1", "ok", ROOT, {"after": ONE}).to_plain()

    assert plain["after"] == {**ONE, "links": None}
    assert plain["took_over"] is None
    assert plain.keys().isdisjoint({"reason", "before"})


def test_an_inspection_without_verification_has_no_verdict() -> None:
    plain = _answers.inspection("web1", "ok", ROOT, {"deployment": {"phase": "none"}}).to_plain()

    assert plain.keys().isdisjoint({"ok", "drift", "first_drift"})


def test_what_an_earlier_version_did_not_write_is_not_known() -> None:
    plain: dict[str, Any] = {"event": "deployment", "host": "web1", "root": "/", "status": "ok"}
    later = {"format": 1, "run": "r", "time": "t", "weather": "fine"}

    event = _facts.from_plain({**plain, **later, "changed": True, "after": ONE})

    expected = _facts.Deployment(
        host="web1", root="/", status="ok", changed=True, after=_facts.Release(**ONE)
    )
    assert event == expected
