# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose a host is between two runs: left on trial, held, taken on, taken over, or put back."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from ansible_collections.itops.release.tests.integration import moments
from ansible_collections.itops.release.tests.integration.ansible_run import Controller, until
from ansible_collections.itops.release.tests.integration.applications import (
    Operator,
    deploying,
    failures,
    is_one_line,
    live_version,
    looking,
    play,
    read_state,
    report_line,
    seal_all,
    snapshot,
    write_application,
)

pytestmark = pytest.mark.slow

VERSIONS = ("1.0.0", "2.0.0", "3.0.0")
MANY = 20_000  # files whose removal takes a while
# Jobs of AWX: no control machine can tell that such a run is over.
FIRST, SECOND = ({"awx_job_id": number} for number in (17, 18))
LOOK = looking("Look", history=20)
FAIL = """
- name: Run the migration
  ansible.builtin.command: "false"
"""


@pytest.fixture(scope="module")
def sealed(tmp_path_factory, _sockets):
    """Return a media library with three versions, and a root where 1.0.0 is live."""
    directory = tmp_path_factory.mktemp("sealed")
    library, controller = directory / "library", Controller(directory / "controller", _sockets)
    applications = [
        write_application(directory / version, {"version": version}, version, serial)
        for serial, version in enumerate(VERSIONS, 1)
    ]
    seal_all(controller, library, applications)
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "deploy_root": str(directory / "root"),
        "deploy_media_library": str(library),
    }
    hosts = directory / "hosts.json"
    hosts.write_text(json.dumps({"all": {"hosts": {"template": variables}}}))
    run = Operator(controller.run, hosts).deploy("1.0.0")
    assert run.rc == 0, run.output
    return SimpleNamespace(library=library, root=directory / "root")


@pytest.fixture
def shop(sealed, local_hosts, inventory, run_playbook, controller, tmp_path):
    """Return ``shop(variables, …)``: a host with each of the variables, where 1.0.0 is live.

    It has ``hosts``, Targets; ``operator`` and ``controller``; ``inventory``; and ``library``.
    """
    restart = "readlink {{ deploy_root }}/current >>{{ srv }}/restarted"

    def spread(*each):
        hosts = [
            replace(host, variables={**host.variables, **variables})
            for host, variables in zip(local_hosts(len(each)), each, strict=True)
        ]
        for host in hosts:
            shutil.copytree(sealed.root, host.seen / "shop", symlinks=True)
        written = inventory(
            hosts,
            deploy_root="{{ srv }}/shop",
            deploy_media_library=str(sealed.library),
            deploy_restart=["sh", "-c", restart],
        )
        return SimpleNamespace(
            hosts=hosts,
            inventory=written,
            operator=Operator(run_playbook, written),
            controller=controller,
            library=sealed.library,
        )

    return spread


@pytest.fixture
def failing(tmp_path):
    """Return ``failing(moment)``: the variables of a host whose hook at the *moment* fails."""
    hook = tmp_path / "fail.yml"
    hook.write_text(FAIL)
    return lambda moment: {"deploy_hooks": {moment: str(hook)}}


def events_of(run, host):
    """Return what the task Look of *run* told of the history of *host*: (run, event, from)."""
    history = run.result("Look", host=host.name)["history"]
    return [(event["run"], event["event"], event["from"]) for event in history]


@pytest.mark.every_point
def test_a_release_that_is_left_on_trial_on_purpose_is_any_run_s_to_accept(shop, tmp_path):
    """Not so the calls between: staging, and a deployment that fails, leave it as it was."""
    hook = tmp_path / "hook.yml"
    hook.write_text("- name: Note the phase\n  itops.release.release_deployment_info:\n")
    shop = shop(
        {},
        {"deploy_probe": {"command": ["true"]}},
        {"deploy_hooks": {"after_commit": str(hook)}},
        {"deploy_restart": []},
    )

    left = shop.operator.deploy("2.0.0", deploy_commit="no", **FIRST)

    assert left.rc == 0, left.output
    hooked = shop.hosts[2]
    noted = left.result("Note the phase", host=hooked.name)["deployment"]
    assert (noted["phase"], noted["run"]) == ("on trial", "awx-job-17")
    for host in shop.hosts:
        assert report_line(left, host.name).split()[1:3] == ["on", "trial"]
        assert read_state(host)["lease"] is None

    ahead = deploying("Stage", "shop:3.0.0", shop.library, state="staged")
    staged = shop.operator.play(ahead, **SECOND)

    assert staged.rc == 0, staged.output
    for host in shop.hosts:
        assert staged.result("Stage", host=host.name)["changed"]
        assert read_state(host)["lease"] is None
        assert live_version(host) == "2.0.0"

    accepted = shop.operator.deploy("2.0.0", awx_job_id=19)
    look = shop.operator.play(LOOK)

    assert accepted.rc == 0, accepted.output
    for host in shop.hosts:
        assert report_line(accepted, host.name).split()[1] == "deployed"
        assert look.result("Look", host=host.name)["deployment"]["phase"] == "live"
        events = events_of(look, host)
        assert events[-1] == ("awx-job-19", "accepted", None)
        assert "took over" not in {event for _run, event, _from in events}


@pytest.mark.every_point
def test_a_trial_of_a_run_that_is_over_is_taken_over_and_told(shop):
    """The report, the history and check mode say from whom, and what was open."""
    shop = shop({})
    (host,) = shop.hosts
    tried = shop.operator.play(deploying("Try", "shop:2.0.0", shop.library, commit=False))
    over = tried.result("Try")["deployment"]["run"]
    assert read_state(host)["lease"]["run"] == over
    before = snapshot(host.seen)

    foretold = shop.operator.deploy("3.0.0", check=True)
    assert snapshot(host.seen) == before
    done = shop.operator.deploy("3.0.0")
    look = shop.operator.play(LOOK)

    told = f"took over from {over}, whose trial of 2.0.0 was open"
    assert done.rc == 0, done.output
    assert told in report_line(done, host.name)
    assert told.replace("took", "would take") in report_line(foretold, host.name)
    staging = "Stage the release"
    assert foretold.result(staging)["took_over"] == done.result(staging)["took_over"] == over
    ours = look.result("Look")["history"][-1]["run"]
    assert (ours, "took over", over) in events_of(look, host)


@pytest.mark.every_point
def test_a_run_that_nobody_can_judge_is_named_and_taken_over_by_its_name(shop):
    shop = shop({})
    (host,) = shop.hosts
    shop.operator.play(deploying("Try", "shop:2.0.0", shop.library, commit=False), **FIRST)
    lease = read_state(host)["lease"]
    before = snapshot(host.seen / "shop/releases"), read_state(host)

    foretold = shop.operator.deploy("3.0.0", check=True, **SECOND)
    refused = shop.operator.deploy("3.0.0", **SECOND)

    staging = "Stage the release"
    for run in (foretold, refused):
        assert run.rc != 0
        message = failures(run)[host.name]
        assert is_one_line(message)
        assert "is held by awx-job-17, which has 2.0.0 on trial since " in message
        assert lease["since"] in message
        assert (
            "if that run is over, set takeover (deploy_takeover in the role) to awx-job-17"
            in message
        )
        assert run.result(staging)["lease"] == {key: lease[key] for key in ("run", "since", "pid")}
    assert failures(foretold) == failures(refused)
    assert (snapshot(host.seen / "shop/releases"), read_state(host)) == before
    assert "failed" in report_line(refused, host.name)

    named = {"deploy_takeover": "awx-job-17", **SECOND}
    foretold = shop.operator.deploy("3.0.0", check=True, **named)
    assert (snapshot(host.seen / "shop/releases"), read_state(host)) == before
    done = shop.operator.deploy("3.0.0", **named)
    look = shop.operator.play(LOOK)

    assert (foretold.rc, done.rc) == (0, 0), done.output
    told = "took over from awx-job-17, whose trial of 2.0.0 was open"
    assert told in report_line(done, host.name)
    assert told.replace("took", "would take") in report_line(foretold, host.name)
    assert ("awx-job-18", "took over", "awx-job-17") in events_of(look, host)
    assert live_version(host) == "3.0.0"


def test_a_deployment_that_fails_puts_back_what_it_switched_and_nothing_else(shop, failing):
    """2.0.0 is on trial, on purpose, when 3.0.0 or 2.0.0 is deployed and fails at some moment."""
    hosts = {
        "before its switch": failing("before_activate"),
        "after its switch": failing("before_commit"),
        "with the same release": {**failing("before_commit"), "deploy_release": "shop:2.0.0"},
        "after all else": {**failing("after_commit"), "deploy_commit": "no"},
        "nowhere": {},
    }
    shop = shop(*({"deploy_release": "shop:3.0.0", **variables} for variables in hosts.values()))
    hosts = dict(zip(hosts, shop.hosts, strict=True))
    trying = {"deploy_release": "shop:2.0.0", "deploy_commit": "no", "deploy_hooks": {}}
    left = shop.operator.run("itops.release.deploy", deploy_linked_paths=[], **trying, **FIRST)
    assert left.rc == 0, left.output
    left = {name: read_state(host) for name, host in hosts.items()}

    each_by_itself = {"deploy_max_fail_percentage": 100}
    run = shop.operator.run("itops.release.deploy", **each_by_itself, **SECOND)

    assert run.rc != 0
    name = "before its switch"
    host, state = hosts[name], read_state(hosts[name])
    assert live_version(host) == "2.0.0"
    for part in ("trial", "live", "since", "lease", "good"):
        assert state[part] == left[name][part], part
    assert "2.0.0 stays on trial, as this run found it" in failures(run)[host.name]
    assert is_one_line(failures(run)[host.name])
    assert report_line(run, host.name).split()[1] == "failed"
    assert "still on trial: " in report_line(run, host.name)
    for name in ("after its switch", "with the same release", "after all else"):
        host, state = hosts[name], read_state(hosts[name])
        assert live_version(host) == "1.0.0", name
        assert (state["trial"], state["lease"], state["restarted"]) == (None, None, True)
        assert "stays on trial" not in failures(run)[host.name]
        assert report_line(run, host.name).split()[1:3] == ["put", "back"], name
        assert (host.seen / "restarted").read_text().split()[-1].startswith("releases/1.0.0-")
    assert live_version(hosts["nowhere"]) == "3.0.0"
    assert read_state(hosts["nowhere"])["trial"] is None


@pytest.mark.every_point
def test_a_rollback_that_waited_goes_by_what_is_live_then(shop):
    """It came during the trial of a first release: back from that would lead to nothing.

    And what would be removed or marked without its name stays as it is.
    """
    shop = shop({})
    (host,) = shop.hosts
    shutil.rmtree(host.seen / "shop")
    ignored, library = {"ignore_errors": True}, shop.library
    slow = ["sh", "-c", "until test -e {{ srv }}/go; do sleep 0.1; done"]
    first = play(deploying("First", "shop:2.0.0", library, restart=slow))
    second = play(
        deploying("Remove", "current", library, ignored, state="absent", purge_shared=True),
        deploying("Mark", "current", library, ignored, mark="bad"),
        deploying("Back", "previous", library, ignored, lock_timeout=120),
    )
    going = shop.controller.start(first, shop.inventory, extra_vars=FIRST)
    until(lambda: moments.being_tried(host, "awx-job-17"), "2.0.0 on trial")
    waiting = shop.controller.start(second, shop.inventory, extra_vars=SECOND)
    lock = moments.ours(host) / "lock"
    until(lambda: "awx-job-18" in lock.read_text(), "a rollback that waits")
    (host.seen / "go").touch()
    going, waiting = going.wait(), waiting.wait()

    assert going.rc == 0, going.output
    assert waiting.rc == 0, waiting.output
    refused = [waiting.result(title) for title in ("Remove", "Mark")]
    for result in refused:
        assert is_one_line(result["msg"])
        assert "calls" not in result  # the host was not even asked
    assert "no earlier good release to go back to" in waiting.result("Back")["msg"]
    assert live_version(host) == "2.0.0"
    assert read_state(host)["lease"] is None


@pytest.mark.every_point
def test_a_run_that_is_stopped_while_it_holds_the_lock_is_named(shop):
    """Long work holds no lock, but for the removal of ``shared/``."""
    shop = shop({})
    (host,) = shop.hosts
    for folder, name in itertools.product(range(20), range(MANY // 20)):
        path = host.seen / f"shop/shared/{folder}/{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    removing = deploying("Remove", None, shop.library, state="absent", purge_shared=True)
    removal = shop.controller.start(play(removing), shop.inventory, extra_vars=FIRST)
    until(lambda: not os.path.lexists(host.seen / "shop/current"), "a removal that has begun")
    pid = moments.state_of(host)["run"]["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        refused = shop.operator.deploy("2.0.0", deploy_lock_timeout="1", **SECOND)
    finally:
        os.kill(pid, signal.SIGCONT)

    message = failures(refused)[host.name]
    assert is_one_line(message)
    assert f"is locked by pid {pid} of awx-job-17 for more than 1 s" in message
    assert removal.wait().rc == 0
    assert not (host.seen / "shop").exists()
