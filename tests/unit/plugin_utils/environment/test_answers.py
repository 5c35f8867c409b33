# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of hosts from their answers; a host without a valid one is unknown, with the reason."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.module_utils.root import _state as _root_state
from ansible_collections.itops.release.plugins.plugin_utils.environment import _answers
from ansible_collections.itops.release.plugins.plugin_utils.environment._state import (
    DeployedRelease,
    HostState,
)


def release(number):
    return {"name": "shop", "version": f"{number}", "serial": number, "digest": f"{number}" * 64}


def reference(number):
    return "sha256:" + f"{number}" * 64


def answer(*releases, drift=(), **special):
    told = {"root": "/srv", "live": None, "trial": None, "previous": None, **special}
    return {"deployment": {**told, "releases": list(releases)}, "drift": list(drift)}


def of_host(answer):
    (there,) = _answers.from_hosts({"web1": answer}, ["web1"]).hosts
    return there


def test_what_a_host_answered_is_its_state():
    answered = answer(release(1), live=release(1), trial=release(2), previous=release(3))
    one, two, three = (DeployedRelease(**release(number)) for number in (1, 2, 3))

    assert of_host(answered) == HostState("web1", "/srv", "", one, two, three, (one,))
    assert of_host({**answered, "declared": {"d": 1}}).declared == {"d": 1}


def test_everything_that_any_root_holds_is_held():
    state = _answers.from_hosts(
        {
            "web1": {"results": [answer(release(1), release(2)), answer(release(3))]},
            "web2": {"results": [answer(release(2))]},
            "web3": answer(release(4)),
            "db1": {"results": []},
        },
        ["web1", "web2", "web3", "db1"],
    )

    assert state.references == (*map(reference, (1, 2, 3, 4)),)
    assert state.unknown == {}
    assert state.hosts[-1] == HostState("db1")


def test_the_summary_of_a_host_is_understood(estate):
    host = estate.host(keep=5)
    labels = [estate.seal(f"{n}.0", {"app": f"{n}"}) for n in (1, 2)]
    for label in labels:
        host.deploy(label)

    there = of_host({"deployment": _root_state.summary(str(host.root), host.state)})

    assert (there.unknown, there.root) == ("", str(host.root))
    assert there.live == DeployedRelease(**labels[1]._asdict())
    assert there.previous == DeployedRelease(**labels[0]._asdict())
    assert {item.digest for item in there.releases} == {label.digest for label in labels}
    nothing = of_host({"deployment": _root_state.summary("/srv/none", _root_state.State())})
    assert nothing == HostState("web1", "/srv/none")


def test_what_was_there_before_has_no_digest():
    adopted = {**release(1), "digest": None}

    there = of_host(answer(adopted, live=adopted))
    assert (there.unknown, there.live.is_adopted) == ("", True)


FAILED = {"failed": True, "msg": "Task failed: Module failed: state.json\n cannot be read"}
LOST = {"unreachable": True, "msg": "ssh: connect to host web1"}
GONE = {"failed": True, "code": "host_lost", "msg": "unreachable: ssh: connect to host web1"}


@pytest.mark.parametrize(
    ("answered", "why"),
    [
        (None, "was not asked"),
        ({"failed": True, "msg": "Task failed: 'deploy_root' is undefined"}, "'deploy_root' is"),
        ({"results": [FAILED], "failed": True}, "state.json cannot be read"),
        ({"results": [answer(release(1)), LOST]}, "unreachable"),
        ({"unreachable": True}, "unreachable"),
        (GONE, "unreachable"),
        ({"results": [{"skipped": True}]}, "no answer"),
        ({"skipped": True}, "no answer"),
        ({"results": [{"failed": True, "msg": "x" * 500}]}, "x" * 119 + "…"),
        ({"failed": True, "msg": "\x1b[31m"}, "\\x1b[31m"),
        ({"deployment": {}}, "its answer is malformed"),
        (answer(live={**release(1), "digest": "x"}), "its answer is malformed"),
        (answer(release(1), {"name": "shop"}), "its answer is malformed"),
    ],
)
def test_a_host_that_gave_no_answer_is_unknown_with_the_reason(answered, why):
    answers = {"web1": answered, "web2": {"results": [answer(release(2))]}}

    state = _answers.from_hosts(answers, ["web1", "web2"])

    assert state.unknown.keys() == {"web1"}
    assert why in state.unknown["web1"]
    assert "ssh:" not in state.problem
    assert "web1 (" in state.problem
    assert state.problem.isprintable()
    assert reference(2) in state.references


def differs(change, tree="t", path="current"):
    return {"path": path, "change": change, "tree": tree}


@pytest.mark.parametrize(
    ("drift", "is_unknown"),
    [
        ([differs("modified")], True),
        ([differs("modified", None)], True),
        ([differs("missing")], True),
        ([differs("missing", None)], False),  # nothing was ever live, and nothing is current
        ([differs("release")], False),  # another one was expected
        ([differs("trial")], False),
        ([differs("modified", path="bin/app")], False),
    ],
)
def test_a_record_that_current_contradicts_is_not_believed(drift, is_unknown):
    there = of_host(answer(release(1), live=release(1), drift=drift))

    assert there.unknown == ("current leads to something else there than is recorded" * is_unknown)
    assert there.held == (DeployedRelease(**release(1)),)


def test_an_answer_of_before_does_not_count():
    answers = {"web1": {"results": [answer(release(1))]}, "web2": None, "web3": answer(release(1))}

    state = _answers.from_hosts(answers, [])

    assert state.unknown == dict.fromkeys(
        answers, "left out by --limit, or lost earlier in this run"
    )
    assert state.references == ()


def test_a_pattern_that_was_not_understood_is_noticed():
    assert _answers.from_hosts({}, ["web1"]).unknown.keys() == {"web1"}


ITEM = {"host": "api1", "root": "/srv/api", "place": "production"}


def test_the_results_of_a_loop_are_of_the_hosts_that_were_asked():
    state = _answers.from_loop([{**answer(live=release(1)), "item": ITEM}, {**LOST, "item": ITEM}])

    live, lost = state.hosts
    assert live == HostState("api1", "/srv/api", "production", DeployedRelease(**release(1)))
    assert lost == HostState("api1", "/srv/api", "production", unknown="unreachable")


def test_a_host_without_an_answer_from_its_root_is_unknown():
    asked = [ITEM, {**ITEM, "host": "api2"}, {"host": "apis", "unknown": "no\nsuch host"}]
    elsewhere = {**answer(), "item": {**ITEM, "host": "api2", "root": "/srv/elsewhere"}}

    state = _answers.from_loop([{**answer(), "item": ITEM}, elsewhere], asked)

    assert state.unknown == {"api2": "was not asked", "apis": "no\\nsuch host"}
    assert HostState("api1", "/srv/api", "production") in state.hosts
    assert HostState("api2", "/srv/api", "production", unknown="was not asked") in state.hosts
    assert len(state.hosts) == 4
