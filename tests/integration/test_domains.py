# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of real playbooks by a plan with domains: proposed as one, deployed domain by domain."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.itops.release.tests.fakes.plans import TRAIN, changed
from ansible_collections.itops.release.tests.integration.ansible_run import Controller
from ansible_collections.itops.release.tests.integration.applications import (
    live_version,
    seal_all,
    write_application,
)
from ansible_collections.itops.release.tests.integration.test_plan import CALENDAR, Office, keys

__all__ = ["keys"]  # a fixture
pytestmark = pytest.mark.slow
DOMAINS = ("db", "api", "web")
PLAN = changed(
    TRAIN,
    path=[{"environment": "production"}],
    domains={
        name: {**domain, "release": f"shop-{name}:2.0.0"}
        for name, domain in TRAIN["domains"].items()
    },
)


@pytest.fixture(scope="module")
def library(tmp_path_factory, _sockets):
    """Return a media library with 1.0.0 and 2.0.0 of the application of each domain."""
    directory = tmp_path_factory.mktemp("sealed")
    made = [
        write_application(
            directory / f"{name}{n}", {"version": f"{n}.0.0"}, f"{n}.0.0", n, f"shop-{name}"
        )
        for name in DOMAINS
        for n in (1, 2)
    ]
    seal_all(Controller(directory / "controller", _sockets), directory / "media", made)
    return directory / "media"


class Estate(Office):
    """Three hosts of production, each in the group of its domain."""

    def __init__(self, hosts, inventory, run, library, keys, folder):
        super().__init__(hosts, inventory, run, library, keys, folder)
        names = [host.name for host in hosts]
        groups = {name: [host] for name, host in zip(DOMAINS, names, strict=True)}
        self.groups = {**groups, "production": names}
        self.inventory = inventory(hosts, self.groups, **self.settings, **self.planning)
        self.write(policy=self.rules, calendar=CALENDAR, plan=PLAN)

    def agree(self):
        self.propose()
        for person in ("ben", "cleo"):
            self.done("approve", release_env="production", release_key=self.keys[person])

    def live(self):
        there = [(host.seen / "shop/current").is_symlink() for host in self.hosts]
        pairs = zip(DOMAINS, self.hosts, there, strict=True)
        return {name: live_version(host) for name, host, is_there in pairs if is_there}


@pytest.fixture
def estate(local_hosts, inventory, run_playbook, library, keys, tmp_path):
    return Estate(local_hosts(3), inventory, run_playbook, library, keys, tmp_path)


def test_a_plan_with_domains_goes_from_proposal_to_closing(estate):
    shown = estate.run("plan", check=True, release_key=estate.keys["ada"]).stdout
    assert "production  api: nothing → 2.0.0  on 1 host: local2" in shown
    pages = estate.folder / "pages"
    estate.propose(release_pages=str(pages))
    page = (pages / "plans/checkout-2.md").read_text()
    assert page.startswith("# checkout-2: shop-db 2.0.0, shop-api 2.0.0, shop-web 2.0.0\n")
    assert "\n- web needs: api\n- With web are backed out: api\n" in page
    assert "\n- db: nothing → 2.0.0 on 1 host: local1\n" in page
    assert "Hosts of web" in (pages / "plans/checkout-2.html").read_text()
    assert estate.propose().result("Propose the plan")["changed"] is False
    estate.agree()

    assert "release_domain" in estate.refused("deploy", release_env="production")
    line = estate.refused("deploy", release_env="production", release_domain="api")
    assert line.startswith("checkout-2 → production (api): closed: domains: db is not committed")
    assert "needs a deployment of db before" in line
    status = estate.done("status", plan=None).stdout
    assert "checkout-2 → production: open" in status
    estate.done("deploy", check=True, release_env="production", release_domain="db")
    for count, name in enumerate(DOMAINS, 1):
        assert "cannot be closed: " in estate.refused("close", release_key=estate.keys["ada"])
        estate.done("deploy", release_env="production", release_domain=name)
        assert estate.live() == dict.fromkeys(DOMAINS[:count], "2.0.0")
    assert "checkout-2  to be closed" in estate.done("status", plan=None).stdout
    estate.done("close", release_key=estate.keys["ada"])
    asked = [body for body in estate.events("gates_answered") if "domain" in body]
    assert [name for name, _all in itertools.groupby(body["domain"] for body in asked)] == [
        "api",
        *DOMAINS,
    ]


@pytest.mark.every_point
def test_what_differs_in_one_domain_closes_all(estate):
    estate.agree()
    other = changed(PLAN, "domains", "web", release="shop-web:1.0.0")
    estate.write(plan=other)

    line = estate.refused("deploy", release_env="production", release_domain="db")
    assert "closed: plan: not as proposed in revision 1: domains of the plan changed" in line
    estate.write(plan=changed(PLAN, "domains", "web", hosts="web:api"))
    line = estate.refused("deploy", release_env="production", release_domain="db")
    assert "domains.web.hosts: local2 is in api too; expected each host in one domain" in line
