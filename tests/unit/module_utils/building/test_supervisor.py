# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds on a build host: their order, what steps see, how they fail, and how they end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ansible_collections.itops.release.plugins.module_utils.building import _jobs, _place, _steps
from ansible_collections.itops.release.tests.fakes.build_host import BuildHost, component, shell

NOBODY = 65534
SOURCES = {"directory": "plain"}
# Each waits for what the other one makes: neither would end alone.
MEET = (
    "touch $RELEASE_WORKSPACE/{me}; until test -e $RELEASE_WORKSPACE/{other}; do sleep 0.02; done"
)
TWO_CORES = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")


@pytest.fixture
def host(tmp_path):
    host = BuildHost(tmp_path)
    (host.src / "plain").mkdir()
    (host.src / "plain/a").write_text("1\n")
    return host


def napping(host, word="nap", **options):
    """Start a build of a step that sleeps; return it, and the number of what sleeps."""
    going = host.begin(
        component("web", SOURCES, shell(f"echo $$ >../{word}; exec sleep 300")), **options
    )
    deadline = time.monotonic() + 30
    while not (host.workspace / word).exists() or not host.text(word).strip():
        assert time.monotonic() < deadline, going.events()
        time.sleep(0.02)
    return going, int(host.text(word))


def is_gone(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state in "XZ"


def wait_until_gone(pid, seconds=20):
    deadline = time.monotonic() + seconds
    while not is_gone(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@TWO_CORES
def test_components_are_built_side_by_side(host):
    steps = [shell(MEET.format(me="x", other="y")), shell(MEET.format(me="y", other="x"))]

    ended = host.build(
        *(component(name, SOURCES, step) for name, step in zip("ab", steps, strict=True))
    )

    assert ended.get("changed"), ended


def test_a_component_is_built_after_those_that_it_requires(host):
    ended = host.build(
        component("app", SOURCES, ["cp", "../base/made", "../lib/made"], requires=["lib", "core"]),
        component("base", SOURCES, shell("sleep 0.2; echo 1 >made"), provides={"core": "1"}),
        component("lib", SOURCES, ["cp", "../base/made", "made"], requires=["core >=1"]),
    )

    assert ended.get("changed"), ended
    assert [part["name"] for part in host.record()["components"]] == ["app", "base", "lib"]


def test_steps_see_what_is_declared_and_nothing_of_the_builder(host):
    host.variables.update(TOKEN="s3cr3t", OTHER="o", LC_ALL="de_DE.UTF-8")
    steps = [shell("env >seen; umask >mask", environment={"B": "2"})]

    host.build(component("web", SOURCES, *steps, environment={"A": "1"}, **{"pass": ["TOKEN"]}))

    seen = dict(line.split("=", 1) for line in host.text("web/seen").splitlines())
    seen.pop("PWD")  # the shell's own
    base = host.workspace / ".build"
    assert seen == {
        "A": "1",
        "B": "2",
        "HOME": str(base / "home/web"),
        "TMPDIR": str(base / "tmp/web"),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "PATH": os.environ["PATH"],
        "SOURCE_DATE_EPOCH": "315532800",
        "RELEASE_WORKSPACE": str(host.workspace),
        "RELEASE_VERSION": "1",
        "TOKEN": "s3cr3t",
    }
    assert host.text("web/mask") == "0022\n"
    assert "s3cr3t" not in (host.workspace / "build.json").read_text()


def test_what_is_passed_is_masked_in_all_that_is_told(host):
    host.variables["TOKEN"] = "s3cr3t"
    steps = [["true", "s3cr3t"], shell("echo s3cr3t; echo $TOKEN; exit 1")]

    ended = host.build(component("web", SOURCES, *steps, **{"pass": ["TOKEN"]}))

    assert ended["stderr_lines"] == ["********", "********"]
    files = [path for path in (host.workspace / ".build").rglob("*") if path.is_file()]
    assert "s3cr3t" not in str(ended) + str(host.said) + "".join(map(Path.read_text, files))
    good = host.build(component("web", SOURCES, steps[0], **{"pass": ["TOKEN"]}))
    assert host.record()["components"][0]["steps"][0]["argv"] == ["true", "********"], good


def test_a_variable_to_pass_that_is_not_there_is_refused_by_name(host):
    with pytest.raises(_place.BuildError, match=r"build host: NO \(for web\)$"):
        host.start(component("web", SOURCES, ["true"], **{"pass": ["NO"]}))


def test_scripts_that_are_not_there_are_told_before_anything_is_built(host):
    scripts = {"migrations": ["plain/*", "no/*.sql"]}

    with pytest.raises(_place.BuildError, match=r"migrations: 'no/\*\.sql' names no"):
        host.start(component("web", SOURCES, ["true"]), scripts=scripts)

    assert not host.workspace.exists()


FAILING = {
    "a status": (shell("seq 100; echo last; exit 7"), "ended with 7;"),
    "a signal": (shell("kill -9 $$"), "was ended by signal 9;"),
    "a timeout": ({"run": ["sleep", "60"], "timeout": 1}, "more than its timeout of 1 s;"),
    "no program": (["no-such"], "not be started: no-such is not on PATH of the build host (/"),
    "a file that is not there": (["./no-such"], "not be started: ./no-such is not there;"),
    "a program of the shell's": (shell("no-such"), "ended with 127;"),
    "a folder above": ({"run": ["true"], "directory": ".."}, "leads out of the sources"),
    "a folder by a link": ({"run": ["true"], "directory": "out"}, "leads out of the sources"),
    "no folder": ({"run": ["true"], "directory": "no"}, "is not in the sources"),
}


@pytest.mark.parametrize("how", FAILING)
def test_a_failing_step_is_told_with_its_component_and_number(host, how):
    step, words = FAILING[how]

    ended = host.build(component("web", SOURCES, ["ln", "-s", "/", "out"], step))

    assert ended["failed"]
    assert ended["msg"].startswith("web: step 2 of 2 (")
    assert words in ended["msg"]
    assert host.record() is None
    if how == "a status":
        assert ended["stderr_lines"] == [*map(str, range(82, 101)), "last"]
        assert "\n1\n2\n3\n" in host.text(".build/log/web.log")


def test_what_steps_say_deceives_nobody_at_a_terminal(host):
    said = "a\u202eb\x1b[2Jc"

    ended = host.build(component("web", SOURCES, shell(f"printf '%s\\n' '{said}'; exit 1")))

    assert ended["stderr_lines"] == ["a\ufffdb\ufffd[2Jc"]
    assert said in host.text(".build/log/web.log")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"artifacts": ["a", "dist/*.whl"]}, "its steps left no file 'dist/*.whl'"),
        ({"source": "dist"}, "its source 'dist' is not a directory after the build"),
        ({"source": "out"}, "its source 'out' leads out of what was built"),
        ({"source": "odd"}, "points to the absolute path '/etc/passwd'"),
        ({"source": "names"}, "is not UTF-8"),
        ({"kind": "archive", "source": "a"}, "a: it is no archive"),
    ],
)
def test_what_steps_must_leave_has_to_be_there(host, keys, words):
    odd = "ln -s /etc out; mkdir odd names; ln -s /etc/passwd odd/l"
    steps = [shell(odd), shell("touch names/$(printf '\\377')")]

    ended = host.build(component("web", SOURCES, *steps, **keys))

    assert ended["failed"]
    assert ended["msg"].startswith("web: ")
    assert words in ended["msg"]
    assert host.record() is None


def test_artifacts_are_recorded_by_their_paths(host):
    steps = [shell("mkdir -p d/e .git; touch d/one d/e/two b .git/one")]

    host.build(component("web", SOURCES, *steps, artifacts=["**/one", "d/**", "a"]))

    assert host.record()["components"][0]["artifacts"] == ["a", "d/e/two", "d/one"]


def test_the_same_is_not_built_again_unless_it_was_touched(host):
    web = component("web", SOURCES, shell("cp a b; date +%s%N >../when"))
    host.build(web)

    assert not host.build(web)["changed"]
    assert host.build(web, rebuild="always")["changed"]
    assert not host.build(web)["changed"]
    for touch in (
        lambda: (host.workspace / "web/b").write_text("2\n"),
        lambda: (host.workspace / "web/b").chmod(0o755),
        lambda: (host.workspace / "web/new").write_text(""),
        (host.workspace / "web/b").unlink,
        lambda: (host.src / "plain/a").write_text("2\n"),
        lambda: host.variables.update(PATH=os.environ["PATH"] + ":/other"),
        lambda: (host.workspace / "build.json").write_text("{}"),
    ):
        touch()
        assert host.build(web)["changed"]
        assert not host.build(web)["changed"]
    assert host.build(web, version="2")["changed"]


def test_what_was_built_counts_for_a_definition_that_changed_in_other_things(host):
    web = component("web", SOURCES, shell("date +%s%N >when"))
    host.build(web)
    when = host.text("web/when")
    host.definition = "1" * 64

    assert host.build(web, check=True)["changed"]
    assert host.record()["definition"]["sha256"] == "0" * 64
    assert host.build(web)["changed"]
    assert host.record()["definition"]["sha256"] == "1" * 64
    assert not host.build(web)["changed"]
    assert host.text("web/when") == when


def test_a_build_that_fails_leaves_no_record_and_nothing_of_other_components(host):
    host.build(component("web", SOURCES), component("gone", SOURCES))
    assert host.record()

    assert host.build(component("web", SOURCES, ["false"]))["failed"]
    assert host.record() is None
    assert not (host.workspace / "gone").exists()

    assert host.build(component("web", SOURCES))["changed"]
    assert host.record()


def test_sources_that_cannot_be_had_leave_no_record_but_what_was_built(host):
    web = component("web", SOURCES)
    host.build(web)
    (host.src / "plain").rename(host.src / "other")

    assert host.build(web)["failed"]
    assert host.record() is None

    (host.src / "other").rename(host.src / "plain")
    assert not host.build(web)["changed"]
    assert host.record()


def test_check_mode_finds_out_what_would_be_built_and_leaves_nothing(host, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    web = component("web", SOURCES, ["false"])

    going = host.begin(web, check=True)
    ended = going.wait()

    assert ended["changed"]
    assert ended["components"][0]["origin"]["kind"] == "directory"
    assert not host.workspace.exists()
    wait_until_gone(going.pid)
    assert list(scratch.iterdir()) == []


def test_verifying_builds_twice_and_names_what_differs(host):
    same = component("same", SOURCES, shell("cp a b"))
    web = component(
        "web", SOURCES, shell("mkdir d; pwd >d/e; cp a d/f; test -e d/g || ln -s $(date +%N) d/g")
    )

    ended = host.build(same, web, rebuild="verify")
    assert ended["failed"]
    assert "two builds of the same sources differ: web in 'd/e', 'd/g'; compare " in ended["msg"]
    assert host.record() is None

    ended = host.build(same, web, rebuild="verify", require_reproducible=False)
    assert [part["reproducible"] for part in ended["components"]] == [True, False]
    assert [part["differing"] for part in ended["components"]] == [[], ["d/e", "d/g"]]
    assert ended["warnings"] == ["two builds of the same sources differ: web in 'd/e', 'd/g'"]
    assert [part["reproducible"] for part in host.record()["components"]] == [True, False]
    assert not (host.workspace / ".build/again").exists()


def test_a_workspace_takes_one_build_at_a_time(host):
    going, _pid = napping(host)

    with pytest.raises(_place.BuildError, match=r"workspace .* is in use: a-run builds there"):
        host.start(component("web", SOURCES))

    going.polled.unlink()
    assert going.wait(touch=False)["failed"]
    wait_until_gone(going.pid)
    assert host.build(component("web", SOURCES))["changed"]


@pytest.mark.parametrize("how", ["forgotten", "not polled", "told", "killed"])
def test_a_build_ends_with_all_that_it_started(host, how):
    going, pid = napping(host, patience=1 if how == "not polled" else 60)

    if how == "forgotten":
        going.polled.unlink()
    elif how != "not polled":
        os.kill(going.pid, signal.SIGTERM if how == "told" else signal.SIGKILL)

    wait_until_gone(pid)
    wait_until_gone(going.pid)
    assert host.record() is None
    if how != "killed":
        assert "nobody waited for it" in going.wait(touch=False)["msg"]


def test_a_build_that_was_never_polled_ends_sooner(host, monkeypatch):
    monkeypatch.setattr(_place, "FIRST_SECONDS", 0.3)
    going, pid = napping(host)

    wait_until_gone(pid)
    assert "nobody waited for it" in going.wait(touch=False)["msg"]


def test_a_build_goes_on_while_it_is_polled(host):
    ended = host.build(component("web", SOURCES, ["sleep", "2"]), patience=0.8)

    assert ended.get("changed"), ended


def test_when_one_component_fails_the_others_are_ended(host):
    began = time.monotonic()

    ended = host.build(
        component("a", SOURCES, ["sleep", "100"]),
        component("b", SOURCES, shell("sleep 0.2; false")),
    )

    assert ended["msg"].startswith("b: step 1")
    assert time.monotonic() - began < 30


def test_jobs_are_gone_before_it_is_told_that_one_failed():
    def fail():
        time.sleep(0.1)
        raise ValueError

    child = os.fork()
    if not child:
        left = ["nothing was refused"]
        try:
            _steps.prepare()
            nap = _jobs.Job("nap", lambda: subprocess.run(["sleep", "60"], check=False))
            with contextlib.suppress(_place.BuildError):
                _jobs.run([nap, _jobs.Job("fail", fail)], 2, lambda: True)
                raise AssertionError
            left = _steps._children()
        finally:
            os._exit(len(left))

    assert os.waitpid(child, 0)[1] == 0


def test_a_workspace_may_have_any_name(host, tmp_path):
    host.workspace = tmp_path / "a b'ü" / "-w"

    assert host.build(component("web", SOURCES, ["cp", "a", "b"]))["changed"]
    assert host.text("web/b") == "1\n"


@pytest.mark.parametrize("workspace", ["relative/path", "{src}"])
def test_a_workspace_that_is_none_is_refused(host, workspace):
    with pytest.raises(_place.BuildError, match=r"absolute path|holds other things"):
        host.start(component("plain", SOURCES), workspace=workspace.format(src=host.src))
    assert (host.src / "plain/a").exists()


def test_a_workspace_below_the_sources_is_refused(host):
    ended = host.build(component("web", {"directory": "."}), workspace=host.src / "work")

    assert "give a workspace elsewhere" in ended["msg"]


@pytest.mark.root("becomes another user")
def test_folders_that_deny_writing_are_removed_before_the_next_build(tmp_path):
    (tmp_path / "work/web/d/e").mkdir(parents=True)
    (tmp_path / "work/web/d/e/f").write_text("")
    tmp_path.chmod(0o711)
    for path in (tmp_path / "work", *(tmp_path / "work").rglob("*")):
        os.chown(path, NOBODY, NOBODY)
        if path.name in "de":
            path.chmod(0o555)

    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            _place.clear(str(tmp_path / "work/web"))
        finally:
            os._exit(0)
    os.waitpid(child, 0)

    assert list((tmp_path / "work").iterdir()) == []


def test_tools_are_recorded_with_version_and_digest(host):
    steps = [["git", "--version"], ["no-such"], ["./own"]]

    host.build(component("web", SOURCES, steps[0], shell("true")))

    tools = {tool["name"]: tool for tool in host.record()["tools"]}
    assert set(tools) == {"git", "sh"}
    assert tools["git"]["version"].startswith("git version ")
    assert len(tools["git"]["sha256"]) == 64
    assert tools["sh"]["version"] == ""


def test_the_record_says_who_built_what_and_when(host):
    host.build(component("web", SOURCES, ["cp", "a", "b"], source="."))

    record = host.record()
    assert record["run"] == "a-run"
    assert record["release"] == {"name": "shop", "version": "1", "serial": 1}
    assert record["started"] <= record["ended"]
    assert set(record["builder"]) == {
        *("host", "user", "system", "architecture", "python", "versions")
    }
    (web,) = record["components"]
    assert web["folder"] == "."
    assert [step["status"] for step in web["steps"]] == [0]
    assert host.said[:2] == ["web: laying out its sources", "web: step 1 of 1 (cp a b) …"]


@pytest.mark.parametrize(
    ("source", "directories", "folder"),
    [
        ("dist", ["."], "."),
        ("web/dist", ["web", "web/src"], "web"),
        ("web", [], "web"),
        (".", [], "."),
        ("a/../b", [], "b"),
    ],
)
def test_a_component_depends_on_the_folder_of_its_source_and_steps(source, directories, folder):
    from ansible_collections.itops.release.plugins.module_utils.building import _component

    steps = [{"directory": each} for each in directories]

    assert _component._folder({"source": source, "steps": steps}) == folder
