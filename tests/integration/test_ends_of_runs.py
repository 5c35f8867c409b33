# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""However and whenever a run ends: no child lives on, its record is whole, the next one settles."""

from __future__ import annotations

import base64
import json
import os
import signal

import pytest

from ansible_collections.itops.release.tests.integration import moments
from ansible_collections.itops.release.tests.integration.ansible_run import Controller, until
from ansible_collections.itops.release.tests.integration.applications import (
    current_tree,
    deploying,
    is_one_line,
    looking,
    play,
    read_tree,
    sealing,
    write_application,
)

pytestmark = pytest.mark.slow

VERSIONS = ("1", "2", "3")
FILES = 1500  # so many that staging them takes a while
PACK_BYTES = 1_000_000  # about what they make
# Sending a pack takes some seconds, and no other way of sending it is tried.
SLOWLY = {"ansible_ssh_transfer_method": "sftp", "ansible_sftp_extra_args": "-l 4000"}
EXIT_STATUS = {signal.SIGINT: 99, signal.SIGTERM: -signal.SIGTERM, signal.SIGKILL: -signal.SIGKILL}
NAMED = [
    pytest.param(
        number,
        id=number.name,
        marks=[] if number == signal.SIGKILL else pytest.mark.every_point,
    )
    for number in EXIT_STATUS
]
# A probe that goes on asking for as long as the test wants.
PROBE = {"command": ["test", "-e", "{{ srv }}/sound"], "retries": 100_000, "interval": 0.2}


@pytest.fixture(scope="module")
def shop(tmp_path_factory, _sockets):
    """Return a directory with a media library ``media`` that has shop 1, 2 and 3."""
    directory = tmp_path_factory.mktemp("shop")
    tasks = []
    for serial, version in enumerate(VERSIONS):
        files = {"version": version}
        if serial:
            for number in range(FILES):
                files[f"data/{number % 10}/{number}"] = base64.b64encode(os.urandom(500)).decode()
        application = write_application(directory / version, files, version, serial)
        tasks.append(sealing(version, application, directory / "media"))
    run = Controller(directory / "controller", _sockets).run(play(*tasks), "localhost,")
    assert run.rc == 0, run.output
    return directory


@pytest.fixture
def begin(shop, controller, tmp_path):
    """Return ``begin(inventory, version)``, which returns a run while it goes on.

    It puts the version on trial, waits for the file ``pass`` on each host, and accepts it once
    there is the file ``sound``. ``keywords`` are the tasks', what else is given are their options.
    """

    runs = []

    def start(hosts, version, **options):
        record = tmp_path / f"record{len(runs)}.jsonl"
        record.touch()
        runs.append(Watched(controller, shop, record, hosts, version, **options))
        return runs[-1]

    yield start
    for run in runs:  # a test that failed leaves them to the hosts of the next one
        if not run.is_over():
            run.going.kill()
            run.going.process.wait()


class Watched:
    """A run that goes on, with what it has put on record."""

    def __init__(self, controller, shop, record, hosts, version, keywords=None, **options):
        options = {"lock_timeout": 1, **options}
        release, library = f"shop:{version}", shop / "media"
        waiting = {"path": "{{ srv }}/pass", "sleep": 1}
        self._record = record
        self.going = controller.start(
            play(
                deploying("Try", release, library, keywords, commit=False, **options),
                {"name": "Wait", "ansible.builtin.wait_for": waiting},
                deploying("Accept", release, library, keywords, probe=PROBE, **options),
            ),
            hosts,
            env={"ITOPS_RELEASE_RECORD": str(record)},
        )

    def events(self):
        """Return what this run has put on record, but a line that is just being written."""
        text = self._record.read_bytes()
        if self.is_over():
            assert text.endswith(b"\n")
        return [json.loads(line) for line in text.splitlines(True) if line.endswith(b"\n")]

    @property
    def name(self):
        """The run's id."""
        return until(self.events, "the record of a run")[0]["run"]

    def clients(self):
        """Return how many clients of SSH are at work."""
        return sum(command.startswith("ssh ") for command in self.going.children().values())

    def answers(self, host):
        """Return what *host* has answered, as events."""
        return [
            event
            for event in self.events()
            if event["event"] == "deployment" and event["host"] == host.name
        ]

    def is_put_on_trial(self, host):
        """Tell whether the run knows that its release is on trial on *host*."""
        answers = self.answers(host)
        return bool(answers) and answers[-1].get("after", {}).get("phase") == "on trial"

    def is_probing(self, host):
        """Tell whether *host* is asked to accept what it has on trial, and probes that."""
        return self.is_put_on_trial(host) and moments.being_tried(host, self.name)

    def is_over(self):
        return self.going.process.poll() is not None

    def end(self, number):
        """Send the signal to the main process; return the Run once nothing of it lives here."""
        self.going.process.send_signal(number)
        run = self.going.wait()
        until(lambda: not self.going.children(), "children of a run that has ended")
        return run


@pytest.mark.parametrize("number", NAMED)
def test_a_run_that_is_ended_at_any_moment_leaves_no_child_and_the_next_settles(
    ssh_hosts, inventory, shop, begin, run_playbook, number
):
    targets = ssh_hosts(10)
    hosts = inventory(targets, **SLOWLY)
    deploy_first(hosts, shop, run_playbook)

    with moments.held(targets):
        run = begin(hosts, "2")
        until(lambda: run.clients() >= 10, "hosts being asked")
        assert_told(run, run.end(number), number, targets)
    assert versions(targets, shop) == {"1"}

    run = begin(hosts, "2")
    until(lambda: any(moments.bytes_sent(host) > PACK_BYTES / 10 for host in targets), "sending")
    assert_told(run, run.end(number), number, targets)
    assert versions(targets, shop) == {"1"}

    run = begin(hosts, "2")
    until(lambda: any(map(moments.being_staged, targets)), "staging")
    assert_told(run, run.end(number), number, targets)
    assert versions(targets, shop) <= {"1", "2"}

    run = begin(hosts, "2")
    until(lambda: all(map(run.is_put_on_trial, targets)), "trials")
    until(lambda: run.clients() >= 10, "hosts waiting between two tasks of ours")
    report = assert_told(run, run.end(number), number, targets)
    assert number == signal.SIGKILL or report.count("left on trial") == 10
    assert versions(targets, shop) == {"2"}

    for host in targets:
        (host.seen / "pass").touch()
    run = begin(hosts, "2")
    until(lambda: all(map(run.is_probing, targets)), "probes")
    report = assert_told(run, run.end(number), number, targets)
    assert number == signal.SIGKILL or report.count("stopped in: Accept") == 10

    last = begin(hosts, "2")
    until(lambda: all(map(last.is_probing, targets)), "the last probes")
    for host in targets:
        (host.seen / "sound").touch()
    done = last.going.wait()
    assert done.rc == 0, done.output
    report = done.stdout.partition("RELEASES")[2]
    assert report.count(f"took over from {run.name}, whose trial of 2 was open") == 10
    assert_settled(targets, hosts, shop, run_playbook, "2")
    for host in targets:
        events = moments.history_of(host)
        taken = [event["event"] == "took over" and event["run"] == last.name for event in events]
        assert {event["run"] for event in events[taken.index(True) :]} == {last.name}


@pytest.mark.parametrize(
    "moment", [pytest.param("staging", marks=pytest.mark.every_point), "probing"]
)
def test_a_stopped_module_is_named_and_stops_for_good_where_another_run_took_over(
    ssh_hosts, inventory, fleet, shop, begin, run_playbook, moment
):
    (host,) = ssh_hosts(1)
    hosts = inventory([host])
    deploy_first(hosts, shop, run_playbook)
    (host.seen / "pass").touch()
    stopped = begin(hosts, "2")
    pid = stop(fleet, host, stopped, moment)

    hindered = begin(hosts, "3").going.wait()

    assert hindered.rc == 2, hindered.output
    message = hindered.result("Try")["msg"]
    assert is_one_line(message)
    assert stopped.name in message
    assert f"whose process {pid} works here" in message
    assert versions([host], shop) == {"1" if moment == "staging" else "2"}
    (host.seen / "sound").touch()
    done = begin(hosts, "3", takeover=stopped.name).going.wait()
    assert done.rc == 0, done.output
    assert f"took over from {stopped.name}" in done.stdout.partition("RELEASES")[2]
    assert fleet.run(host.host, ["kill", "-CONT", str(pid)]).returncode == 0
    ended = stopped.going.wait()
    assert ended.rc == 2
    message = ended.result()["msg"]
    assert is_one_line(message)
    assert "was taken over by" in message
    assert_settled([host], hosts, shop, run_playbook, "3")


def stop(fleet, host, run, moment):
    """Stop the module of *run* on *host* at the *moment*; return its number there."""
    reached = {
        "staging": lambda: moments.being_staged(host),
        "probing": lambda: run.is_probing(host),
    }[moment]
    until(lambda: reached() or run.is_over(), moment)
    pid = moments.state_of(host)["lease"]["pid"]
    assert fleet.run(host.host, ["kill", "-STOP", str(pid)]).returncode == 0
    return pid


@pytest.mark.parametrize(
    "moment", [pytest.param("staging", marks=pytest.mark.every_point), "probing"]
)
def test_a_task_that_takes_too_long_leaves_what_the_next_run_settles(
    ssh_hosts, inventory, fleet, shop, begin, run_playbook, moment
):
    (host,) = ssh_hosts(1)
    hosts = inventory([host])
    deploy_first(hosts, shop, run_playbook)
    (host.seen / "pass").touch()
    # The module is stopped before its time is up, so that it is struck there on any machine.
    late = begin(hosts, "2", keywords={"timeout": 15})
    pid = stop(fleet, host, late, moment)

    run = late.going.wait()

    assert run.rc == 2, run.output
    assert "Timed out after 15 second(s)" in run.result()["msg"]
    assert is_one_line(run.result()["msg"])
    assert versions([host], shop) == {"1" if moment == "staging" else "2"}
    (host.seen / "sound").touch()
    done = begin(hosts, "2").going.wait()  # while the module of the first is still there
    assert done.rc == 0, done.output
    assert f"took over from {late.name}" in done.stdout.partition("RELEASES")[2]
    assert fleet.run(host.host, ["kill", "-CONT", str(pid)]).returncode == 0
    assert_settled([host], hosts, shop, run_playbook, "2")


def test_of_two_runs_at_once_one_gets_each_host_and_the_other_says_whose_it_is(
    ssh_hosts, inventory, shop, begin, run_playbook
):
    targets = ssh_hosts(10)
    hosts = inventory(targets)
    deploy_first(hosts, shop, run_playbook)

    runs = [begin(hosts, "2"), begin(hosts, "3")]
    until(lambda: all(run.answers(host) for run in runs for host in targets), "two runs")
    for host in targets:
        (host.seen / "pass").touch()
        (host.seen / "sound").touch()
    ended = [run.going.wait() for run in runs]

    for host in targets:
        tries = [run.find("Try", host=host.name)[-1] for run in ended]
        assert sorted(outcome.status for outcome in tries) == ["failed", "ok"], host.name
        lost = [outcome.status for outcome in tries].index("failed")
        message = tries[lost].result["msg"]
        assert is_one_line(message)
        assert runs[1 - lost].name in message
        assert versions([host], shop) == {"32"[lost]}
        assert ended[1 - lost].result("Accept", host=host.name)["after"]["phase"] == "live"
    assert "Traceback" not in ended[0].output + ended[1].output
    last = begin(hosts, "3").going.wait()
    assert last.rc == 0, last.output
    assert_settled(targets, hosts, shop, run_playbook, "3")


@pytest.mark.every_point
def test_a_killed_run_takes_modules_on_this_machine_along(
    local_hosts, inventory, shop, begin, run_playbook
):
    targets = local_hosts(2)
    hosts = inventory(targets)
    deploy_first(hosts, shop, run_playbook)
    for host in targets:
        (host.seen / "pass").touch()
    killed = begin(hosts, "2")
    until(lambda: all(map(killed.is_probing, targets)), "probes")

    killed.end(signal.SIGKILL)

    for host in targets:
        (host.seen / "sound").touch()
    last = begin(hosts, "2").going.wait()
    assert last.rc == 0, last.output
    assert_settled(targets, hosts, shop, run_playbook, "2")


def deploy_first(hosts, shop, run_playbook):
    run = run_playbook(play(deploying("One", "shop:1", shop / "media")), hosts)
    assert run.rc == 0, run.output


def assert_told(watched, run, number, hosts):
    """See that the record is whole and the report is there; return the report."""
    assert run.rc == EXIT_STATUS[number], run.output
    assert "Traceback" not in run.output
    events = watched.events()
    assert {event["event"] for event in events[:2]} == {"run", "plan"}
    report = run.stdout.partition("RELEASES")[2]
    if number == signal.SIGKILL:
        assert events[-1]["event"] not in ("end", "stopped")
        assert not report
        return report
    assert events[-1]["event"] == "stopped"
    assert events[-1]["by"] == number.name
    assert f"Stopped by {number.name}: the next run settles what is open." in report
    assert all(f"\n{host.name} " in report for host in hosts)
    return report


def versions(hosts, shop):
    """Return the versions that are current, each whole."""
    trees = {version: read_tree(shop / version / "src") for version in VERSIONS}
    found = set()
    for host in hosts:
        there = current_tree(host)
        found.add(next((version for version, tree in trees.items() if tree == there), host.name))
    return found


def assert_settled(targets, hosts, shop, run_playbook, version):
    """See that *version* is live and whole, and nothing is left of what was interrupted."""
    assert versions(targets, shop) == {version}
    look = run_playbook(play(looking("Look")), hosts)
    for host in targets:
        found = look.result("Look", host=host.name)
        assert found["ok"], found
        assert found["deployment"]["phase"] == "live"
        until(lambda host=host: moments.state_of(host)["lease"] is None, "the end of a lease")
        for leftovers in ("staging", "drop"):
            assert list((moments.ours(host) / leftovers).iterdir()) == []
