# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the time of a run went, by records as the callback writes them."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.events import _facts
from ansible_collections.itops.release.plugins.plugin_utils.measures._of_run import of_run
from ansible_collections.itops.release.tests.fakes.histories import START

STATES = {"Stage": "staged", "Switch": "live", "Undo": "reverted"}


def record(*entries, run="run-1"):
    """Return the lines of a record; an entry is begin, end, host and task, times in seconds."""
    timed = [(0, 0, _facts.Run())]
    for begin, end, host, task in entries:
        timed.append((begin, 1, _facts.Begin(host=host, task=task)))
        answer = _facts.Deployment(host=host, root="/srv", status="ok", state=STATES[task])
        if end is not None:
            timed.append((end, 0, answer))
    return [line(run, seconds, fact) for seconds, _kind, fact in sorted(timed, key=lambda t: t[:2])]


def line(run, seconds, fact):
    time = (START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
    plain = {"format": 1, "run": run, "time": time, **fact.to_plain()}
    return json.loads(json.dumps(plain))


TWO_FORKS = record(
    (1, 3, "a", "Stage"),
    (1, 5, "b", "Stage"),
    (3, 6, "c", "Stage"),
    (10, 12, "a", "Switch"),
    (30, 34, "b", "Switch"),
    (30, 32, "c", "Switch"),
)


def test_seconds_of_each_host_by_task_and_phase():
    found = of_run(TWO_FORKS)

    assert found.by_task["a"] == {"Stage": 2, "Switch": 2}
    assert found.by_phase["b"] == {"staged": 4, "live": 4}
    assert (found.run, found.seconds, found.is_free) == ("run-1", 33, False)


def test_waits_for_a_fork_are_from_the_first_begin():
    assert of_run(TWO_FORKS).waited == {"a": 0, "b": 0, "c": 2}


def test_waves_are_told_apart_by_their_answers():
    assert of_run(TWO_FORKS).waves == (("a",), ("b", "c"))


def test_with_one_fork_waves_cannot_be_told_apart():
    found = of_run(record((1, 2, "a", "Stage"), (2, 4, "b", "Stage"), (4, 5, "c", "Stage")))

    assert found.waves == (("a", "b", "c"),)
    assert found.waited == {"a": 0, "b": 1, "c": 3}


def test_the_critical_path_names_the_host_that_held_up_each_step():
    path = of_run(TWO_FORKS).path

    assert [(s.task, s.wave, s.hosts, s.held_up_by) for s in path] == [
        ("Stage", 1, 3, "c"),
        ("Switch", 1, 1, "a"),
        ("Switch", 2, 2, "b"),
    ]
    assert [(s.before, s.seconds, s.waited, s.worked) for s in path] == [
        (0, 5, 2, 3),
        (4, 2, 0, 2),
        (18, 4, 0, 4),
    ]
    assert sum(step.before + step.seconds for step in path) == of_run(TWO_FORKS).seconds


def test_hosts_that_do_not_wait_for_each_other_have_a_path_of_one_host():
    found = of_run(
        record(
            (1, 2, "a", "Stage"),
            (1, 6, "b", "Stage"),
            (2, 4, "a", "Switch"),
            (6, 9, "b", "Switch"),
        )
    )

    assert (found.is_free, found.waves) == (True, ())
    assert [(s.task, s.held_up_by, s.worked) for s in found.path] == [
        ("Stage", "b", 5),
        ("Switch", "b", 3),
    ]
    assert found.waited == {"a": 0, "b": 0}


def test_a_task_without_an_answer_is_left_out():
    found = of_run(record((1, 3, "a", "Stage"), (1, None, "b", "Stage"), (5, None, "a", "Switch")))

    assert (found.by_task, found.seconds) == ({"a": {"Stage": 2}}, 2)


def test_a_failure_of_another_task_ends_nothing_that_was_answered():
    fails = _facts.Failure(host="a", status="failed", reason="hook: no")
    lines = [*record((1, 3, "a", "Stage")), line("run-1", 8, fails)]

    assert of_run(lines).by_task == {"a": {"Stage": 2}}


def test_a_task_that_failed_before_it_answered_ends_with_that():
    fails = _facts.Failure(host="a", status="failed", reason="seal: no")
    lines = [*record((1, None, "a", "Stage")), line("run-1", 8, fails)]

    assert of_run(lines).by_phase == {"a": {"failure": 7}}


def test_a_loop_ends_with_its_last_item():
    item = _facts.Deployment(host="a", root="/srv/two", status="ok", state="staged")
    lines = [*record((1, 3, "a", "Stage")), line("run-1", 7, item)]

    assert of_run(lines).by_task == {"a": {"Stage": 6}}


def test_the_last_run_of_a_record_is_meant_unless_one_is_named():
    lines = [*record((1, 2, "a", "Stage"), run="one"), *record((5, 9, "b", "Stage"), run="two")]

    assert of_run(lines).by_task == {"b": {"Stage": 4}}
    assert of_run(lines, "one").by_task == {"a": {"Stage": 1}}
    assert of_run(lines, "none").path == ()


@pytest.mark.parametrize("lines", [[], [{}], record(), [{"event": "later", "time": "x"}]])
def test_a_record_without_tasks_says_nothing(lines):
    found = of_run(lines)

    assert (found.seconds, found.by_task, found.waves, found.path) == (0, {}, (), ())


def test_a_kind_of_event_of_a_later_version_is_passed_over():
    later = {"run": "run-1", "time": "2026-12-01T00:00:02+00:00", "event": "later", "host": "a"}

    assert of_run([*TWO_FORKS, later]).to_plain() == of_run(TWO_FORKS).to_plain()


def test_as_plain_data():
    plain = of_run(TWO_FORKS).to_plain()

    json.dumps(plain)
    assert plain["waves"] == [["a"], ["b", "c"]]
    assert plain["path"][0]["held_up_by"] == "c"
