# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains of real playbooks: domains as jobs of ansible-runner, failed, killed, launched again."""

from __future__ import annotations

import os
import signal

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.ledger import _trains
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger
from ansible_collections.itops.release.tests.fakes.plans import changed
from ansible_collections.itops.release.tests.integration.ansible_run import Controller, until
from ansible_collections.itops.release.tests.integration.applications import (
    seal_all,
    write_application,
)
from ansible_collections.itops.release.tests.integration.test_domains import (
    DOMAINS,
    PLAN,
    Estate,
    keys,
)

__all__ = ["keys"]  # a fixture
pytestmark = pytest.mark.slow
WELL = ["sh", "-c", "! grep -qs bad {{ srv }}/shop/current/state"]


@pytest.fixture(scope="module")
def library(tmp_path_factory, _sockets):
    """Return a media library: 1.0.0 to 3.0.0 of each domain; 3.0.0 of web does not work."""
    directory = tmp_path_factory.mktemp("sealed")
    made = [
        write_application(
            directory / f"{name}{n}",
            {"version": f"{n}.0.0", "state": "bad" if (name, n) == ("web", 3) else "good"},
            f"{n}.0.0",
            n,
            f"shop-{name}",
        )
        for name in DOMAINS
        for n in (1, 2, 3)
    ]
    seal_all(Controller(directory / "controller", _sockets), directory / "media", made)
    return directory / "media"


class Station(Estate):
    """An estate whose plan deploys by trains; 1.0.0 of all domains is there already."""

    def __init__(self, controller, *more):
        super().__init__(*more)
        self._controller = controller
        self.settings["deploy_probe"] = {"command": WELL, "retries": 0}
        self.inventory = self._inventory(self.hosts, self.groups, **self.settings, **self.planning)

    def plan(self, version="2.0.0", **more):
        """Write, propose and approve a plan for a *version* of all domains."""
        domains = {
            name: {**domain, "release": f"shop-{name}:{version}"}
            for name, domain in PLAN["domains"].items()
        }
        self.write(plan=changed(PLAN, plan=f"checkout-{version[0]}", domains=domains, **more))
        self.agree()

    def train(self, **options):
        return self.run("train", release_env="production", **options)

    def start(self, **variables):
        """Start a train, and return it while it runs."""
        variables["release_plan"] = str(self.folder / "plan.yml")
        return self._controller.start(
            "itops.release.train",
            self.inventory,
            extra_vars={"release_env": "production", **variables},
            env={"HOME": str(self.folder)},
        )

    def trains(self):
        return _trains.of_ledger(Ledger(self.place)) if os.path.exists(self.place) else []

    def jobs(self, change="began"):
        """Return the jobs of the last train that began or ended, as (domain, job)."""
        changes = self.trains()[-1].changes if self.trains() else ()
        return [(each.domain, each.job) for each in changes if each.change == change]


@pytest.fixture
def station(controller, local_hosts, inventory, run_playbook, library, keys, tmp_path):
    return Station(controller, local_hosts(3), inventory, run_playbook, library, keys, tmp_path)


@pytest.mark.every_point
def test_a_train_deploys_all_domains_in_their_order_and_once(station):
    station.plan()
    prognosis = station.train(check=True)
    assert prognosis.rc == 0, prognosis.output
    assert "web  open: domains: nothing is switched; db is not committed" in prognosis.stdout
    assert (station.trains(), station.live()) == ([], {})
    refused = station.train(limit="local1")
    assert refused.rc == 2
    assert "--limit: a train is about all its hosts: leave --limit out" in refused.stdout

    run = station.train()
    assert run.rc == 0, run.output
    assert station.live() == dict.fromkeys(DOMAINS, "2.0.0")
    staged = [(name, "staged") for name in DOMAINS]
    assert station.jobs() == [*staged, *((name, "live") for name in DOMAINS)]
    assert "api  Make the release live: 1 host" in run.stdout
    result = run.result("Run the train")
    assert (result["verdict"], result["domains"]["web"]["state"]) == ("done", "deployed")
    assert "Make the release live" in open(result["domains"]["web"]["output"]).read()
    assert not os.listdir(station.folder / ".ansible/tmp/itops-release-trains")
    again = station.train()
    assert again.rc == 0, again.output
    assert again.result("Run the train")["domains"]["db"] == {"state": "deployed before"}
    assert station.jobs() == []


def test_a_domain_that_fails_takes_back_what_may_not_stand_alone(station):
    station.plan()
    assert station.train().rc == 0
    station.plan("3.0.0")
    run = station.train()

    assert run.rc == 2
    assert station.live() == {"db": "3.0.0", "api": "2.0.0", "web": "2.0.0"}
    assert station.jobs()[-2:] == [("web", "live"), ("api", "backed_out")]
    line = run.result("Run the train")["msg"]
    assert line.startswith("checkout-3 → production: backed_out: web: backed out: local3: ")
    assert line.endswith("; backed out: api, web; deployed: db")


@pytest.mark.every_point
def test_a_plan_that_holds_keeps_what_is_deployed_until_it_is_backed_out(station):
    station.plan("3.0.0", on_failure="hold")
    run = station.train()

    assert run.rc == 2
    assert run.result("Run the train")["verdict"] == "held"
    assert {station.live()[name] for name in ("db", "api")} == {"3.0.0"}
    back = station.train(release_as="backed_out")
    assert back.rc == 0, back.output
    assert station.live() == {}
    assert [domain for domain, _job in station.jobs()][-2:] == ["api", "db"]


@pytest.mark.parametrize(
    ("domain", "job"),
    [
        pytest.param("api", "staged", marks=pytest.mark.every_point),
        pytest.param("db", "live", marks=pytest.mark.every_point),
        ("web", "live"),
        pytest.param("api", "backed_out", marks=pytest.mark.every_point),
    ],
)
def test_a_train_that_is_killed_is_finished_by_the_next(station, domain, job):
    station.plan("3.0.0")
    running = station.start()
    until(lambda: (domain, job) in station.jobs(), f"{domain} {job}")
    running.kill()
    running.wait()
    assert station.trains()[-1].verdict == ""
    assert "train 1: db: " in station.done("status", plan=None).stdout
    until(lambda: not running.children(), "the end of its jobs")

    run = station.train()
    assert run.rc == 2, run.output
    assert run.result("Run the train")["verdict"] == "backed_out", run.output
    assert station.live() == {"db": "3.0.0"}
    assert not os.listdir(station.folder / ".ansible/tmp/itops-release-trains")


@pytest.mark.every_point
def test_a_silent_domain_is_ended_asked_and_backed_out(station):
    hook = station.folder / "stuck.yml"
    hook.write_text(
        "- name: Hang\n  ansible.builtin.command: sleep 600\n  changed_when: false\n"
        "  when: inventory_hostname in groups['web']\n"
    )
    station.settings["deploy_hooks"] = {"before_activate": str(hook)}
    station.inventory = station._inventory(
        station.hosts, station.groups, **station.settings, **station.planning
    )
    station.plan()
    run = station.train(release_train_silence="20s")

    assert run.rc == 2
    line = run.result("Run the train")["msg"]
    assert "backed_out: web: lost: no sign of life for 20 s" in line, run.output
    assert station.live() == {"db": "2.0.0"}
    jobs = station.jobs()
    assert jobs[jobs.index(("web", "live")) + 1 :] == [
        ("web", "settled"),
        ("web", "backed_out"),
        ("api", "backed_out"),
    ]
    (train,) = station.trains()
    runs = {
        c.run for c in train.changes if (c.domain, c.job, c.change) == ("web", "live", "running")
    }
    assert len(runs) == 1


@pytest.mark.every_point
def test_a_second_train_at_the_same_time_is_refused(station):
    station.plan()
    running = station.start()
    until(station.jobs, "the first job")
    refused = station.train()
    running.process.send_signal(signal.SIGTERM)
    running.wait()

    assert refused.rc == 2
    assert "checkout-2 → production: a train is in progress, by " in refused.stdout
    assert station.train().rc == 0
