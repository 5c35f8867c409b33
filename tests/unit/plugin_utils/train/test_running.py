# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the task of a train returns, where output goes, and how long silence may be."""

from __future__ import annotations

import os
import types
from datetime import timedelta

import pytest

from ansible_collections.itops.release.plugins.module_utils.errors._release_error import (
    ReleaseError,
)
from ansible_collections.itops.release.plugins.plugin_utils.ledger._trains import Change, Train
from ansible_collections.itops.release.plugins.plugin_utils.plan._plan import Step
from ansible_collections.itops.release.plugins.plugin_utils.train import _running


def task(ledger="", **arguments):
    return types.SimpleNamespace(
        arguments={"output": None, "silence": "30m", **arguments},
        sources=types.SimpleNamespace(ledger=ledger),
    )


def test_the_result_names_each_domain_and_the_verdict():
    changes = (
        Change("api", "live", "began"),
        Change("api", "live", "ended", "done", run="r1", output="/log/1"),
        Change("web", "live", "ended", "backed_out", "web1: probe failed"),
    )
    names = ("db", "api", "web", "mail")
    train = Train("checkout-2", 1, "production", 3, 1, "run", "deploy", names, ("db",))
    found = _running.result(
        types.SimpleNamespace(**{**train.__dict__, "changes": changes}), "backed_out", "why", "/log"
    )

    assert found["msg"] == "checkout-2 → production: backed_out: why"
    assert (found["changed"], found["number"]) == (True, 3)
    assert found["domains"] == {
        "db": {"state": "deployed before"},
        "api": {"state": "deployed", "run": "r1", "output": "/log/1"},
        "web": {"state": "backed_out", "reason": "web1: probe failed"},
        "mail": {"state": "waits"},
    }
    assert found["ansible_stats"]["data"] == {
        "release_verdict": "backed_out",
        "release_reason": "why",
    }


def test_output_is_beside_a_ledger_where_that_can_be_written(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    own = str(tmp_path / "home/.local/state/itops-release/trains")
    place = str(tmp_path / "ledger.db")

    assert _running._output(task(place)) == str(tmp_path / "trains")
    assert _running._output(task(place, output="/srv/log")) == "/srv/log"
    assert _running._output(task("postgresql://db/ledger")) == own
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert _running._output(task(place)) == own


def test_the_soak_of_the_plan_is_no_silence():
    step = Step("production", "", wave_soak=timedelta(hours=1))

    assert _running._silence(task(silence="10m"), step) == 70 * 60
    with pytest.raises(ReleaseError, match=r"silence \(release_train_silence\): 'soon' is not"):
        _running._silence(task(silence="soon"), step)
