# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains on record: whose word counts, and a line for people."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.ledger import _kinds, _trains
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import Actor, LedgerError
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger
from ansible_collections.itops.release.plugins.plugin_utils.ledger._trains import Change, Train

ADA = Actor("ada@control", "claimed")
FIRST = Train("checkout-2", 1, "production", 1, 1, "run-1", "deploy", ("db", "api"), ("api",))
SECOND = replace(FIRST, attempt=2, run="run-2")
STAGED = Change("db", "staged", "ended", "done", output="/log")


@pytest.fixture
def ledger(tmp_path):
    return Ledger(str(tmp_path / "ledger.db"))


def test_a_train_is_read_as_it_was_recorded(ledger):
    ledger.append([FIRST.began(), FIRST.changed(STAGED)], ADA)
    ledger.append([FIRST.with_change(STAGED).ended("held", "why")], ADA)

    (found,) = _trains.of_ledger(ledger, "checkout-2")
    assert (found.run, found.done, found.actor) == ("run-1", ("api",), "ada@control")
    assert found.changes == (STAGED,)
    assert (found.verdict, found.reason) == ("held", "why")
    assert _trains.of_ledger(ledger, "other") == []
    lines = [_kinds.line(event) for event in ledger.events()]
    assert lines[-1].endswith("train 1 of checkout-2 in production ended: held: why")


def test_what_a_process_says_after_it_was_overtaken_does_not_count(ledger):
    ledger.append([FIRST.began(), SECOND.began()], ADA)
    ledger.append([FIRST.changed(STAGED), FIRST.ended("done", "")], ADA)

    (found,) = _trains.of_ledger(ledger)
    assert (found.run, found.changes, found.verdict) == ("run-2", (), "")


def test_two_processes_cannot_both_begin_the_same_train(ledger):
    ledger.append([FIRST.began()], ADA)

    with pytest.raises(LedgerError) as caught:
        ledger.append([replace(FIRST, run="run-2").began()], ADA)
    assert caught.value.code == "key_conflict"


def test_a_reason_may_be_long(ledger):
    lost = Change("db", "live", "ended", "lost", "x" * 2000)
    ledger.append([FIRST.began(), FIRST.changed(lost), FIRST.ended("failed", "y" * 2000)], ADA)

    assert len(_trains.of_ledger(ledger)[0].reason) == _trains.LONGEST_REASON


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ((), "db: waits, api: deployed before"),
        ((Change("db", "live", "began"),), "db: deploying, api: deployed before"),
        ((STAGED, Change("api", "backed_out", "ended", "failed")), "db: staged, api: failed"),
        ((Change("db", "live", "ended", "backed_out"),), "db: backed out, api: deployed before"),
    ],
)
def test_a_line_says_where_each_domain_is(changes, expected):
    train = replace(FIRST, changes=changes, actor="ada")

    assert train.line() == f"checkout-2 → production  train 1: {expected}; by ada (run-1)"
