# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a deployment asks what is live, and what it makes of the answers."""

from __future__ import annotations

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.itops.release.plugins.filter import hosts_beside, releases_beside
from ansible_collections.itops.release.plugins.plugin_utils.environment import _answers

GROUPS = {"all": ["web1", "api1", "api2", "db1"], "api": ["api1", "api2"], "db": ["db1"]}
API = {"hosts": "api", "root": "/srv/api"}


def listed(*places):
    return hosts_beside.FilterModule().filters()["hosts_beside"](places, GROUPS)


@pytest.mark.parametrize("module", [hosts_beside, releases_beside])
def test_they_are_documented_by_their_names(module):
    assert list(module.FilterModule().filters()) == [yaml.safe_load(module.DOCUMENTATION)["name"]]


def test_patterns_become_hosts_with_their_roots_and_places():
    assert listed({**API, "place": "production"}, {"hosts": "all:!web1:!api", "root": "/db"}) == [
        {"host": "api1", "root": "/srv/api", "place": "production"},
        {"host": "api2", "root": "/srv/api", "place": "production"},
        {"host": "db1", "root": "/db"},
    ]
    assert listed() == []


@pytest.mark.parametrize(
    "place", [{**API, "hosts": "apis"}, {"hosts": "api"}, {"root": "/"}, "api"]
)
def test_a_slip_is_no_empty_list(place):
    with pytest.raises(AnsibleFilterError, match="deploy_beside: "):
        listed(API, place)


@pytest.mark.parametrize("place", [{**API, "hosts": "apis"}, {"hosts": "apis"}, "apis"])
@pytest.mark.parametrize("places", [lambda place: [API, place], lambda place: place])
def test_a_slip_is_told_on_where_no_error_would_be_heard(place, places):
    hosts = hosts_beside.hosts_beside(places(place), GROUPS, tell_slips=True)

    *good, slip = hosts
    assert [item["host"] for item in good] in ([], ["api1", "api2"])
    assert slip["host"] == "apis"
    (told,) = releases_beside.releases_beside([], [slip])
    assert told == {"host": "apis", "unknown": slip["unknown"]}
    assert "deploy_beside: " in told["unknown"]


def test_a_host_without_an_answer_from_its_root_is_not_taken_for_one_that_has_nothing():
    asked = listed({**API, "place": "production"})
    elsewhere = answer("none", item={**asked[1], "root": "/srv/elsewhere"})

    tell = releases_beside.FilterModule().filters()["releases_beside"]
    told = tell([answer("none"), elsewhere], asked)

    api = {"root": "/srv/api", "place": "production"}
    assert {"host": "api2", **api, "unknown": _answers.NOT_ASKED} in told
    assert {"host": "api1", **api, "live": None, "declared": {}} in told
    assert len(told) == 3


ONE, TWO = ({"name": "shop-api", "version": v, "serial": 1, "digest": v * 64} for v in "12")
DECLARED = {"name": "shop-api", "version": "1", "components": []}


def answer(phase="live", release=ONE, **more):
    deployment = {"live": None, "trial": None, "previous": TWO, "releases": [ONE, TWO]}
    if phase != "none":
        deployment["trial" if phase == "on trial" else "live"] = release
    declared = {ONE["digest"]: DECLARED, "other": DECLARED}
    item = {"host": "api1", "root": "/srv/api", "place": "production"}
    return {"item": item, "deployment": deployment, "declared": declared, **more}


def told(result):
    (item,) = releases_beside.FilterModule().filters()["releases_beside"]([result])
    where = (item.pop("host"), item.pop("root"), item.pop("place"))
    assert where == ("api1", "/srv/api", "production")
    return item


def test_what_serves_is_told_with_what_it_declares():
    declared = {ONE["digest"]: DECLARED}

    assert told(answer("live")) == {"live": ONE, "declared": declared}
    assert told(answer("on trial")) == {"live": None, "trial": ONE, "declared": declared}


@pytest.mark.parametrize(
    ("result", "why"),
    [
        ({"unreachable": True, "msg": "no route"}, "unreachable"),
        ({"failed": True, "msg": "no permission"}, "no permission"),
    ],
)
def test_what_is_not_known_is_not_taken_for_nothing(result, why):
    assert told({"item": answer()["item"], **result}) == {"unknown": why}
