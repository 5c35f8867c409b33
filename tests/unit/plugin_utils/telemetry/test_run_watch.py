# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.events import _facts
from ansible_collections.itops.release.plugins.plugin_utils.events._recorder import Row
from ansible_collections.itops.release.plugins.plugin_utils.telemetry._run_watch import RunWatch
from ansible_collections.itops.release.tests.fakes.ended_runs import ONE, TWO


class Export:
    """Remembers what is reported."""

    def report(self, run):
        self.ended = run
        return ["a problem"]

    def report_stopped(self, run):
        self.stopped = run
        return []


@pytest.fixture
def watch():
    times = iter([1000.0, 1060.0])
    ticks = iter([5.0, 7.5])
    export = Export()
    extra_vars = {"release_env": "staging"}
    watch = RunWatch(
        export, "ada@c.1", "control", extra_vars, lambda: next(times), lambda: next(ticks)
    )
    watch.export = export
    return watch


ROW = Row("web1", "/srv", "deployed", before=ONE, after=TWO)


def test_a_run_is_reported_with_its_times(watch):
    watch.note(_facts.Begin(host="web1", task="Stage the release"))
    watch.note(_facts.Deployment(host="web1", root="/srv", status="ok", state="staged"))

    assert watch.end([ROW], [], is_stopped=False) == ["a problem"]

    run = watch.export.ended
    (place,) = run.places
    assert (run.run, run.control, run.began, run.ended) == ("ada@c.1", "control", 1000.0, 1060.0)
    assert (place.application, place.environment) == ("shop", "staging")
    assert place.seconds == {"stage": 2.5}


def test_a_run_that_was_stopped_is_reported_in_haste(watch):
    assert watch.end([ROW], [], is_stopped=True) == []
    assert watch.export.stopped.places
