# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job tells while it goes on: lines for people, its verdict, what failed last."""

from __future__ import annotations

from ansible_collections.itops.release.plugins.plugin_utils.train._listening import Listener

DEPLOYMENT = "itops.release.release_deployment"


def start(task, action=DEPLOYMENT):
    data = {"task": task, "resolved_action": action}
    return {"event": "playbook_on_task_start", "event_data": data, "pid": 42}


def on(kind, host, **result):
    return {"event": f"runner_on_{kind}", "event_data": {"host": host, **result}}


def stats(**artifacts):
    return {"event": "playbook_on_stats", "event_data": {"artifact_data": artifacts}}


def lines(*events):
    listener = Listener()
    return listener, [line for event in events for line in listener.lines(event)]


def test_tasks_that_deploy_are_counted_when_the_next_begins():
    listener, told = lines(
        start("itops.release.deploy : Stage the release"),
        on("ok", "db1"),
        on("unreachable", "db2", res={"msg": "no route"}, ignore_errors=True),
        start("Show something", "ansible.builtin.debug"),
        on("ok", "db1"),
        start("Make the release live"),
        on("ok", "db1"),
        stats(),
    )

    assert told == ["Stage the release: 2 hosts, 1 not well", "Make the release live: 1 host"]
    assert listener.pid == 42


def test_lines_for_people_are_passed_on_without_colour():
    said = {
        "event": "verbose",
        "stdout": "\x1b[0;35mclosed: window opens Tue 22:00\x1b[0m\r\nplain text\n"
        "wave 1 of 2: 1 of 3 hosts done\ncheckout-2 → production (db): 13 gates open\n",
    }

    assert lines(said)[1] == [
        "closed: window opens Tue 22:00",
        "wave 1 of 2: 1 of 3 hosts done",
        "checkout-2 → production (db): 13 gates open",
    ]


def test_the_verdict_is_that_of_the_artifacts():
    listener, _told = lines(stats(release_verdict="held", release_reason="why", release_run="r1"))

    assert (listener.verdict, listener.reason, listener.run) == ("held", "why", "r1")
    assert lines({"event": "playbook_on_stats", "event_data": {}})[0].verdict == ""


def test_what_failed_last_is_kept_and_what_was_ignored_is_not():
    listener, _told = lines(
        on("failed", "db1", res={"msg": "one\nline"}),
        on("failed", "db2", res={"msg": "ignored"}, ignore_errors=True),
        on("failed", "db3", res="text"),
    )

    assert listener.failure == "db3: failed"
    assert lines(on("failed", "db1", res={"msg": "one\nline"}))[0].failure == "db1: one line"
