# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements: one spelling each, and what is not that is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.plugin_utils.plan import _statement
from ansible_collections.itops.release.plugins.plugin_utils.plan._statement import (
    Statement,
    StatementError,
)
from ansible_collections.itops.release.tests.fakes import plans

SAID = plans.said(plans.standing(), "ben", role="operations", reason="Gelesen – äöü").statement


def test_what_is_parsed_is_what_was_said():
    assert _statement.parse(SAID.data) == SAID


WORDS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)


STATEMENTS = st.builds(
    Statement,
    ledger=WORDS,
    plan=WORDS,
    revision=st.integers(1, 9),
    plan_digest=WORDS,
    release_digest=WORDS,
    environment=WORDS,
    person=WORDS,
    decision=st.sampled_from(_statement.DECISIONS),
    expires=WORDS,
    role=WORDS,
    reason=WORDS,
)


@settings(deadline=None)
@given(STATEMENTS)
def test_any_statement_goes_there_and_back(statement):
    assert _statement.parse(statement.data) == statement


def edited(**values):
    plain = {**json.loads(SAID.data), **values}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return (text + "\n").encode()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "not JSON"),
        (b"[]\n", "not of type"),
        (SAID.data[:-1], "its bytes were changed"),
        (SAID.data.replace(b",", b", "), "its bytes were changed"),
        (SAID.data.replace(b'{"', b'{"plan":"shop-1.5","', 1), "repeated|twice|stands"),
        (edited(more="x"), "a key is missing or not known"),
        (edited(decision="agree"), "'agree' is not a decision"),
        (edited(revision="1"), "revision has the wrong type"),
        (edited(revision=True), "revision has the wrong type"),
        (edited(person=1), "person has the wrong type"),
        (edited(format=2), "format 2 is not known"),
        (edited(type="other"), "not of type"),
        (edited(reason=""), "its bytes were changed"),
        (b"x" * 30_000, "larger than"),
    ],
)
def test_what_is_no_statement_is_refused(data, expected):
    with pytest.raises(StatementError, match=expected):
        _statement.parse(data)
