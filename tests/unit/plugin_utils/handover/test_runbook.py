# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import shlex

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.handover._runbook import (
    Place,
    runbook,
)
from ansible_collections.itops.release.tests.unit.plugin_utils.handover.known import issue

OPTIONS = {
    "deploy_root": "/srv/shop",
    "deploy_probe": [
        {"url": "https://user:secret@127.0.0.1:8443/health?token=secret"},
        {"tcp": "127.0.0.1:5432"},
        {"unit": "shop.service"},
        {"command": ["/opt/check", "--password", "secret"]},
        {"url": "http://shop/health"},
    ],
    "deploy_restart": ["systemctl", "--no-block", "restart", "shop.service", "cart.service"],
    "deploy_hooks": {"before_activate": "x.yml", "after_commit": "y.yml"},
}


def place(**more):
    about = {"versions": (("1.5.0", 2),), "hosts": ("web1", "web2"), "roots": ("/srv/shop",)}
    return Place("shop", "production", **{**about, "options": OPTIONS, **more})


def commands(found, inventories=("hosts.yml",)):
    book = runbook("shop", [found], inventories, [])
    return {command.title: shlex.split(command.line) for command in book.commands["production"]}


def test_what_is_known_of_a_place_is_told_and_no_secret():
    here = place()

    assert here.ports == ["8443", "5432", "80"]
    assert here.units == ["shop.service", "cart.service"]
    assert here.hooks == ["after_commit", "before_activate"]
    assert here.probes[0] == "url https://127.0.0.1:8443/health?…"
    assert "secret" not in repr(here.probes)


def test_one_probe_needs_no_list():
    assert place(options={"deploy_probe": {"tcp": "[::1]:25"}}).ports == ["25"]
    assert place(options={}).probes == []


def test_commands_name_the_hosts_where_no_plan_is_known():
    found = commands(place())

    assert found["Verify every file on its hosts"] == [
        "ansible-playbook",
        "itops.release.verify",
        "-i",
        "hosts.yml",
        "-e",
        "deploy_hosts=web1,web2",
    ]
    assert not any(title.startswith("Back out") for title in found)


def test_a_plan_gives_its_pattern_and_a_back_out():
    pattern, file = "shop:&production", "/srv/my pages/plans/shop-1.plan.json"
    found = commands(place(pattern=pattern, plan="shop-1", plan_file=file), ["a b.yml", "c.yml"])

    assert found["Roll back to the release before"][2:] == [
        *("-i", "a b.yml", "-i", "c.yml", "-e"),
        "deploy_hosts=shop:&production",
    ]
    assert json.loads(found["Back out what shop-1 deployed"][-1]) == {
        "release_plan": file,
        "release_env": "production",
        "release_as": "backed_out",
    }


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"is_elsewhere": True}, "Its deployment root is not the deploy_root"),
        ({"options": {}}, "Its hosts, or deploy_root, are not in this inventory"),
        ({"pattern": "all,{{ lookup('pipe', 'true') }}"}, "would be read as a template"),
        ({"hosts": ("web1", "{% x %}")}, "would be read as a template"),
    ],
)
def test_no_command_does_something_else_than_it_says(more, why):
    found = place(**more)

    assert found.problem.startswith(why) or why in found.problem
    assert commands(found) == {}


def test_a_command_that_restarts_or_probes_shows_no_secret():
    told = {"command": "/opt/check --password secret"}
    here = place(options={"deploy_probe": told, "deploy_restart": ["/opt/run", "--token", "x"]})

    assert (here.probes, here.units) == (["command /opt/check"], [])


def test_known_errors_are_those_of_the_application():
    entries = [
        issue("I-1", known_error=True, affects="shop"),
        issue("I-2", known_error=True, affects="billing"),
        issue("I-3", known_error=True),
        issue("I-4"),
    ]
    book = runbook("shop", [place()], [], entries)

    assert [entry.id for entry in book.known_errors] == ["I-1", "I-3"]
