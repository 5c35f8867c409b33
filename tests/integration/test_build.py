# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds: what is declared is built, exactly, and nothing is left of what was not wanted."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ansible_collections.itops.release.tests.integration import building as b
from ansible_collections.itops.release.tests.integration.ansible_run import until
from ansible_collections.itops.release.tests.integration.applications import (
    is_one_line,
    play,
    report_line,
    snapshot,
)
from ansible_collections.itops.release.tests.integration.conftest import unless_required

pytestmark = pytest.mark.slow

KEEP_GOING = {"ignore_errors": True}
PATIENCE_S = 2
SIX_SHA256 = "4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274"
GIT = {"git": "../repository", "revision": "main"}
# Each waits for what the other one makes: neither would end alone.
MEET = "touch $RELEASE_WORKSPACE/{me}; until test -e $RELEASE_WORKSPACE/{other}; do sleep 0.1; done"


@pytest.fixture
def here(local_hosts, inventory):
    """Return the inventory of this machine as a build host."""
    return inventory(local_hosts(1))


@pytest.fixture
def src(tmp_path):
    """Return a folder beside a repository with a file ``a``."""
    b.commit(tmp_path / "repository", a="1\n")
    return tmp_path / "src"


def alive(word):
    """Return the numbers of the processes that have *word* in their arguments."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if word.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


def test_what_is_declared_is_built_once_and_recorded(src, tmp_path, run_playbook, here):
    first = b.git(tmp_path / "repository", "rev-parse", "HEAD")
    (src / "plain").mkdir(parents=True)
    (src / "plain/text").write_text("t")
    meet = [MEET.format(me="one", other="two"), MEET.format(me="two", other="one")]
    b.declare(
        src,
        b.component("one", GIT, {"shell": meet[0]}, {"shell": "mkdir d; env >d/env"}, source="d"),
        b.component("two", GIT, {"shell": meet[1]}, ["cp", "a", "b"], artifacts=["b"]),
        b.component("three", {"directory": "plain"}, requires=["two"]),
        b.component("four", GIT, ["cat", "../two/b"], requires=["two >=1"], provides={"x": "1"}),
    )
    workspace = tmp_path / "workspace"
    tasks = [b.building("Build", src, workspace), b.building("Build again", src, workspace)]
    foresee = [b.building("Foresee", src, workspace)]
    elsewhere = [b.building("Foresee the first", src, tmp_path / "other")]

    run = run_playbook(play(*tasks), here)
    assert run.rc == 0, run.output
    assert [run.result(title)["changed"] for title in ("Build", "Build again")] == [True, False]
    assert "] two: step 2 of 2 (cp a b) …\n" in run.stdout
    made = b.record(workspace)
    assert [part["name"] for part in made["components"]] == ["four", "one", "three", "two"]
    assert {part["name"]: part["origin"].get("commit") for part in made["components"]} == {
        "one": first,
        "two": first,
        "three": None,
        "four": first,
    }
    assert [part["artifacts"] for part in made["components"]] == [[], [], [], ["b"]]
    seen = dict(line.split("=", 1) for line in (workspace / "one/d/env").read_text().split())
    seen.pop("PWD")  # the shell's own
    assert set(seen) == {
        *("HOME", "LANG", "LC_ALL", "PATH", "RELEASE_VERSION", "RELEASE_WORKSPACE"),
        *("SOURCE_DATE_EPOCH", "TMPDIR", "TZ"),
    }
    assert seen["HOME"].startswith(str(workspace))
    assert {"git", "cp", "cat"} < {tool["name"] for tool in made["tools"]}

    before = snapshot(workspace)
    b.commit(tmp_path / "repository", a="2\n")
    second = b.git(tmp_path / "repository", "rev-parse", "HEAD")
    run = run_playbook(play(*foresee, *elsewhere), here, check=True)
    assert run.rc == 0, run.output
    for title in ("Foresee", "Foresee the first"):
        assert run.result(title)["changed"]
        assert run.result(title)["components"][-1]["origin"]["commit"] == second
    assert snapshot(workspace) == before
    assert not (tmp_path / "other").exists()


def test_a_build_that_cannot_be_is_told_in_a_line(src, tmp_path, run_playbook, here):
    b.declare(src, b.component("web", GIT, ["true"], {"shell": "seq 100; echo last; exit 7"}))
    asking = b.declare(src / "asking", b.component("web", GIT, ["true"], **{"pass": ["NO_TOKEN"]}))
    alone = b.declare(src / "alone", {"name": "web", "kind": "files"})
    work = tmp_path / "work"
    tasks = [
        b.building("Fail", src, work / "1", KEEP_GOING),
        b.building("Lack a variable", asking, work / "2", KEEP_GOING),
        b.building("Have nothing", alone, work / "3", KEEP_GOING),
        b.building("Lack a definition", src / "nowhere", work / "4", KEEP_GOING),
    ]

    run = run_playbook(play(*tasks), here)

    told = {outcome.task: outcome.result for outcome in run.outcomes}
    assert all(is_one_line(result["msg"]) for result in told.values())
    assert "web: step 2 of 2 (seq 100; echo last; exit 7) ended with 7;" in told["Fail"]["msg"]
    assert told["Fail"]["stderr_lines"] == [*map(str, range(82, 101)), "last"]
    assert '"last"' in run.output
    assert "not set on the build host: NO_TOKEN (for web)" in told["Lack a variable"]["msg"]
    assert "there is nothing to build" in told["Have nothing"]["msg"]
    assert "src is the folder" in told["Lack a definition"]["msg"]
    assert [b.record(work / name) for name in "1234"] == [None] * 4


def test_passed_variables_are_shown_nowhere(src, tmp_path, controller, local_hosts, inventory):
    secret, other = "canary-5ecr3t-9b1f", "canary-0ther-77aa"
    leaking = 'echo "my $TOKEN"; printenv OTHER >&2; test -n "$TOKEN"'
    b.declare(
        src,
        b.component("web", GIT, {"shell": leaking}, **{"pass": ["TOKEN", "OTHER"]}),
    )
    failing = b.declare(
        tmp_path / "failing",
        b.component("web", GIT, {"shell": f"{leaking}; exit 3"}, **{"pass": ["TOKEN", "OTHER"]}),
    )
    blind = b.declare(
        tmp_path / "blind", b.component("web", GIT, {"shell": 'test -z "${TOKEN:-}${OTHER:-}"'})
    )
    given = {"environment": {"TOKEN": "{{ token }}", "NUMBER": 7}}
    again = {"retries": 1, "delay": 0, "register": "tried", "until": "tried is succeeded"}
    tasks = [
        b.building("Build", src, tmp_path / "w1", given),
        b.building("Fail", failing, tmp_path / "w2", {**given, **KEEP_GOING, **again}),
        b.building("Pass nothing", blind, tmp_path / "w3", given),
    ]
    hosts = inventory(local_hosts(1), token=secret)
    log = tmp_path / "ansible.log"
    env = {"OTHER": other, "ANSIBLE_LOG_PATH": str(log), "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "1"}

    running = controller.start(play(*tasks), hosts, env=env, args=["-vvv"])
    arguments = set()
    while running.process.poll() is None:
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                arguments.add((entry / "cmdline").read_bytes())
        time.sleep(0.02)
    run = running.wait()

    assert run.rc == 0, run.output
    assert run.result("Fail")["stderr_lines"] == ["my ********", "********"]
    texts = [run.output, log.read_text(), *map(repr, run.outcomes), *map(repr, arguments)]
    for folder in ("w1", "w2", "w3"):
        files = [path for path in (tmp_path / folder).rglob("*") if path.is_file()]
        texts += [path.read_bytes().decode("utf-8", "replace") for path in files]
    assert "my ********" in (tmp_path / "w1/.build/log/web.log").read_text()
    for value in (secret, other):
        assert [text[:300] for text in texts if value in text] == []


def begun(controller, src, workspace, hosts, word, seen=None, **variables):
    """Start a build whose step has *word* among its arguments; return it once that is polled.

    *src* and *workspace* are where they are on the build host, *seen* is that as it is seen here.
    """
    running = controller.start(
        play(b.building("Build", src, workspace)), hosts, extra_vars=variables
    )
    until(lambda: alive(word), "the step")

    def is_polled():
        folders = (seen or workspace).glob(".build/told-*")
        return any(
            (folder / "polled").stat().st_mtime_ns > folder.stat().st_mtime_ns for folder in folders
        )

    until(is_polled, "the controller")
    return running


def napping(src, word, origin):
    """Declare a step that sleeps with *word* among its arguments."""
    return b.declare(src, b.component("web", origin, ["sh", "-c", f"sleep 300; : {word}"]))


@pytest.mark.parametrize(
    "how",
    [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.every_point), signal.SIGKILL],
)
def test_a_build_ends_with_its_controller(src, tmp_path, controller, here, how):
    word, workspace = f"word-{os.urandom(6).hex()}", tmp_path / "workspace"
    running = begun(controller, napping(src, word, GIT), workspace, here, word)

    os.kill(running.process.pid, how)

    until(lambda: not alive(word), "the end of the step", patience_s=20)
    run = running.wait(30)
    assert b.record(workspace) is None
    if how != signal.SIGKILL:
        assert report_line(run, "local1").endswith("interrupted  stopped in: Build")


@pytest.mark.every_point
def test_a_build_that_nobody_polls_ends_and_meanwhile_nobody_else_builds_there(
    src, tmp_path, controller, here
):
    word, workspace = f"word-{os.urandom(6).hex()}", tmp_path / "workspace"
    patience = {"itops_release_build_patience": PATIENCE_S}
    running = begun(controller, napping(src, word, GIT), workspace, here, word, **patience)

    second = controller.run(play(b.building("Build", src, workspace)), here)

    assert f"workspace {workspace} is in use: " in second.result("Build")["msg"]
    assert f".{running.process.pid}." in second.result("Build")["msg"]
    assert alive(word)  # it is polled
    for pid in [running.process.pid, *running.children()]:
        if b"ansible-playbook" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)  # the worker has no time to say a word
    until(lambda: not alive(word), "the end of the step", patience_s=PATIENCE_S + 20)
    running.process.wait(30)
    assert b.record(workspace) is None


def test_wheels_and_debs_come_from_where_the_build_host_gets_them(
    src, tmp_path, run_playbook, here
):
    asked = subprocess.run(
        ["apt-cache", "madison", "tzdata"], stdout=subprocess.PIPE, text=True, check=False
    )
    versions = [line.split("|")[1].strip() for line in asked.stdout.splitlines()]
    if not versions:
        unless_required("apt knows no package here: apt-get update")
    b.declare(
        src,
        b.component("wheel", {"wheel": "six==1.17.0", "sha256": SIX_SHA256}),
        b.component(
            "deb", {"deb": f"tzdata={versions[0]}"}, source="usr/share/doc"
        ),  # links to /etc elsewhere
    )

    run = run_playbook(play(b.building("Build", src, tmp_path / "work", KEEP_GOING)), here)

    result = run.result("Build")
    if "cannot be had: " in result.get("msg", ""):
        unless_required(result["msg"])
    assert result["changed"], run.output
    assert (tmp_path / "work/wheel/six.py").exists()
    assert (tmp_path / "work/deb/usr/share/zoneinfo/Europe/Vienna").exists()
    assert {"apt-get", "dpkg-deb"} <= {
        tool["name"] for tool in b.record(tmp_path / "work")["tools"]
    }


@pytest.mark.hosts
@pytest.mark.parametrize(
    "how", [pytest.param(signal.SIGINT, marks=pytest.mark.every_point), signal.SIGKILL]
)
def test_a_build_on_another_host_ends_with_its_controller(controller, ssh_hosts, inventory, how):
    (host,) = ssh_hosts(1)
    word = f"word-{os.urandom(6).hex()}"
    napping(host.seen / "src", word, {"directory": "plain"})
    (host.seen / "src/plain").mkdir()
    places = [f"{host.srv}/{name}" for name in ("src", "w")]
    running = begun(controller, *places, inventory([host]), word, seen=host.seen / "w")

    os.kill(running.process.pid, how)

    until(lambda: not alive(word), "the end of the step", patience_s=20)
    running.process.wait(30)


@pytest.mark.hosts
def test_a_build_host_is_reached_by_ssh_as_another_user(
    src, tmp_path, run_playbook, ssh_hosts, inventory
):
    (host,) = ssh_hosts(1, user="deploy", become=True)
    shared = host.seen / "src"
    b.declare(shared, b.component("web", {"directory": "."}, ["id", "-un"], ["cp", "a", "b"]))
    (shared / "a").write_text("1")
    os.chmod(shared, 0o755)
    (host.seen / "builds").mkdir()
    os.chmod(host.seen / "builds", 0o777)
    workspace = f"{host.srv}/builds/shop"
    tasks = [
        b.building("Build", f"{host.srv}/src", workspace, {"become_user": "app"}),
        b.building("Build again", f"{host.srv}/src", workspace, {"become_user": "app"}),
    ]

    run = run_playbook(play(*tasks), inventory([host]))

    assert run.rc == 0, run.output
    assert [run.result(title)["changed"] for title in ("Build", "Build again")] == [True, False]
    seen = host.seen / "builds/shop"
    assert "\napp\n" in (seen / ".build/log/web.log").read_text()
    assert b.record(seen)["builder"]["user"] == "app"
    assert (seen / "web/b").read_text() == "1"


def test_the_playbook_builds_seals_signs_and_describes(
    src, tmp_path, run_playbook, local_hosts, inventory
):
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    b.declare(src, b.component("web", GIT, ["cp", "a", "b"]), version="1.0.0")
    hook = tmp_path / "hook.yml"
    hook.write_text("- ansible.builtin.command: test -e {{ build_workspace }}/web/b\n")
    hosts = inventory(
        local_hosts(1),
        build_src=str(src),
        build_workspace=str(tmp_path / "work"),
        build_media_library=str(tmp_path / "media"),
        build_notes=str(tmp_path / "notes"),
        build_sign={"role": "build", "private_key": str(key)},
        build_hooks={"before_seal": str(hook)},
    )
    check = run_playbook(
        "itops.release.build", hosts, check=True, diff=True, extra_vars={"build_hooks": {}}
    )
    assert check.rc == 0, check.output
    assert check.find(action="itops.release.release_package") == []
    commit = b.git(tmp_path / "repository", "rev-parse", "HEAD")
    foreseen = ["would", "be", "built", "shop", "1.0.0", "web", "at", commit[:12], "(main)"]
    assert report_line(check, "local1").split()[1:] == foreseen
    assert f"+web 1.0.0 from git ../repository revision main commit {commit}\n" in check.stdout
    assert not (tmp_path / "media").exists()

    nowhere = run_playbook("itops.release.build", hosts)
    assert nowhere.rc != 0
    assert "notes is not a folder on the controller; make it" in nowhere.output
    assert not (tmp_path / "work").exists()

    (tmp_path / "notes").mkdir()
    first = run_playbook("itops.release.build", hosts)
    assert first.rc == 0, first.output
    assert (tmp_path / "notes/shop-1.0.0.md").exists()
    assert (tmp_path / "notes/shop-1.0.0.json").exists()
    sealed = first.result(action="itops.release.release_package")
    assert sealed["changed"]
    assert sealed["signature"]["role"] == "build"
    assert len(sealed["evidence"]) == 2
    told = " ".join(first.stdout.partition("\nRELEASES *")[2].split())
    short = sealed["release"]["digest"][:12]
    assert " built shop 1.0.0 web " in told
    assert f" sealed shop 1.0.0 sha256:{short} signed as build, with sbom, provenance and " in told
    assert " provenance and note " in told

    again = run_playbook("itops.release.build", hosts)
    assert again.rc == 0, again.output
    for action in ("release_build", "release_package", "release_notes"):
        assert not again.result(action=f"itops.release.{action}")["changed"]
    assert "\n1 unchanged.\n" in again.stdout

    steps = (["cp", "a", "b"], ["sh", "-c", "echo x > a"])
    b.declare(src, b.component("web", GIT, *steps), version="1.0.1", serial=2)
    plain = run_playbook(
        "itops.release.build", hosts, extra_vars={"build_sign": {}, "build_notes": ""}
    )
    assert plain.rc == 0, plain.output
    told = plain.result(action="itops.release.release_notes")
    assert told["findings"]
    assert f"[WARNING]: shop:1.0.1: {told['findings'][0][:30]}" in plain.output
    assert not (tmp_path / "notes/shop-1.0.1.md").exists()
