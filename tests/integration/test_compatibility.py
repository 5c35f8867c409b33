# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two applications that need each other: nothing is sent that does not work beside what is live."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from types import SimpleNamespace

import pytest

from ansible_collections.itops.release.tests.integration.ansible_run import Controller
from ansible_collections.itops.release.tests.integration.applications import (
    deploying,
    failures,
    is_one_line,
    live_version,
    play,
    report_line,
    sealing,
    snapshot,
    write_application,
)

pytestmark = pytest.mark.slow

ASK = "Ask what is live beside, once for all hosts"
STAGE = "Stage the release"
SWITCH = "Make the release live"
BACK = "Make the release live"
NOWHERE = {
    "ansible_connection": "ssh",
    "ansible_host": "127.0.0.1",
    "ansible_port": 1,
    "ansible_ssh_common_args": "-o BatchMode=yes -o StrictHostKeyChecking=no",
}
NEEDS = {"requires": ["api >=3.1,<4"]}
RELEASES = {  # in the order of their serials
    "api": [("3.0.2", {}), ("3.2.0", {}), ("4.0.0", {})],
    "web": [("2.3.0", {}), ("2.4.0", NEEDS), ("2.4.1", NEEDS)],
}


@pytest.fixture(scope="module")
def library(tmp_path_factory, _sockets):
    """Return a media library with the RELEASES of shop-api and shop-web."""
    directory = tmp_path_factory.mktemp("library")
    seals = []
    for name, versions in RELEASES.items():
        for serial, (version, about) in enumerate(versions, 1):
            source, release = directory / name / version, f"shop-{name}"
            write_application(source, {name: version}, version, serial, release, **about)
            definition = source / "release.yml"
            definition.write_text(definition.read_text().replace('"app"', f'"{name}"'))
            seals.append(sealing(f"{name} {version}", source, directory / "library"))
    run = Controller(directory / "controller", _sockets).run(play(*seals), "localhost,")
    assert run.rc == 0, run.output
    return directory / "library"


@pytest.fixture
def shop(library, local_hosts, inventory, run_playbook, tmp_path):
    """Return what deploys and rolls back shop-web on two hosts and shop-api on two others."""
    hosts = dict(zip(("web1", "web2", "api1", "api2"), local_hosts(4), strict=True))
    calls = {name: tmp_path / f"{name}.calls" for name in hosts}
    targets = {}
    for name, host in hosts.items():
        python = tmp_path / f"{name}.python"
        calls[name].touch()
        # Every call to a host starts its Python.
        python.write_text(f'#!/bin/sh\necho >>{calls[name]}\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
        variables = {**host.variables, "ansible_python_interpreter": str(python)}
        targets[name] = dataclasses.replace(host, name=name, variables=variables)
    groups = {"web": ["web1", "web2"], "api": ["api1", "api2"]}
    other = {"web": "api", "api": "web"}

    def beside(name):
        return [
            {"hosts": host, "root": f"{targets[host].srv}/{name}", "place": "production"}
            for host in groups[name]
        ]

    def run(playbook, name, lost=(), options=None, **variables):
        there = [
            dataclasses.replace(target, variables=NOWHERE) if target.name in lost else target
            for target in targets.values()
        ]
        places = inventory(there, groups, deploy_media_library=str(library))
        extra = {
            "deploy_hosts": name,
            "deploy_root": "{{ srv }}/" + name,
            "deploy_beside": beside(other[name]),
            **variables,
        }
        before = {host: len(path.read_text()) for host, path in calls.items()}
        settings = {"extra_vars": extra, **(options or {})}
        done = run_playbook(f"itops.release.{playbook}", places, **settings)
        shop.calls = {h: len(path.read_text()) - before[h] for h, path in calls.items()}
        return done

    def deploy(release, **variables):
        name = release.partition(":")[0]
        return run("deploy", name, deploy_release=f"shop-{release}", **variables)

    def install(*releases):
        """Make *releases* live one after the other, in one run, whatever is live beside."""
        tasks = [
            deploying(
                f"Install {release}",
                f"shop-{release}",
                library,
                {"when": f"inventory_hostname in groups.{release.partition(':')[0]}"},
                root="{{ srv }}/" + release.partition(":")[0],
            )
            for release in releases
        ]
        done(run_playbook(play(*tasks), inventory(targets.values(), groups)))

    def history(host, name):
        path = targets[host].seen / name / ".release/history.jsonl"
        return [json.loads(line)["event"] for line in path.read_text().splitlines()]

    def versions(name):
        return [live_version(targets[host], name) for host in groups[name]]

    shop = SimpleNamespace(
        targets=targets,
        beside=beside,
        run=run,
        deploy=deploy,
        install=install,
        history=history,
        versions=versions,
        calls={},
    )
    return shop


def refusal(run, task, host):
    """Return why *task* refused on *host*: one line, and no call was made to it."""
    assert run.rc != 0, run.output
    result = run.result(task, host=host)
    assert is_one_line(result["msg"])
    return result["msg"]


def done(run):
    assert run.rc == 0, run.output
    return run


def test_what_does_not_work_beside_what_is_live_is_refused_until_that_is_upgraded(shop):
    shop.install("api:3.0.2")
    done(shop.deploy("web:2.3.0", deploy_beside=[]))
    usual = shop.calls["web1"]
    assert shop.calls["api1"] == shop.calls["api2"] == 0
    before = [snapshot(shop.targets[host].seen) for host in shop.targets]

    for check in (False, True):
        refused = shop.deploy("web:2.4.0", options={"check": check})

        for host in ("web1", "web2"):
            assert refusal(refused, STAGE, host) == (
                "web 2.4.0 requires api >=3.1,<4; production has api 3.0.2 on api1, api2; "
                "the media library has shop-api:3.2.0, which would do"
            )
            assert "requires api >=3.1,<4" in report_line(refused, host)
        assert shop.calls == {"web1": 0, "web2": 0, "api1": 1, "api2": 1}
    assert [snapshot(shop.targets[host].seen) for host in shop.targets] == before

    shop.install("api:3.2.0")
    went = done(shop.deploy("web:2.4.0", deploy_serial=1, options={"limit": "web"}))

    assert shop.calls == {"web1": usual, "web2": usual, "api1": 1, "api2": 1}
    assert len(went.find(ASK)) == 2  # once in a batch
    assert shop.versions("web") == ["2.4.0", "2.4.0"]
    refused = shop.deploy("api:4.0.0")
    assert refusal(refused, STAGE, "api1") == (
        "web 2.4.0, live in production on web1, web2, requires api >=3.1,<4; this release has api "
        "4.0.0; the media library has shop-web:2.3.0, which would do"
    )
    assert shop.versions("api") == ["3.2.0", "3.2.0"]


@pytest.mark.every_point
def test_what_is_not_known_is_not_taken_for_nothing(shop):
    shop.install("api:3.2.0")

    nobody_looked = shop.deploy("web:2.4.0", deploy_beside=[])
    assert refusal(nobody_looked, STAGE, "web1").startswith(
        "web 2.4.0 requires api >=3.1,<4; of api nothing is known: name the hosts where it is live "
        "in deploy_beside (beside of the module), such as [{hosts: api, root: /srv/api}]"
    )
    lost = shop.deploy("web:2.4.0", lost=["api2"])
    assert refusal(lost, STAGE, "web2") == (
        "cannot know what is deployed on api2 (unreachable): mend that, or leave these hosts out "
        "of deploy_beside (beside of the module)"
    )
    assert "UNREACHABLE!" not in lost.output  # Ansible would show all that the others answered
    empty = shop.deploy("web:2.4.0", deploy_beside=[{"hosts": "api", "root": "/srv/nowhere"}])
    assert refusal(empty, STAGE, "web1") == (
        "web 2.4.0 requires api >=3.1,<4; the estate has no api; the media library has "
        "shop-api:3.2.0, which would do"
    )
    slip = shop.deploy("web:2.4.0", deploy_beside=[{"hosts": "apis", "root": "/srv/api"}])
    assert slip.rc != 0
    assert "no host of the inventory is named by 'apis'" in slip.output
    assert shop.calls["web1"] == shop.calls["web2"] == 0
    assert not (shop.targets["web1"].seen / "web").exists()

    # A release that requires nothing, for else the requirement would be refused.
    slips = [*shop.beside("api"), {"hosts": "apis", "root": "/srv/api"}]
    line = (
        "cannot know what is deployed on apis (deploy_beside: no host of the inventory is named by "
        "'apis'): mend that, or leave these hosts out of deploy_beside (beside of the module)"
    )
    for places, options in ((slips, {}), (slips[-1:], {"check": True})):
        slip = shop.deploy("web:2.3.0", deploy_beside=places, options=options)
        for host in ("web1", "web2"):
            assert refusal(slip, STAGE, host) == line
            assert f"{line[:60]}" in report_line(slip, host)
    apart = shop.deploy("web:2.3.0", __deploy_beside={})
    assert refusal(apart, STAGE, "web1").startswith(
        "cannot know what is deployed on api1, api2 (was "
    )
    assert shop.calls["web1"] == shop.calls["web2"] == 0
    assert not (shop.targets["web1"].seen / "web").exists()

    without = [place for place in shop.beside("api") if place["hosts"] != "api2"]
    done(shop.deploy("web:2.4.0", lost=["api2"], deploy_beside=without))


@pytest.mark.every_point
def test_a_way_back_is_held_to_what_is_live_unless_told_otherwise(shop):
    shop.install("api:3.0.2", "api:3.2.0", "web:2.4.0")
    line = (
        "web 2.4.0, live in production on web1, web2, requires api >=3.1,<4; this release has api "
        "3.0.2"
    )

    refused = shop.run("rollback", "api")

    for host in ("api1", "api2"):
        assert line in refusal(refused, STAGE, host)
        assert "-e rollback_allow_incompatible=yes lets it pass" in failures(refused)[host]
    assert shop.calls == {"web1": 1, "web2": 1, "api1": 1, "api2": 1}
    assert shop.versions("api") == ["3.2.0", "3.2.0"]
    slips = [{"hosts": "wbe", "root": "/srv/web"}]
    for check in (True, False):
        slip = shop.run("rollback", "api", deploy_beside=slips, options={"check": check})
        for host in ("api1", "api2"):
            assert refusal(slip, STAGE, host).startswith(
                "cannot know what is deployed on wbe (deploy_"
            )
    assert shop.versions("api") == ["3.2.0", "3.2.0"]
    forced = done(shop.run("rollback", "api", rollback_allow_incompatible="yes"))
    assert forced.result(BACK, host="api1")["incompatible"] == [line]
    assert f"although {line}" in report_line(forced, "api1")
    assert f"allow_incompatible: {line}" in " ".join(forced.output.split())
    assert shop.history("api1", "api")[-3:] == ["went back", f"despite: {line}", "accepted"]
    assert shop.versions("api") == ["3.0.2", "3.0.2"]

    # Nobody looks where nothing is named: a way back costs two calls, one to check all hosts first.
    shop.install("api:3.2.0")
    done(shop.run("rollback", "api", deploy_beside=[]))
    assert shop.calls == {"web1": 0, "web2": 0, "api1": 2, "api2": 2}
    # What is staged and switched in calls of its own is told as well.
    done(shop.deploy("web:2.4.1", deploy_allow_incompatible="yes"))
    line = "web 2.4.1 requires api >=3.1,<4; production has api 3.0.2 on api1, api2"
    events = shop.history("web1", "web")
    assert events[-5:] == [
        "staged",
        f"despite: {line}",
        "activated",
        f"despite: {line}",
        "accepted",
    ]


def test_a_host_that_a_release_cannot_work_on_is_named_before_anything_is_sent(
    local_hosts, inventory, run_playbook, tmp_path
):
    library, (host,) = tmp_path / "library", local_hosts(1)
    machine = os.uname().machine
    demands = {
        "1.0": {"architecture": [machine], "python": ">=3.8", "free_disk": 1000},
        "2.0": {"os": ["nosuch >=7"], "architecture": ["vax"], "python": ">=9"},
        "3.0": {"free_disk": 10**15},
    }
    tasks = []
    for serial, (version, required) in enumerate(demands.items(), 1):
        source = write_application(tmp_path / version, {"app": version}, version, serial)
        definition = json.loads((source / "release.yml").read_text())
        definition["requires_hosts"] = required
        (source / "release.yml").write_text(json.dumps(definition))
        tasks.append(sealing(f"Seal {version}", source, library))
        for words, check in (("Foresee", True), ("Do", False)):
            keywords = {"check_mode": check, "ignore_errors": True}
            title, release = f"{words} {version}", f"shop:{version}"
            tasks.append(deploying(title, release, library, keywords))
    tasks.append(deploying("Force", "shop:2.0", library, allow_incompatible=True))
    tasks.append(deploying("Mend", "current", library, verify=True))

    run = run_playbook(play(*tasks), inventory([host]))

    assert run.rc == 0, run.output
    assert run.result("Do 1.0")["is_live"]
    for words in ("Foresee", "Do"):
        refused = run.result(f"{words} 2.0")
        assert is_one_line(refused["msg"])
        system, architecture, python = refused["msg"].split("; shop 2.0 ")
        assert system.startswith("shop 2.0 requires nosuch >=7; local1 is ")
        assert architecture == f"requires the architecture vax; local1 has {machine}"
        assert python.startswith("requires python >=9; local1 has python 3.")
        assert (refused["calls"], refused["sent_bytes"]) == (1, 0)
        refused = run.result(f"{words} 3.0")
        assert "the release requires 1000000000.0 MB of free disk; nothing" in refused["msg"]
        assert (refused["calls"], refused["sent_bytes"]) == (1, 0)
    forced = run.result("Force")
    assert (forced["is_live"], len(forced["incompatible"])) == (True, 3)
    assert run.result("Mend")["incompatible"] == []
