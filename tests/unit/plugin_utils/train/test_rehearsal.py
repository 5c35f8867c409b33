# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A dry run of a train: all domains answer, each wait ends, and nothing is recorded."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger
from ansible_collections.itops.release.plugins.plugin_utils.train import _rehearsal
from ansible_collections.itops.release.plugins.plugin_utils.train._job import Result
from ansible_collections.itops.release.plugins.plugin_utils.train._train import (
    BACK_OUT,
    BACKED_OUT,
    DEPLOY,
    LOST,
    REFUSED,
    STAGED,
)
from ansible_collections.itops.release.tests.fakes import plans
from ansible_collections.itops.release.tests.fakes.jobs import FakeJob, FakeJobs, Hosts

NAMES = ("db", "api", "web")


@pytest.fixture
def rehearse(tmp_path):
    def rehearse(verdicts=None, way=DEPLOY):
        ledger = Ledger(str(tmp_path / "ledger.db"))
        hosts = Hosts(plans.resolved_train(), "production", ledger, verdicts)
        jobs, said = FakeJobs(hosts), []
        clock = itertools.count(0, 10).__next__
        result = _rehearsal.rehearse(said.append, jobs, "/log", NAMES, way, 1800.0, clock)
        return result, jobs, said

    return rehearse


def test_all_domains_are_staged_in_check_mode(rehearse):
    result, jobs, said = rehearse()

    assert jobs.started == [(name, STAGED) for name in NAMES]
    assert (result["verdict"], result["msg"]) == ("done", "would be deployed")
    assert "api  it goes on" in said


def test_all_that_would_be_refused_are_named(rehearse):
    result, _jobs, _said = rehearse({("db", STAGED): REFUSED, ("web", STAGED): REFUSED})

    assert result["verdict"] == "refused"
    assert result["msg"] == "would be refused: db: why; web: why"
    assert {name: each["state"] for name, each in result["domains"].items()} == {
        "db": "refused",
        "api": "open",
        "web": "refused",
    }


def test_a_silent_job_is_ended_and_one_that_does_not_end_is_given_up(rehearse, monkeypatch):
    result, _jobs, _said = rehearse({("api", STAGED): LOST})
    assert result["reason"] == "api: exit status -15"

    monkeypatch.setattr(FakeJob, "stop", lambda self: None)
    result, _jobs, _said = rehearse({("api", STAGED): LOST})
    assert result["reason"] == "api: it did not end"


def test_a_back_out_is_tried_as_such(rehearse, monkeypatch):
    monkeypatch.setattr(FakeJob, "end", lambda self: setattr(self, "result", Result(0)))
    _result, jobs, _said = rehearse(way=BACK_OUT)

    assert jobs.started == [(name, BACKED_OUT) for name in NAMES]
