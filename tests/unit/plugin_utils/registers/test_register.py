# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registers: entries are opened, changed and closed by events."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import Actor
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger
from ansible_collections.itops.release.plugins.plugin_utils.registers import _register
from ansible_collections.itops.release.plugins.plugin_utils.registers._register import (
    CLOSED,
    ISSUE,
    OPENED,
    RegisterError,
)


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(str(tmp_path / "ledger.db"))
    yield ledger
    ledger.close()


def change(ledger, id_="I-1", state=OPENED, register=ISSUE, **fields):
    draft = _register.changed(_register.of_ledger(ledger), register, id_, state, fields)
    if draft:
        ledger.append([draft], Actor("ada", "claimed"))
    return draft and draft.body["change"]


def only(ledger):
    (entry,) = _register.of_ledger(ledger)
    return entry


def test_a_life_of_an_issue(ledger):
    assert change(ledger, title="Payments fail", blocker=True) == "opened"
    assert only(ledger).is_blocker
    assert change(ledger, title="Payments fail") is None
    assert change(ledger, workaround="Pay in cash", known_error=True) == "changed"
    with pytest.raises(RegisterError, match=r"corrective_action .* is required to close I-1"):
        change(ledger, state=CLOSED)
    assert change(ledger, state=CLOSED, corrective_action="Tested now") == "closed"
    assert not only(ledger).is_open
    assert not only(ledger).is_blocker
    assert only(ledger).fields["workaround"] == "Pay in cash"
    assert change(ledger, state=CLOSED) is None
    assert change(ledger, title="Payments fail again") == "opened"
    assert only(ledger).is_open


def test_issues_are_numbered(ledger):
    entries = _register.of_ledger(ledger)
    assert _register.next_issue(entries) == "I-1"
    for id_ in ("I-1", "I-9", "E-shop-1"):
        change(ledger, id_, title="x")

    assert _register.next_issue(_register.of_ledger(ledger)) == "I-10"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "title .release_title. is required"),
        ({"title": "x", "severity": "bad"}, "'bad' is not one of low, medium"),
        ({"title": "x", "colour": "red"}, "colour .release_colour. is not a field of issue"),
    ],
)
def test_what_an_entry_cannot_be_is_refused(ledger, fields, expected):
    with pytest.raises(RegisterError, match=expected):
        change(ledger, **fields)


def test_an_entry_that_is_not_there_is_not_closed(ledger):
    with pytest.raises(RegisterError, match="there is no issue I-7"):
        change(ledger, "I-7", CLOSED, corrective_action="x")
