# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.ledger import _hosts

FOUR = ("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("failed", "percent", "fatal", "goes_on"),
    [
        ((), 0, False, True),
        (("a",), 0, False, False),
        (("a",), 25, False, True),
        (("a", "b"), 25, False, False),
        (("a", "b"), None, False, True),
        (("a",), None, True, False),
        (FOUR, None, False, False),
        (FOUR, 100, False, False),
    ],
)
def test_hosts_go_on_as_the_play_says(failed, percent, fatal, goes_on):
    assert _hosts.go_on(FOUR, failed, percent, fatal) == goes_on


def test_a_batch_is_the_last_where_no_host_behind_it_goes_on():
    assert _hosts.is_last_batch(("c", "d"), FOUR, FOUR)
    assert _hosts.is_last_batch(("c",), ("a", "c"), FOUR)  # d failed before
    assert not _hosts.is_last_batch(("a", "b"), FOUR, FOUR)


def test_a_host_is_in_the_first_environment_of_its_groups():
    groups = {"all": FOUR, "production": ["a", "b"], "staging": ["b", "c"]}

    assert _hosts.environments(FOUR, groups, ["staging", "production"]) == {
        "a": "production",
        "b": "staging",
        "c": "staging",
    }
    assert _hosts.environments(["d"], groups, ["staging"], "test") == {"d": "test"}


@pytest.mark.parametrize(
    ("reference", "application"),
    [("shop:1.0.0", "shop"), ("sha256:" + "a" * 64, ""), ("previous", ""), (None, "")],
)
def test_an_intent_names_the_application_that_the_user_named(reference, application):
    arguments = {
        "act": "deploy",
        "hosts": None,
        "release": reference,
        "root": "/srv",
        "environments": [],
        "env": None,
    }
    play = {
        "inventory_hostname": "a",
        "groups": {"all": FOUR},
        "ansible_play_batch": ["a", "b"],
        "ansible_play_hosts": FOUR,
        "ansible_play_hosts_all": FOUR,
    }
    intent = _hosts.intent(arguments, play, "run-1", {}, alone=False)

    assert (intent.application, intent.hosts, intent.more) == (application, ("a", "b"), True)
    assert _hosts.intent(arguments, play, "run-1", {}, alone=True).hosts == ("a",)


@pytest.mark.parametrize(
    ("value", "number"),
    [(None, None), ("", None), (0, 0), ("25", 25), ("25%", 25), (" 12.5 % ", 12.5)],
)
def test_a_percentage_is_read_as_people_write_it(value, number):
    assert _hosts.percent(value) == number
