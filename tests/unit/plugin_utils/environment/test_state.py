# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is live where, in one form: what is unknown is named with the reason, never left out."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.environment import _state
from ansible_collections.itops.release.plugins.plugin_utils.environment._state import (
    DeployedRelease,
    EnvironmentState,
    HostState,
)

ONE, TWO, THREE = (DeployedRelease("shop", str(n), n, str(n) * 64) for n in (1, 2, 3))
ADOPTED = DeployedRelease("shop", "20260101", 0, None)
LOST = HostState("web9", unknown="unreachable")


def test_what_is_on_trial_serves():
    assert HostState("web1", live=ONE, trial=TWO).serving == TWO
    assert HostState("web1", live=ONE).serving == ONE
    assert HostState("web1").serving is None


def test_an_adopted_release_is_known_but_not_which_package_it_is():
    there = HostState("web1", live=ADOPTED, releases=(ADOPTED,))

    assert (there.unknown, there.problem) == ("", _state.ADOPTED)
    assert EnvironmentState((there,)).unknown == {}
    assert EnvironmentState((there,)).references == ()
    assert HostState("web1", live=ADOPTED, trial=ONE).problem == ""
    assert LOST.problem == "unreachable"


def test_what_is_live_where_is_told_by_release():
    state = EnvironmentState(
        (
            HostState("web1", "/a", live=ONE),
            HostState("web1", "/b", live=ONE),
            HostState("web2", live=ONE, trial=TWO),
            HostState("web3", live=ONE, unknown="current leads elsewhere"),
            HostState("web4"),
        )
    )

    assert state.serving == {ONE: ("web1",), TWO: ("web2",)}


@pytest.mark.parametrize("which", ["live", "trial", "previous"])
def test_all_that_a_host_holds_is_referred_to(which):
    state = EnvironmentState((HostState("a", releases=(TWO,)), HostState("b", **{which: ONE})))

    assert state.references == (ONE.reference, TWO.reference)
    assert ONE.reference == "sha256:" + "1" * 64


def test_what_an_unknown_host_holds_is_referred_to_as_well():
    assert EnvironmentState((HostState("a", live=ONE, unknown="x"),)).references == (ONE.reference,)


DECLARED = {ONE.digest: {"name": "shop", "components": []}, TWO.digest: {"name": "shop"}}
STATES = [
    HostState("web1"),
    HostState("web1", "/srv/shop", "production", ONE, TWO, THREE, (ONE, TWO, ADOPTED), DECLARED),
    HostState("web1", live=ADOPTED, declared={}),
    HostState("web1", live=ONE, unknown="current leads elsewhere"),
    LOST,
]


@pytest.mark.parametrize("there", STATES)
def test_a_state_survives_being_plain_data(there):
    state = EnvironmentState((there, HostState("b")))

    assert EnvironmentState.from_plain(state.to_plain(), "beside") == state


def test_the_plain_form_says_what_is_there_and_no_more():
    plain = EnvironmentState((HostState("a"), LOST, HostState("b", live=ONE))).to_plain()

    assert plain == [
        {"host": "a", "live": None},
        {"host": "web9", "unknown": "unreachable"},
        {"host": "b", "live": {"name": "shop", "version": "1", "serial": 1, "digest": "1" * 64}},
    ]


def test_a_digest_is_enough_for_a_release():
    plain = [{"host": "a", "live": {"digest": "1" * 64}}]

    (there,) = EnvironmentState.from_plain(plain, "beside").hosts
    assert there.live == DeployedRelease("", "", 0, "1" * 64)


@pytest.mark.parametrize(
    "item",
    [
        "text",
        None,
        {},
        {"host": "a"},
        {"live": None},
        {"host": 1, "live": None},
        {"host": "a", "live": "x"},
        {"host": "a", "live": {}},
        {"host": "a", "live": {"digest": "../x"}},
        {"host": "a", "live": {"digest": 1}},
        {"host": "a", "live": {**ONE.to_plain(), "version": "\x1b[31m"}},
        {"host": "a", "live": {**ONE.to_plain(), "serial": "x"}},
        {"host": "a", "live": None, "trial": []},
        {"host": "a", "live": None, "releases": [None]},
        {"host": "a", "live": None, "declared": []},
    ],
)
def test_another_form_is_refused_by_option_and_entry(item):
    plain = [{"host": "b", "live": None}, item]

    with pytest.raises(_state.StateError, match=r"beside: (a|1|entry 2): .*; expected host") as e:
        EnvironmentState.from_plain(plain, "beside")
    assert str(e.value).isprintable()


def test_the_reason_that_a_host_is_unknown_is_printable():
    plain = [{"host": "a", "unknown": "\x1b[31mno\nway"}]

    assert EnvironmentState.from_plain(plain, "beside").unknown == {"a": "\\x1b[31mno\\nway"}


def test_only_what_serves_goes_with_each_task():
    there = HostState("a", "/r", "p", ONE, TWO, THREE, (ONE, TWO, THREE), DECLARED)

    assert there.only_serving() == HostState(
        "a", "/r", "p", ONE, TWO, declared={TWO.digest: {"name": "shop"}}
    )
    assert HostState("a", declared=DECLARED).only_serving().declared == {}
    assert LOST.only_serving() == LOST


def test_unknown_hosts_are_named_by_reason_and_counted():
    states = [HostState(f"web{n}", unknown="was not asked") for n in range(25)]
    some = [HostState("a", unknown="x"), HostState("b", unknown="y"), HostState("c", unknown="x")]

    problem = EnvironmentState(tuple(states)).problem
    assert problem.startswith("cannot know what is deployed on web0, web1, ")
    assert problem.endswith("web19 (was not asked) and 5 more")
    assert EnvironmentState(tuple(some)).problem.endswith("on a, c (x), b (y)")
    assert EnvironmentState((HostState("a"),)).problem == ""


def test_the_first_reason_of_a_host_counts():
    state = EnvironmentState(
        (HostState("a"), HostState("a", unknown="x"), HostState("a", unknown="y"))
    )

    assert state.unknown == {"a": "x"}
