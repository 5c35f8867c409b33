# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a release on a host: live, next, tried out, put back, rolled back, removed."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import stat
from dataclasses import replace

import pytest

from ansible_collections.itops.release.tests.integration.ansible_run import Controller
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

SERVE = """\
import http.server, pathlib, sys

GREETING = pathlib.Path(__file__).resolve().with_name("greeting").read_bytes()

class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(500 if b"broken" in GREETING else 200)
        self.end_headers()
        self.wfile.write(GREETING)

    def log_message(self, *arguments):
        pass

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
"""
# What an init system does: end the service that runs, start the one that is current.
RESTART = """\
import os, pathlib, signal, socket, subprocess, sys, time

srv = pathlib.Path(sys.argv[1])
if (srv / "service.pid").exists():
    pid = int((srv / "service.pid").read_text())
    try:
        os.kill(pid, signal.SIGKILL)
        while ") Z" not in open(f"/proc/{pid}/stat").read():
            time.sleep(0.01)
    except (FileNotFoundError, ProcessLookupError):
        pass  # it is gone, maybe between two looks
    (srv / "service.pid").unlink()
current = srv / "shop/current"
with open(srv / "restarts", "a") as log:
    log.write(os.path.basename(os.readlink(current)).partition("-")[0] + "\\n")
if (current / "unstartable").exists():
    sys.exit("it does not start")
quiet = {stream: subprocess.DEVNULL for stream in ("stdin", "stdout", "stderr")}
service = subprocess.Popen(
    [sys.executable, current / "serve.py", sys.argv[2]], start_new_session=True, **quiet
)
(srv / "service.pid").write_text(str(service.pid))
for attempt in range(1000):
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", int(sys.argv[2]))) == 0:
            break
    time.sleep(0.01)
"""
COMMON = {"serve.py": SERVE, "bin/tool": "#!/bin/sh\n", "static/big.css": "x" * 50_000}
VERSIONS = {
    "1.0.0": {**COMMON, "greeting": "one", "gone": "old"},
    "1.1.0": {**COMMON, "greeting": "two", "static/new.css": "new"},
    "1.2.0": {**COMMON, "greeting": "broken"},
    "1.3.0": {**COMMON, "greeting": "unstartable", "unstartable": ""},
    "1.4.0": {**COMMON, "greeting": "five"},
}
IGNORED = {"ignore_errors": True}


@pytest.fixture(scope="module")
def shop(tmp_path_factory, _sockets):
    """Return a directory with a media library ``media`` and the versions of shop that are in it."""
    directory = tmp_path_factory.mktemp("shop")
    tasks = []
    for serial, (version, files) in enumerate(VERSIONS.items(), 1):
        application = write_application(directory / version, files, version, serial)
        tasks.append(sealing(version, application, directory / "media"))
    controller = Controller(directory / "controller", _sockets)
    run = controller.run(play(*tasks), "localhost,")
    assert run.rc == 0, run.output
    return directory


@pytest.fixture
def library(shop):
    return shop / "media"


@pytest.fixture
def service():
    """Return ``service(target)``: the options that restart and probe its HTTP service."""
    started = []

    def install(target):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        (target.seen / "restart.py").write_text(RESTART, encoding="utf-8")
        if target.host is None:
            started.append(target)
        restart = ["{{ ansible_python_interpreter }}", "{{ srv }}/restart.py", "{{ srv }}"]
        return {
            "restart": [*restart, str(port)],
            "probe": {"url": f"http://127.0.0.1:{port}/", "retries": 1},
        }

    yield install
    for target in started:
        pid = target.seen / "service.pid"
        if pid.exists():
            os.kill(int(pid.read_text()), signal.SIGKILL)


def asking(title, options):
    """Return a task that asks the service what it answers."""
    return {
        "name": title,
        "ansible.builtin.uri": {
            "url": options["probe"]["url"],
            "return_content": True,
            "status_code": [200, 500],
        },
    }


def restarts(target):
    return (target.seen / "restarts").read_text().split()


def live_version(target):
    return os.readlink(target.seen / "shop/current").partition("/")[2].partition("-")[0]


def said(result):
    """Return what a check must predict: all of the result but times and transport."""

    def timeless(value):
        if isinstance(value, dict):
            return {key: timeless(item) for key, item in value.items() if key != "since"}
        return [timeless(item) for item in value] if isinstance(value, list) else value

    keys = ("changed", "before", "after", "deployment", "removed", "switched_back", "diff")
    return timeless({key: result[key] for key in keys})


def test_a_release_lives_as_predicted(targets, inventory, run_playbook, shop, library):
    (host,) = targets(1)
    checked, real = {"check_mode": True, "diff": True}, {"diff": True}
    steps = {
        "first": "shop:1.0.0",
        "next": "shop:1.1.0",
        "third": "shop:1.4.0",
        "back": "previous",
    }
    tasks = []
    for step, release in steps.items():
        tasks += [
            deploying(f"predict {step}", release, library, checked, keep=2),
            {"name": f"stat {step}", "ansible.builtin.stat": {"path": "{{ srv }}/shop/releases"}},
            deploying(step, release, library, real, keep=2),
        ]
    for title, keywords in (("again", real), ("predict again", checked)):
        tasks.append(deploying(title, "shop:1.1.0", library, keywords, keep=2))

    run = run_playbook(play(*tasks, looking("Look")), inventory([host]))

    assert run.rc == 0, run.output
    assert not run.result("stat first")["stat"]["exists"]
    assert run.result("stat next")["stat"]["nlink"] == 3
    for step in steps:
        assert run.result(step)["changed"], step
        assert said(run.result(f"predict {step}")) == said(run.result(step)), step
    for title in ("again", "predict again"):
        result = run.result(title)
        assert (result["changed"], result["calls"], result["sent_bytes"]) == (False, 1, 0)
        assert (result["diff"]["before"], result["diff"]["after"]) == ("", "")
        assert said(result)["after"] == said(run.result("back"))["after"]
    first, second, back = (run.result(step) for step in ("first", "next", "back"))
    assert (first["before"]["phase"], first["after"]["phase"]) == ("none", "live")
    assert second["before"] == first["after"]
    assert second["after"]["version"] == "1.1.0"
    assert first["calls"] == second["calls"] == 2
    assert 0 < second["sent_bytes"] < first["sent_bytes"]
    assert (back["after"]["version"], back["calls"], back["sent_bytes"]) == ("1.1.0", 1, 0)
    assert run.result("third")["removed"] == [first["after"]["tree"]]
    before, after = second["diff"]["before"], second["diff"]["after"]
    assert "gone" in before
    assert "static/new.css" in after
    assert "greeting" in before
    assert "greeting" in after
    assert "big.css" not in before + after
    assert run.result("Look")["ok"]
    assert current_tree(host) == read_tree(shop / "1.1.0/src")


def test_each_rollback_goes_one_further(local_hosts, inventory, run_playbook, shop, library):
    (host,) = local_hosts(1)

    run = run_playbook(
        play(
            *(deploying(v, f"shop:{v}", library) for v in ("1.0.0", "1.1.0", "1.4.0")),
            deploying("Back", "previous", library),
            deploying("Back again", "previous", library),
            deploying("Too far", "previous", library, IGNORED),
        ),
        inventory([host]),
    )

    assert run.result("Back")["after"]["version"] == "1.1.0"
    assert run.result("Back again")["after"]["version"] == "1.0.0"
    assert "no earlier good release" in run.result("Too far")["msg"]
    assert current_tree(host) == read_tree(shop / "1.0.0/src")


def test_a_broken_release_is_put_back_and_restarted(
    targets, inventory, run_playbook, service, library
):
    (host,) = targets(1)
    options = service(host)

    run = run_playbook(
        play(
            deploying("One", "shop:1.0.0", library, **options),
            asking("Ask one", options),
            deploying("Nothing", "shop:1.0.0", library, **options),
            deploying("Two", "shop:1.1.0", library, **options),
            asking("Ask two", options),
            deploying("Broken", "shop:1.2.0", library, IGNORED, **options),
            asking("Ask after broken", options),
            deploying("Unstartable", "shop:1.3.0", library, IGNORED, **options),
            asking("Ask after unstartable", options),
            deploying("Back", "previous", library, **options),
            asking("Ask back", options),
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    answers = {title: run.result(f"Ask {title}")["content"] for title in ("one", "two", "back")}
    assert answers == {"one": "one", "two": "two", "back": "one"}
    assert not run.result("Nothing")["changed"]
    for title, version, reason in (
        ("Broken", "1.2.0", "probe failed: http://127.0.0.1:"),
        ("Unstartable", "1.3.0", "restart failed: "),
    ):
        result = run.result(title)
        assert is_one_line(result["msg"])
        assert result["msg"].startswith(f"{version}: {reason}")
        assert result["msg"].endswith("; back on 1.1.0")
        assert result["switched_back"]
        assert result["after"]["version"] == "1.1.0"
        assert result["after"]["phase"] == "live"
        assert run.result(f"Ask after {title.lower()}")["content"] == "two"
    once_each = ["1.0.0", "1.1.0", "1.2.0", "1.1.0", "1.3.0", "1.1.0", "1.0.0"]
    assert restarts(host) == once_each
    assert live_version(host) == "1.0.0"


def test_a_first_release_that_is_broken_leaves_nothing_live(
    local_hosts, inventory, run_playbook, library
):
    (host,) = local_hosts(1)
    probe = {"command": ["test", "-e", "{{ srv }}/well"], "retries": 0}

    run = run_playbook(
        play(
            deploying("Broken", "shop:1.2.0", library, IGNORED, probe=probe),
            looking("Look"),
            {"name": "Heal", "ansible.builtin.command": "touch {{ srv }}/well"},
            deploying("Again", "shop:1.2.0", library, probe=probe),
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    assert run.result("Broken")["msg"] == (
        "1.2.0: probe failed: test ended with 1: no output (1 measurement); "
        "nothing is live, as before"
    )
    assert run.result("Broken")["switched_back"]
    there = run.result("Look")["deployment"]
    assert (there["phase"], there["current"], there["live"]) == ("none", None, None)
    again = run.result("Again")
    assert (again["after"]["phase"], again["calls"]) == ("live", 1)


def test_a_trial_is_accepted_or_taken_back(local_hosts, inventory, run_playbook, library):
    (host,) = local_hosts(1)
    well, ill = ({"command": [command], "retries": 0} for command in ("true", "false"))

    run = run_playbook(
        play(
            deploying("One", "shop:1.0.0", library),
            deploying("Try", "shop:1.1.0", library, commit=False, probe=well),
            deploying("Try again", "shop:1.1.0", library, commit=False),
            deploying("Probe again", "shop:1.1.0", library, commit=False, probe=well),
            deploying("Take back", "previous", library),
            deploying("Try once more", "shop:1.1.0", library, commit=False),
            deploying("Not good", "shop:1.1.0", library, IGNORED, probe=ill),
            deploying("Try a last time", "shop:1.1.0", library, commit=False),
            deploying("Predict", "shop:1.1.0", library, {"check_mode": True}, probe=well),
            deploying("Accept", "shop:1.1.0", library, probe=well),
            deploying("Accepted", "shop:1.1.0", library, probe=ill),
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    for title, changed, phase, version in (
        ("Try", True, "on trial", "1.1.0"),
        ("Try again", False, "on trial", "1.1.0"),
        ("Probe again", False, "on trial", "1.1.0"),
        ("Take back", True, "live", "1.0.0"),
        ("Try once more", True, "on trial", "1.1.0"),
        ("Accept", True, "live", "1.1.0"),
        ("Accepted", False, "live", "1.1.0"),
    ):
        result = run.result(title)
        found = (result["changed"], result["after"]["phase"], result["after"]["version"])
        assert found == (changed, phase, version), title
    trial = run.result("Try")["deployment"]
    assert trial["live"]["version"] == trial["previous"]["version"] == "1.0.0"
    assert trial["trial"]["version"] == "1.1.0"
    assert run.result("Not good")["after"]["version"] == "1.0.0"
    assert run.result("Not good")["switched_back"]
    assert run.result("Predict")["after"]["phase"] == "live"
    assert live_version(host) == "1.1.0"


@pytest.mark.slow
def test_a_bad_release_is_passed_over(local_hosts, inventory, run_playbook, library):
    (host,) = local_hosts(1)

    run = run_playbook(
        play(
            *(deploying(v, f"shop:{v}", library) for v in ("1.0.0", "1.1.0", "1.4.0")),
            deploying("Predict", "shop:1.1.0", library, {"check_mode": True}, mark="bad"),
            deploying("Mark", "shop:1.1.0", library, mark="bad"),
            deploying("Mark again", "shop:1.1.0", library, mark="bad"),
            deploying("Refused", "shop:1.1.0", library, IGNORED),
            deploying("Back", "previous", library),
            deploying("Good", "shop:1.1.0", library, mark="good"),
            deploying("Live", "shop:1.1.0", library),
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    changed = [run.result(title)["changed"] for title in ("Predict", "Mark", "Mark again", "Good")]
    assert changed == [True, True, False, True]
    bad = {item["version"]: item["bad"] for item in run.result("Mark")["deployment"]["releases"]}
    assert bad == {"1.0.0": False, "1.1.0": True, "1.4.0": False}
    assert is_one_line(run.result("Refused")["msg"])
    assert "1.1.0 was marked bad by " in run.result("Refused")["msg"]
    assert run.result("Back")["after"]["version"] == "1.0.0"
    assert live_version(host) == "1.1.0"


@pytest.mark.slow
def test_retention_keeps_what_is_needed(local_hosts, inventory, run_playbook, shop, library):
    (host,) = local_hosts(1)

    run = run_playbook(
        play(
            deploying("One", "shop:1.0.0", library),
            deploying("Two", "shop:1.1.0", library),
            deploying("Stage", "shop:1.2.0", library, state="staged"),
            deploying("Keep two", "shop:1.4.0", library, keep=1),
            deploying("Back", "previous", library, keep=1),
            looking("Look"),
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    removed = [name.partition("-")[0] for name in run.result("Keep two")["removed"]]
    assert sorted(removed) == ["1.0.0", "1.2.0"]
    assert run.result("Back")["after"]["version"] == "1.1.0"
    assert run.result("Look")["ok"]
    assert current_tree(host) == read_tree(shop / "1.1.0/src")
    kept = {path.name.partition("-")[0] for path in (host.seen / "shop/releases").iterdir()}
    assert kept == {live_version(host)}
    objects = [path for path in (host.seen / "shop/.release/objects").rglob("*") if path.is_file()]
    assert len(objects) == len(set(VERSIONS["1.1.0"].values()))


def test_what_is_staged_goes_live_in_one_call(local_hosts, inventory, run_playbook, library):
    (host,) = local_hosts(1)

    run = run_playbook(
        play(
            deploying("One", "shop:1.0.0", library),
            deploying("Predict", "shop:1.1.0", library, {"check_mode": True}, state="staged"),
            deploying("Stage", "shop:1.1.0", library, state="staged"),
            deploying("Stage again", "shop:1.1.0", library, state="staged"),
            looking("Look"),
            deploying("Live", "shop:1.1.0", library),
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    assert said({**run.result("Predict"), "diff": 0}) == said({**run.result("Stage"), "diff": 0})
    assert run.result("Stage")["sent_bytes"] > 0
    assert not run.result("Stage again")["changed"]
    assert run.result("Look")["deployment"]["live"]["version"] == "1.0.0"
    live = run.result("Live")
    assert (live["changed"], live["calls"], live["sent_bytes"]) == (True, 1, 0)
    assert live_version(host) == "1.1.0"


@pytest.mark.slow
def test_absent_removes_what_was_asked_for_and_no_more(
    local_hosts, inventory, run_playbook, library
):
    (host,) = local_hosts(1)
    everything = {"state": "absent"}
    linked = {"linked_paths": ["log/"]}
    stat_root = {"path": "{{ srv }}/shop"}

    run = run_playbook(
        play(
            deploying("One", "shop:1.0.0", library, **linked),
            deploying("Two", "shop:1.1.0", library, **linked),
            deploying("Stage", "shop:1.4.0", library, state="staged", **linked),
            deploying("Live", "shop:1.1.0", library, IGNORED, state="absent"),
            deploying("Way back", "shop:1.0.0", library, IGNORED, state="absent"),
            deploying("Unused", "shop:1.4.0", library, state="absent"),
            deploying("Unused again", "shop:1.4.0", library, state="absent"),
            looking("Look"),
            {"name": "Log", "ansible.builtin.command": "touch {{ srv }}/shop/shared/log/today"},
            deploying("Predict", None, library, {"check_mode": True}, **everything),
            looking("Still there"),
            deploying("Everything", None, library, **everything),
            deploying("Everything again", None, library, **everything),
            {"name": "Stat", "ansible.builtin.stat": {"path": "{{ srv }}/shop/shared/log/today"}},
            deploying("Anew", "shop:1.0.0", library, **linked),
            deploying("Shared too", None, library, purge_shared="yes", **everything),
            {"name": "Stat root", "ansible.builtin.stat": stat_root},
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    for title, reason in (("Live", "is live"), ("Way back", "is the way back")):
        assert is_one_line(run.result(title)["msg"])
        assert f"{reason}: it is not removed" in run.result(title)["msg"]
    assert [name[:5] for name in run.result("Unused")["removed"]] == ["1.4.0"]
    assert not run.result("Unused again")["changed"]
    assert run.result("Look")["ok"]
    assert run.result("Still there")["ok"]
    assert run.result("Predict")["removed"] == run.result("Everything")["removed"]
    assert run.result("Everything")["changed"]
    assert run.result("Everything")["after"]["phase"] == "none"
    assert not run.result("Everything again")["changed"]
    assert run.result("Stat")["stat"]["exists"]
    assert run.result("Shared too")["changed"]
    assert not run.result("Stat root")["stat"]["exists"]


@pytest.mark.slow
def test_linked_paths_lead_to_what_releases_share(
    local_hosts, inventory, run_playbook, shop, library
):
    (host,) = local_hosts(1)
    linked = {"linked_paths": ["log/", "etc/secrets.yml"]}

    run = run_playbook(
        play(
            deploying("One", "shop:1.0.0", library),
            deploying("Not there", "shop:1.1.0", library, IGNORED, **linked),
            looking("Look"),
            {
                "name": "Provide",
                "ansible.builtin.shell": "mkdir -p {{ srv }}/shop/shared/etc && "
                "echo secret >{{ srv }}/shop/shared/etc/secrets.yml",
            },
            deploying("Two", "shop:1.1.0", library, **linked),
            deploying("Two again", "shop:1.1.0", library, **linked),
            {"name": "Log", "ansible.builtin.command": "touch {{ srv }}/shop/current/log/today"},
            deploying("Five", "shop:1.4.0", library, **linked),
            looking("Look again"),
            deploying("Its own", "shop:1.4.0", library, IGNORED, linked_paths=["greeting"]),
            deploying("Out", "shop:1.4.0", library, IGNORED, linked_paths=["../../etc/"]),
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    for title, reason in (
        ("Not there", "shop/shared/etc/secrets.yml does not exist"),
        ("Its own", "linked path 'greeting' is also part of the release"),
        ("Out", "'../../etc' is not a plain path"),
    ):
        assert is_one_line(run.result(title)["msg"])
        assert reason in run.result(title)["msg"]
    assert run.result("Look")["deployment"]["live"]["version"] == "1.0.0"
    assert not run.result("Two again")["changed"]
    assert run.result("Look again")["ok"]
    current = host.seen / "shop/current"
    assert (current / "etc/secrets.yml").read_text() == "secret\n"
    assert (current / "log/today").exists()
    assert live_version(host) == "1.4.0"


def test_what_is_not_ours_is_not_touched(local_hosts, inventory, run_playbook, library):
    foreign, link, moved = local_hosts(3)
    (foreign.seen / "shop/current/data").mkdir(parents=True)
    (link.seen / "shop/builds/7").mkdir(parents=True)
    (link.seen / "shop/current").symlink_to("builds/7")
    hosts = inventory([foreign, link, moved])
    run_playbook(play(deploying("One", "shop:1.0.0", library)), hosts, limit="local3")
    (moved.seen / "shop/current").unlink()
    (moved.seen / "shop/current").symlink_to("/somewhere/else")
    before = {host.name: read_tree(host.seen) for host in (foreign, link, moved)}

    run = run_playbook(play(deploying("Deploy", "shop:1.1.0", library)), hosts)

    assert run.rc == 2
    for host in (foreign, link):
        assert read_tree(host.seen) == before[host.name]
    assert os.readlink(moved.seen / "shop/current") == "/somewhere/else"
    for host in (foreign, link, moved):
        message = run.result("Deploy", host=host.name)["msg"]
        assert is_one_line(message)
        assert "/shop/current" in message
        assert "nothing was touched" in message


def test_async_and_missing_options_are_refused_in_a_line(
    local_hosts, inventory, run_playbook, library
):
    (host,) = local_hosts(1)
    background = {"async": 60, "poll": 1, **IGNORED}

    run = run_playbook(
        play(
            deploying("Async", "shop:1.0.0", library, background),
            looking("Async look", background),
            sealing("Async seal", "/nowhere", library, background),
            deploying("No release", None, library, IGNORED),
            deploying("No library", "shop:1.0.0", "", IGNORED),
            deploying("Unknown", "shop:9.9.9", library, IGNORED),
            deploying("Nothing there", "previous", library, IGNORED),
            deploying("No owner", "shop:1.0.0", library, IGNORED, owner="nobody-of-that-name"),
            deploying("Misspelt", "shop:1.0.0", library, IGNORED, restrat=["true"]),
        ),
        inventory([host]),
    )

    for title, reason in {
        "Async": "async",
        "Async look": "async",
        "Async seal": "async",
        "No release": "release",
        "No library": "media_library is needed",
        "Unknown": "has no release shop:9.9.9: the latest there are ",
        "Nothing there": "so there is nothing to go back to",
        "No owner": "owner: there is no 'nobody-of-that-name' on this host",
        "Misspelt": "restrat",
    }.items():
        message = run.result(title)["msg"]
        assert is_one_line(message), title
        assert reason in message, f"{title}: {message}"
    assert "Traceback" not in run.output
    assert not (host.seen / "shop").exists()


def test_surveys_send_text(local_hosts, inventory, run_playbook, library):
    (host,) = local_hosts(1)
    survey = {
        "commit": "{{ commit }}",
        "keep": "{{ keep }}",
        "linked_paths": "{{ linked }}",
        "owner": "{{ nothing }}",
        "group": "{{ nothing }}",
        "access": "{{ nothing }}",
        "restart": "{{ nothing }}",
        "lock_timeout": "{{ keep }}",
        "runtime_paths": "{{ nothing }}",
        "probe": {
            "command": ["true"],
            "retries": "{{ keep }}",
            "timeout": "{{ nothing }}",
            "contains": "{{ nothing }}",
        },
    }
    text = "release=shop:1.0.0 commit=no keep=5 linked=log/,tmp/ purge=no verify=no nothing="

    run = run_playbook(
        play(
            deploying("Deploy", "{{ release }}", library, **survey),
            deploying("Accept", "{{ release }}", library, **{**survey, "commit": "yes"}),
            looking("Look", verify="{{ verify }}", release="{{ nothing }}"),
            deploying("Remove", None, library, state="absent", purge_shared="{{ purge }}"),
        ),
        inventory([host]),
        args=["-e", text],
    )

    assert run.rc == 0, run.output
    assert run.result("Deploy")["after"]["phase"] == "on trial"
    assert run.result("Accept")["after"]["phase"] == "live"
    assert "ok" not in run.result("Look")
    left = {path.name for path in (host.seen / "shop/shared").iterdir()}
    assert left == {"log", "tmp"}


ODD_NAMES = {
    "plain": "1",
    "with space/and more": "2",
    "Grüße/日本語.txt": "3",
    'quote\'d "twice"': "4",
    "$HOME; echo `id`": "5",
    "-rf": "6",
    "percent%20 {{ srv }}": "7",
    "back\\slash": "8",
    "*": "9",
    ".hidden/.deeper": "10",
    "n" * 255: "11",
    "e/" * 100 + "deep": "12",
}


def test_any_name_is_only_a_name(targets, inventory, run_playbook, tmp_path):
    (host,) = targets(1)
    application = write_application(tmp_path / "größte Anwendung", ODD_NAMES)
    again = write_application(tmp_path / "next one", {**ODD_NAMES, "plain": "x"}, "1.1.0", 2)
    library = tmp_path / "Medien Bibliothek"
    odd = {"root": "{{ srv }}/Läden & Co/shop 'eins'"}

    run = run_playbook(
        play(
            sealing("Seal", application, library),
            sealing("Seal again", again, library),
            deploying("Deploy", "shop:1.0.0", library, {"diff": True}, **odd),
            deploying("Next", "shop:1.1.0", library, {"diff": True}, **odd),
            looking("Look", **odd),
            deploying("Back", "previous", library, **odd),
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    assert run.result("Look")["ok"]
    assert current_tree(host, "Läden & Co/shop 'eins'") == read_tree(application / "src")


def test_every_drift_is_named(targets, inventory, run_playbook, tmp_path):
    (host,) = targets(1)
    names = ("altered", "same size", "missing", "bin/run", "mode", "owner", "typed", "dir/inside")
    application = write_application(tmp_path / "shop", {name: name for name in names})
    (application / "src/link").symlink_to("altered")
    hosts = inventory([host])
    run = run_playbook(
        play(
            sealing("Seal", application, tmp_path / "media"),
            deploying("Deploy", "shop:1.0.0", tmp_path / "media"),
            looking("Look", release="shop:1.0.0", media_library=str(tmp_path / "media")),
        ),
        hosts,
    )
    assert run.result("Look")["ok"], run.output
    assert run.result("Look")["drift"] == []
    tree = host.seen / "shop" / os.readlink(host.seen / "shop/current")
    (tree / "altered").write_text("altered!")
    (tree / "same size").write_text("SAME SIZE")
    (tree / "missing").unlink()
    (tree / "bin/run").chmod(0o644)
    (tree / "mode").chmod(0o666)
    (tree / "typed").unlink()
    (tree / "typed").mkdir()
    (tree / "link").unlink()
    (tree / "link").symlink_to("missing")
    (tree / "extra").write_text("")
    (tree / "folder/deep").mkdir(parents=True)
    (tree / "dir/__pycache__").mkdir()
    expected = {
        ("altered", "modified"),
        ("same size", "modified"),
        ("missing", "missing"),
        ("bin/run", "exec"),
        ("mode", "mode"),
        ("typed", "type"),
        ("link", "modified"),
        ("extra", "extra"),
        ("folder/", "extra"),
    }
    others = set(os.getgroups()) - {os.getegid()}
    if os.geteuid() == 0 or others:  # whoever is in one group only cannot give a file away
        os.chown(tree / "owner", -1, 1 if os.geteuid() == 0 else others.pop())
        expected.add(("owner", "owner"))

    run = run_playbook(
        play(looking("Look"), looking("Other", release="sha256:" + "0" * 64, verify=False)), hosts
    )

    result = run.result("Look")
    assert not result["ok"]
    assert not result["changed"]
    assert {(item["path"], item["change"]) for item in result["drift"]} == expected
    assert {item["tree"] for item in result["drift"]} == {tree.name}
    assert result["runtime"] == ["dir/__pycache__"]
    assert not run.result("Other")["ok"]
    assert [item["change"] for item in run.result("Other")["drift"]] == ["release"]


def test_a_forged_manifest_hides_nothing(local_hosts, inventory, run_playbook, library):
    (host,) = local_hosts(1)
    hosts = inventory([host])
    run_playbook(play(deploying("One", "shop:1.0.0", library)), hosts)
    (manifest,) = (host.seen / "shop/.release/manifests").iterdir()
    true, false = (hashlib.sha256(text).hexdigest().encode() for text in (b"one", b"two"))
    (host.seen / "shop/current/greeting").write_text("two")
    manifest.write_bytes(manifest.read_bytes().replace(true, false))

    result = run_playbook(play(looking("Look")), hosts).result("Look")

    assert not result["ok"]
    assert [(item["path"], item["change"]) for item in result["drift"]] == [
        (f".release/manifests/{manifest.name}", "missing")
    ]


def test_a_damaged_release_is_never_gone_back_to(
    local_hosts, inventory, run_playbook, shop, library
):
    (host,) = local_hosts(1)
    hosts = inventory([host])
    run_playbook(
        play(
            deploying("One", "shop:1.0.0", library),
            deploying("Two", "shop:1.1.0", library),
        ),
        hosts,
    )
    (damaged,) = (host.seen / "shop/releases").glob("1.0.0-*")
    (damaged / "greeting").write_text("evil")

    without = deploying("Without", "previous", library, IGNORED)
    del without["itops.release.release_deployment"]["media_library"]
    checked = {"check_mode": True, "diff": True}
    run = run_playbook(
        play(
            without,
            looking("Look"),
            deploying("Predict", "previous", library, checked),
            deploying("With", "previous", library, {"diff": True}),
            looking("Look again"),
        ),
        hosts,
    )

    assert run.rc == 0, run.output
    message = run.result("Without")["msg"]
    assert is_one_line(message)
    assert "modified greeting" in message
    assert run.result("Look")["deployment"]["live"]["version"] == "1.1.0"
    assert said(run.result("Predict")) == said(run.result("With"))
    assert run.result("With")["sent_bytes"] > 0
    assert run.result("Look again")["ok"]
    assert current_tree(host) == read_tree(shop / "1.0.0/src")


def test_modes_do_not_depend_on_the_umask(
    local_hosts, inventory, run_playbook, shop, library, tmp_path
):
    (host,) = local_hosts(1)
    strict = tmp_path / "python"
    python = host.variables["ansible_python_interpreter"]
    strict.write_text(f'#!/bin/sh\numask 077\nexec {python} "$@"\n')
    strict.chmod(0o755)
    host = replace(host, variables={**host.variables, "ansible_python_interpreter": str(strict)})
    group = {"access": "group", "linked_paths": ["log/"]}

    run = run_playbook(
        play(
            deploying("Deploy", "shop:1.0.0", library, **group),
            looking("Look"),
            deploying("Other access", "shop:1.1.0", library, IGNORED, access="public"),
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    assert run.result("Look")["ok"]
    tree = (host.seen / "shop/current").resolve()
    modes = {
        path.relative_to(tree).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in tree.rglob("*")
    }
    assert modes["bin"] == modes["bin/tool"] == 0o750
    assert modes["greeting"] == 0o640
    assert stat.S_IMODE((host.seen / "shop/shared/log").stat().st_mode) == 0o750
    assert "remove the deployment first" in run.result("Other access")["msg"]
