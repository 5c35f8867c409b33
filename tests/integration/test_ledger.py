# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of real playbooks in the ledger: what is recorded, found and reported."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import Actor
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger
from ansible_collections.itops.release.tests.integration.ansible_run import Controller, until
from ansible_collections.itops.release.tests.integration.applications import (
    Operator,
    failures,
    is_one_line,
    live_version,
    play,
    seal_all,
    write_application,
)
from ansible_collections.itops.release.tests.integration.building import (
    commit,
    component,
    declare,
)
from ansible_collections.itops.release.tests.integration.moments import history_of

pytestmark = pytest.mark.slow
OPERATOR = Actor("operator", "claimed")


@pytest.fixture(scope="module")
def library(tmp_path_factory, _sockets):
    """Return a media library with shop 1.0.0 to 6.0.0, and api 1.0.0."""
    directory = tmp_path_factory.mktemp("sealed")
    made = [
        write_application(directory / f"{n}", {"version": f"{n}.0.0"}, f"{n}.0.0", n)
        for n in range(1, 7)
    ]
    made.append(write_application(directory / "api", {"api": "1"}, name="api"))
    seal_all(Controller(directory / "controller", _sockets), directory / "media", made)
    return directory / "media"


class Site:
    """Three hosts in two environments, and somebody who deploys to them with a ledger."""

    def __init__(self, hosts, inventory, run_playbook, library, place):
        self.hosts = hosts
        self.place = place
        names = [host.name for host in hosts]
        self.settings = {
            "deploy_root": "{{ srv }}/shop",
            "deploy_media_library": str(library),
            "deploy_restart": ["true"],
            "deploy_probe": {"command": ["test", "!", "-e", "{{ srv }}/sick"], "retries": 0},
        }
        groups = {"staging": names[:1], "production": names[1:]}
        self.inventory = inventory(hosts, groups, release_ledger=place, **self.settings)
        self.without_ledger = inventory(hosts, groups, **self.settings)
        self.operator = Operator(run_playbook, self.inventory)
        self.stranger = Operator(run_playbook, self.without_ledger)

    @property
    def ledger(self):
        return Ledger(self.place)

    def runs(self):
        """Return (act, version, verdict) of each run, in the order of their ends."""
        rows = self.ledger.rows("runs", "sequence")
        return [(row["act"], row["version"], row["verdict"]) for row in rows]

    def live(self):
        """Return the version that the ledger has for each host."""
        return {row["host"]: row["version"] for row in self.ledger.rows("deployments", "host")}

    def status(self, **variables):
        """Return the status as data."""
        run = self.operator.run("itops.release.status", **variables)
        assert run.rc == 0, run.output
        return run.result("Report the status")["status"]

    def ask(self, question, **variables):
        """Return the run that asks the ledger."""
        return self.operator.run("itops.release.ledger", release_question=question, **variables)

    def heal(self):
        run = self.operator.run("itops.release.ledger_import")
        assert run.rc == 0, run.output
        return run.result("Import what is not on record")


@pytest.fixture
def site(local_hosts, inventory, run_playbook, library, tmp_path):
    return Site(local_hosts(3), inventory, run_playbook, library, str(tmp_path / "ledger.db"))


def verdict_of(run):
    """Return the verdict in the last line of the report."""
    return run.stdout.strip().splitlines()[-1].removeprefix("Verdict: ")


def test_a_life_is_recorded_with_its_verdicts(site):
    _first, second, third = site.hosts
    runs = [site.operator.deploy("1.0.0")]
    (second.seen / "sick").touch()
    runs.append(site.operator.deploy("2.0.0"))
    (second.seen / "sick").unlink()
    runs.append(site.operator.deploy("2.0.0", deploy_commit="no"))
    runs.append(site.operator.deploy("2.0.0"))
    runs.append(site.operator.rollback())
    runs.append(site.operator.verify())
    (third.seen / "shop/current/version").write_text("changed")
    runs.append(site.operator.verify())
    runs.append(site.operator.deploy("9.9.9"))
    runs.append(site.operator.uninstall())

    assert site.runs() == [
        ("deploy", "1.0.0", "done"),
        ("deploy", "2.0.0", "failed"),
        ("deploy", "2.0.0", "held"),
        ("deploy", "2.0.0", "done"),
        ("rollback", "1.0.0", "done"),
        ("verify", None, "done"),
        ("verify", None, "failed"),
        ("deploy", None, "refused"),
        ("uninstall", None, "done"),
    ]
    assert [run.rc for run in runs] == [0, 2, 0, 0, 0, 0, 2, 2, 0]
    assert [verdict_of(run).partition(":")[0] for run in runs] == [
        verdict for _act, _version, verdict in site.runs()
    ]
    assert f"{second.name}: 2.0.0: probe failed" in verdict_of(runs[1])
    assert site.live() == {}
    assert site.ask("audit").rc == 0


@pytest.mark.every_point
def test_the_verdict_is_an_artifact_also_without_a_ledger(site, tmp_path):
    env = {"ANSIBLE_SHOW_CUSTOM_STATS": "1"}
    good = site.stranger.run("itops.release.deploy", env=env, deploy_release="shop:1.0.0")
    (site.hosts[0].seen / "sick").touch()
    bad = site.stranger.run("itops.release.deploy", env=env, deploy_release="shop:2.0.0")

    assert good.rc == 0, good.output
    assert '"release_verdict": "done"' in good.stdout
    assert '"release_digest": "' in good.stdout
    assert '"release_verdict": "failed"' in bad.stdout


@pytest.mark.every_point
def test_each_host_has_its_environment_and_what_is_live_there(site):
    assert site.operator.deploy("1.0.0").rc == 0
    status = site.status()

    assert [(c["application"], c["environment"], c["hosts"]) for c in status["matrix"]] == [
        ("shop", "production", 2),
        ("shop", "staging", 1),
    ]
    assert (status["unrecorded"], status["open"], status["unknown"]) == ([], [], {})
    assert {row["version"] for row in status["deployments"]} == {"1.0.0"}


@pytest.mark.every_point
def test_hosts_keep_the_head_that_was_known_before_their_commit(site):
    assert site.operator.deploy("1.0.0").rc == 0
    (opened, began, _ended) = site.ledger.events()

    for host in site.hosts:
        heads = [event["ledger"] for event in history_of(host)]
        assert heads == [
            {"ledger": opened.body["ledger"], "sequence": began.sequence, "hash": began.hash}
        ] * len(heads)


@pytest.mark.every_point
def test_a_deployment_by_another_control_machine_is_unrecorded_until_it_is_imported(site):
    first = site.hosts[0]
    assert site.operator.deploy("1.0.0").rc == 0
    assert site.stranger.run("itops.release.deploy", deploy_release="shop:2.0.0").rc == 0

    run = site.ask("unrecorded")
    entries = run.result("Answer the question")["unrecorded"]
    status = site.status()
    imported = site.heal()
    again = site.heal()

    assert {entry["host"] for entry in entries} == {host.name for host in site.hosts}
    assert {entry["event"] for entry in entries} == {"activated", "accepted"}
    assert all(entry["user"].count("@") == 1 and entry["at"].endswith("Z") for entry in entries)
    assert first.name in run.stdout
    assert len(status["unrecorded"]) == len(entries) == len(imported["imported"])
    assert (again["changed"], again["imported"]) == (False, [])
    assert site.live() == {host.name: "2.0.0" for host in site.hosts}
    origins = {row["origin"] for row in site.ledger.rows("changes")}
    assert origins == {"recorded", "found"}


@pytest.mark.every_point
def test_a_switch_that_left_no_line_in_the_history_is_unrecorded_too(site):
    assert site.operator.deploy("1.0.0").rc == 0
    assert site.stranger.run("itops.release.deploy", deploy_release="shop:2.0.0").rc == 0
    host = site.hosts[0]
    path = host.seen / "shop/.release/history.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(True)[:3]))

    (entry,) = [e for e in site.status()["unrecorded"] if e["host"] == host.name]
    site.heal()

    assert (entry["run"], entry["event"]) == ("unknown", "live")
    assert site.status()["unrecorded"] == []


def test_a_restored_ledger_is_told_apart_and_repaired_by_one_command(site, tmp_path):
    assert site.operator.deploy("1.0.0").rc == 0
    copy = tmp_path / "yesterday.db"
    source = sqlite3.connect(site.place)
    target = sqlite3.connect(copy)
    source.backup(target)
    source.close()
    target.close()
    assert site.operator.deploy("2.0.0").rc == 0
    for path in tmp_path.glob("ledger.db*"):
        path.unlink()
    shutil.copy(copy, site.place)

    before = site.ask("audit")
    site.heal()
    after = site.ask("audit")

    findings = before.result("Answer the question")["findings"]
    assert before.rc == 2
    assert {finding["code"] for finding in findings} == {"cut"}
    assert is_one_line(failures(before)[site.hosts[0].name])
    assert after.rc == 0, after.output
    assert site.live() == {host.name: "2.0.0" for host in site.hosts}
    assert site.status()["unrecorded"] == []
    assert "history_found" in {event.kind for event in site.ledger.events()}


@pytest.mark.every_point
def test_a_second_ledger_is_found_by_the_hosts(site, tmp_path):
    assert site.operator.deploy("1.0.0").rc == 0
    another = str(tmp_path / "another.db")
    Ledger(another).append([], OPERATOR)

    run = site.ask("audit", release_ledger=another)

    (code,) = {finding["code"] for finding in run.result("Answer the question")["findings"]}
    assert (run.rc, code) == (2, "second_ledger")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("{tmp}/nowhere/ledger.db", "does not exist: make it"),
        pytest.param(
            "{tmp}/text",
            "file is not a database: give the path of a ledger",
            marks=pytest.mark.every_point,
        ),
        pytest.param(
            "mysql://host/base",
            "neither a path nor a postgresql:// URL",
            marks=pytest.mark.every_point,
        ),
    ],
)
def test_a_ledger_that_cannot_be_written_stops_the_run_before_anything_is_changed(
    site, tmp_path, place, said
):
    (tmp_path / "text").write_text("no database " * 100)
    place = place.format(tmp=tmp_path)

    run = site.operator.deploy("1.0.0", release_ledger=place)

    assert run.rc == 2
    (message,) = failures(run).values()
    assert said in message
    assert is_one_line(message)
    assert not any((host.seen / "shop").exists() for host in site.hosts)
    assert verdict_of(run).startswith("refused: ")


def test_a_rollback_goes_on_without_the_ledger_and_is_imported_later(site, tmp_path):
    assert site.operator.deploy("1.0.0").rc == 0
    assert site.operator.deploy("2.0.0").rc == 0

    run = site.operator.rollback(release_ledger=str(tmp_path / "gone/ledger.db"))
    site.heal()

    assert run.rc == 0, run.output
    assert "this run is not recorded" in run.output
    assert site.live() == {host.name: "1.0.0" for host in site.hosts}
    assert site.status()["unrecorded"] == []


def killed(site, controller, version, moment):
    """Kill the controller of a deployment after an event: in the ledger, or on a host."""
    going = controller.start(
        "itops.release.deploy", site.inventory, extra_vars={"deploy_release": f"shop:{version}"}
    )

    def has_come():
        if moment.startswith("run_"):
            last = list(site.ledger.events(newest=True, most=1))
            return [event for event in last if event.kind == moment and going_is_new(event)]
        return any(
            event["event"] == moment and event["tree"].startswith(version)
            for host in site.hosts
            for event in history_of(host)
        )

    def going_is_new(event):
        return event.body.get("release", {}).get("version") == version

    until(has_come, moment)
    going.kill()
    until(lambda: not going.children(), "what it started has ended")


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("staged", marks=pytest.mark.every_point),
        "activated",
        pytest.param("accepted", marks=pytest.mark.every_point),
    ],
)
def test_a_killed_run_is_settled_by_the_next(site, controller, moment):
    assert site.operator.deploy("1.0.0").rc == 0
    killed(site, controller, "2.0.0", moment)
    opened = [row for row in site.ledger.rows("runs") if row["ended"] is None]
    run = site.operator.deploy("3.0.0")

    assert len(opened) == 1
    assert run.rc == 0, run.output
    rows = {row["version"]: row for row in site.ledger.rows("runs")}
    assert rows["2.0.0"]["verdict"] in ("held", "failed", "done")
    assert rows["2.0.0"]["settled_by"] == rows["3.0.0"]["run"]
    assert site.live() == {host.name: live_version(host) for host in site.hosts}
    assert site.status()["unrecorded"] == []
    assert site.ask("audit").rc == 0


def test_after_a_kill_at_any_event_the_ledger_equals_six_hosts(
    ssh_hosts, inventory, run_playbook, controller, library, tmp_path
):
    place = str(tmp_path / "ledger.db")
    site = Site(ssh_hosts(6), inventory, run_playbook, library, place)
    assert site.operator.deploy("1.0.0").rc == 0
    moments = ("run_began", "staged", "activated", "accepted", "run_ended")
    for number, moment in enumerate(moments, 2):
        version = f"{number}.0.0"
        killed(site, controller, version, moment)
        run = site.operator.deploy(version)

        assert run.rc == 0, (moment, run.output)
        assert site.live() == {host.name: version for host in site.hosts}, moment
        assert {live_version(host) for host in site.hosts} == {version}
        status = site.status()
        assert (status["unrecorded"], status["open"]) == ([], []), moment
    assert site.ask("audit").rc == 0


@pytest.mark.every_point
def test_a_failing_hook_and_batches_are_recorded_with_the_reason(site, tmp_path):
    hook = tmp_path / "hook.yml"
    hook.write_text(
        json.dumps(
            [
                {
                    "name": "Leave the balancer",
                    "ansible.builtin.fail": {"msg": "the balancer does not answer"},
                    "when": f"inventory_hostname == '{site.hosts[1].name}'",
                }
            ]
        )
    )

    run = site.operator.deploy(
        "1.0.0", deploy_hooks={"before_activate": str(hook)}, deploy_serial="1"
    )

    assert run.rc == 2
    (row,) = site.ledger.rows("runs")
    assert (row["verdict"], row["hosts"]) == ("failed", 2)
    assert row["reason"] == f"{site.hosts[1].name}: the balancer does not answer"
    assert verdict_of(run) == f"failed: {row['reason']}"
    assert site.live() == {site.hosts[0].name: "1.0.0"}


@pytest.mark.every_point
def test_two_applications_in_one_play_are_two_runs(site, run_playbook):
    roles = [
        {"role": "itops.release.deploy", "deploy_release": "shop:1.0.0"},
        {
            "role": "itops.release.deploy",
            "deploy_release": "api:1.0.0",
            "deploy_root": "{{ srv }}/api",
        },
    ]
    run = run_playbook(play(roles=roles), site.inventory)

    assert run.rc == 0, run.output
    rows = site.ledger.rows("runs", "application")
    assert [(row["application"], row["verdict"]) for row in rows] == [
        ("api", "done"),
        ("shop", "done"),
    ]
    assert len(site.ledger.rows("deployments")) == 6


def test_a_role_that_the_first_host_skips_is_refused_rather_than_unrecorded(site, run_playbook):
    role = {
        "role": "itops.release.deploy",
        "deploy_release": "shop:1.0.0",
        "when": f"inventory_hostname != '{site.hosts[0].name}'",
    }
    run = run_playbook(play(roles=[role]), site.inventory)

    assert run.rc == 2
    assert "this run is not on record: the first host of the play skips" in run.output
    assert not any((host.seen / "shop/current").exists() for host in site.hosts)


def test_hosts_that_go_on_are_part_of_one_end(site):
    """With max_fail_percentage the others are switched after the first has failed."""
    (site.hosts[0].seen / "shop").write_text("in the way")
    (site.hosts[1].seen / "sick").touch()

    run = site.operator.deploy("1.0.0", deploy_max_fail_percentage="100")

    assert run.rc == 2
    ends = list(site.ledger.events(kind="run_ended"))
    assert len(ends) == 1
    results = {host["host"]: host["result"] for host in ends[0].body["hosts"]}
    assert [results[host.name] for host in site.hosts] == ["failed", "failed", "ok"]
    assert verdict_of(run).startswith("failed: ")
    assert site.live() == {site.hosts[2].name: "1.0.0"}


def test_each_host_of_a_free_strategy_records_itself(site, run_playbook):
    (site.hosts[0].seen / "sick").touch()
    role = {"role": "itops.release.deploy", "deploy_release": "shop:1.0.0"}
    run = run_playbook(play(roles=[role], strategy="free"), site.inventory)

    assert run.rc == 2
    (row,) = site.ledger.rows("runs")
    assert (row["hosts"], row["verdict"]) == (3, "failed")
    assert sorted(site.live()) == sorted(host.name for host in site.hosts[1:])
    assert site.status()["unrecorded"] == []


@pytest.mark.every_point
def test_the_same_may_be_done_twice_in_a_run(site, run_playbook):
    deploy = [
        {"hosts": "all", "gather_facts": False, "roles": [role]}
        for role in (
            {"role": "itops.release.deploy", "deploy_release": "shop:1.0.0"},
            {"role": "itops.release.deploy", "deploy_release": "shop:2.0.0"},
            {"role": "itops.release.rollback"},
            {"role": "itops.release.deploy", "deploy_release": "shop:2.0.0"},
        )
    ]
    run = run_playbook(json.dumps(deploy) + "\n", site.inventory)

    assert run.rc == 0, run.output
    assert site.live() == {host.name: "2.0.0" for host in site.hosts}
    assert len(list(site.ledger.events(kind="run_ended"))) == 4


def test_text_of_a_task_with_no_log_is_not_recorded(site, tmp_path):
    hook = tmp_path / "hook.yml"
    task = {"name": "Log in", "ansible.builtin.fail": {"msg": "s3cret"}, "no_log": True}
    hook.write_text(json.dumps([task]))

    run = site.operator.deploy("1.0.0", deploy_hooks={"before_activate": str(hook)})

    assert run.rc == 2
    assert "no_log hides why" in verdict_of(run)
    lines = [json.dumps(event.to_plain()) for event in site.ledger.events()]
    assert not any("s3cret" in line for line in lines)
    assert "s3cret" not in verdict_of(run)


@pytest.mark.every_point
def test_one_host_cannot_stop_the_status_of_the_others(site):
    assert site.operator.deploy("1.0.0").rc == 0
    path = site.hosts[0].seen / "shop/.release/history.jsonl"
    line = {"at": "now", "event": "accepted", "from": None, "run": ["a"], "tree": None}
    with open(path, "a", encoding="utf-8") as stream:
        stream.write(json.dumps({"format": 1, **line}, sort_keys=True) + "\n")

    status = site.status()

    assert status["unknown"] == {site.hosts[0].name: "its answer is malformed"}
    assert [row["host"] for row in status["deployments"] if row["asked"]] == [
        host.name for host in site.hosts[1:]
    ]
    assert site.ask("audit").rc == 0


def test_a_dry_run_records_nothing(site):
    assert site.operator.deploy("1.0.0").rc == 0
    before = site.ledger.head()

    run = site.operator.run("itops.release.deploy", check=True, deploy_release="shop:2.0.0")
    site.stranger.run("itops.release.deploy", deploy_release="shop:3.0.0")
    foreseen = site.operator.run("itops.release.ledger_import", check=True)

    assert run.rc == foreseen.rc == 0, run.output
    assert foreseen.result("Import what is not on record")["changed"]
    assert site.ledger.head() == before


@pytest.mark.every_point
def test_status_without_a_ledger_asks_the_hosts(site, tmp_path):
    assert site.stranger.run("itops.release.deploy", deploy_release="shop:1.0.0").rc == 0
    host, dest = site.hosts[0].name, tmp_path / "status.json"

    run = site.stranger.run("itops.release.status", release_host=host, release_dest=str(dest))

    assert run.rc == 0, run.output
    status = json.loads(dest.read_text(encoding="utf-8"))
    assert [row["version"] for row in status["deployments"]] == ["1.0.0"]
    assert (status["unrecorded"], status["runs"]) == (None, None)
    assert "application  staging" in run.stdout
    assert "accepted" in run.stdout


@pytest.mark.every_point
def test_the_export_has_a_change_record_for_each_run(site, tmp_path):
    assert site.operator.deploy("1.0.0").rc == 0
    assert site.operator.deploy("2.0.0").rc == 0
    lines, table = tmp_path / "events.jsonl", tmp_path / "changes.csv"

    assert site.ask("export", release_dest=str(lines)).rc == 0
    assert site.ask("export", release_dest=str(table), release_format="csv").rc == 0

    events = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    assert [event["sequence"] for event in events] == [1, 2, 3, 4, 5]
    with open(table, newline="", encoding="utf-8") as stream:
        first, second = csv.DictReader(stream)
    assert second["closure_code"] == "done"
    assert f"{site.hosts[0].name} shop 1.0.0" in second["items"]
    assert first["deployed_at"] < second["deployed_at"]


@pytest.mark.every_point
def test_builds_seals_and_prunings_are_recorded(local_hosts, inventory, run_playbook, tmp_path):
    (host,) = local_hosts(1)
    place, media = str(tmp_path / "ledger.db"), str(tmp_path / "media")
    commit(tmp_path / "repository", app="1")
    origin = {"git": str(tmp_path / "repository"), "revision": "main"}
    declare(tmp_path / "src", component("app", origin, ["true"]))
    hosts = inventory(
        [host],
        {"staging": [host.name]},
        release_ledger=place,
        build_src=str(tmp_path / "src"),
        build_workspace=str(tmp_path / "workspace"),
        build_media_library=media,
        build_evidence=[],
        prune_media_library=media,
        prune_keep=1,
        deploy_root="{{ srv }}/shop",
    )
    built = run_playbook("itops.release.build", hosts)
    declare(tmp_path / "src", component("app", origin, ["false"]), version="2", serial=2)
    failed = run_playbook("itops.release.build", hosts)
    pruned = run_playbook("itops.release.prune", hosts)

    assert (built.rc, failed.rc, pruned.rc) == (0, 2, 0), built.output + pruned.output
    ledger = Ledger(place)
    rows = ledger.rows("runs", "sequence")
    assert [(row["act"], row["application"], row["verdict"]) for row in rows] == [
        ("build", "shop", "done"),
        ("seal", "shop", "done"),
        ("build", "shop", "failed"),
        ("prune", media, "done"),
    ]
    assert len(rows[1]["digest"]) == 64
    assert {row["environment"] for row in rows} == {None}
    assert (ledger.rows("deployments"), ledger.rows("changes")) == ([], [])
    assert verdict_of(failed).startswith(f"failed: {host.name}: ")
    ledger.close()
