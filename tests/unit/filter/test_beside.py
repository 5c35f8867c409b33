# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a deployment asks what is live, and what it makes of the answers."""

from __future__ import annotations

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.itops.release.plugins.filter import hosts_beside, releases_beside
from ansible_collections.itops.release.plugins.plugin_utils.compatibility import _beside

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
    (told,) = _beside.from_answers([], [slip])
    assert told == {"host": "apis", "unknown": slip["unknown"]}
    assert "deploy_beside: " in told["unknown"]


def test_a_host_without_an_answer_from_its_root_is_not_taken_for_one_that_has_nothing():
    asked = listed({**API, "place": "production"})
    elsewhere = answer("none", item={**asked[1], "root": "/srv/elsewhere"})

    tell = releases_beside.FilterModule().filters()["releases_beside"]
    told = tell([answer("none"), elsewhere], asked)

    assert {"host": "api2", "place": "production", "unknown": "was not asked"} in told
    assert {"host": "api1", "place": "production", "digest": None} in told
    assert len(told) == 3


def answer(phase="live", digest="d1", **more):
    deployment = {"live": None, "trial": None}
    if phase != "none":
        deployment["trial" if phase == "on trial" else "live"] = {"digest": digest}
    declared = {"d1": {"name": "shop-api", "version": "3.0.2", "components": []}}
    item = {"host": "api1", "root": "/srv/api", "place": "production"}
    return {"item": item, "deployment": deployment, "declared": declared, **more}


def told(result):
    (item,) = releases_beside.FilterModule().filters()["releases_beside"]([result])
    assert (item.pop("host"), item.pop("place")) == ("api1", "production")
    return item


@pytest.mark.parametrize("phase", ["live", "on trial"])
def test_what_serves_is_told_with_what_it_declares(phase):
    declared = {"name": "shop-api", "version": "3.0.2", "components": []}

    assert told(answer(phase)) == {"digest": "d1", **declared}


def test_what_is_tried_counts_before_what_it_replaces():
    result = answer("on trial")
    result["deployment"]["live"] = {"digest": "d0"}

    assert told(result)["digest"] == "d1"


def test_nothing_is_told_as_nothing():
    assert told(answer("none")) == {"digest": None}


@pytest.mark.parametrize(
    ("result", "why"),
    [
        ({"unreachable": True, "msg": "no route"}, "unreachable"),
        ({"failed": True, "msg": "no permission"}, "no permission"),
        (answer(digest=None), "what is live there was adopted, and nobody sealed it"),
        (answer(digest="d2"), "the manifest that is held there is damaged"),
        (
            answer(drift=[{"path": "current", "change": "modified", "tree": "t"}]),
            "current leads to something else there than is recorded",
        ),
    ],
    ids=["unreachable", "failed", "adopted", "damaged", "switched by hand"],
)
def test_what_is_not_known_is_not_taken_for_nothing(result, why):
    assert told({"item": answer()["item"], **result}) == {"unknown": why}
