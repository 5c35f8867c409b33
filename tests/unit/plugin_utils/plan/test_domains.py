# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Domains in a file of a plan: each mistake is refused with its line."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.definition._schema_file import (
    FileError,
)
from ansible_collections.itops.release.tests.fakes import plans
from ansible_collections.itops.release.tests.fakes.plans import PLAN, TRAIN, changed


def test_a_domain_has_its_release_its_hosts_and_what_it_needs():
    web = plans.plan(TRAIN).domain("web")

    assert (web.release, web.needs, web.back_out_with) == ("shop-web:5.2.0", ("api",), ("api",))
    assert web.hosts_in("production") == "web:&production"
    assert plans.plan(PLAN).domains == ()


def test_hosts_with_commas_stay_a_list():
    listed = changed(TRAIN, "domains", "web", hosts="web1,web2")

    assert plans.plan(listed).domain("web").hosts_in("staging") == "web1,web2,&staging"


def test_the_plan_of_a_domain_looks_like_one_without_domains():
    known = plans.plan(TRAIN)
    part = known.parts()["api"]

    assert (part.release, part.domains) == ("shop-api:3.0.0", ())
    assert [step.hosts for step in part.path] == ["api:&staging", "api:&production"]
    assert plans.plan(PLAN).parts() == {"": plans.plan(PLAN)}


@pytest.mark.parametrize(
    ("plain", "expected"),
    [
        (changed(TRAIN, release="shop:1.0.0"), "domains: beside release; expected one of both"),
        (changed(TRAIN, domains=None), "release: missing, and so is domains; expected one of both"),
        (changed(TRAIN, domains={}), "domains: {} does not fit"),
        (
            changed(TRAIN, "path", 1, hosts="web"),
            "path[1].hosts: each domain has its hosts; expected no hosts",
        ),
        (changed(PLAN, "path", 0, hosts=None), "path[0]: hosts is missing; expected a pattern"),
        (
            changed(TRAIN, "domains", "web", needs=["app"]),
            "domains.web.needs[0]: app is not another domain; expected one of db, api",
        ),
        (changed(TRAIN, "domains", "db", needs=["db"]), "domains.db.needs[0]: db is not another"),
        (
            changed(TRAIN, "domains", "db", back_out_with=["x"]),
            "domains.db.back_out_with[0]: x is not another domain",
        ),
        (
            changed(TRAIN, "domains", "db", needs=["web"]),
            "db needs web needs api needs db; expected",
        ),
        (changed(TRAIN, "domains", "db", hosts=None), "domains.db: hosts is missing"),
        (changed(TRAIN, "domains", "db", need=["api"]), "domains.db.need: no such key"),
    ],
)
def test_a_mistake_is_refused_with_what_was_expected(plain, expected):
    with pytest.raises(FileError) as caught:
        plans.plan(plain)

    assert expected in str(caught.value)
