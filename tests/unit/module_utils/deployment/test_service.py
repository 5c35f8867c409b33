# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarting and probing: in which order, what decides, and what is said if it is not well."""

from __future__ import annotations

import time

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import _service
from ansible_collections.itops.release.tests.fakes.estate import probe_of

GOOD = {"command": ["true"]}
BAD = {"command": ["false"]}


def probe(*probes):
    return _service.probe([probe_of(each) for each in probes])


def test_probes_are_asked_one_after_the_other_and_reported(tmp_path):
    noting = {"command": ["sh", "-c", f"echo $0 >>{tmp_path}/asked", "first"], "name": "first one"}
    then = {"command": ["sh", "-c", f"echo $0 >>{tmp_path}/asked", "second"]}

    results = probe(noting, then)

    assert (tmp_path / "asked").read_text() == "first\nsecond\n"
    assert [(each["name"], each["kind"], each["result"]) for each in results] == [
        ("first one", "command", "good"),
        ("command", "command", "good"),
    ]
    assert results[0]["measured"] == "sh ended with 0"
    assert (results[0]["measurements"], results[0]["observe"]) == (1, False)


def test_the_first_probe_that_is_not_good_ends_it(tmp_path):
    noting = {"command": ["touch", str(tmp_path / "asked")]}

    with pytest.raises(_service.ServiceError) as caught:
        probe(GOOD, {**BAD, "name": "health"}, noting)

    told = "probe health failed: false ended with 1: no output (1 measurement)"
    assert str(caught.value) == told
    assert caught.value.code == "service_failed"
    assert [each["result"] for each in caught.value.probes] == ["good", "bad"]
    assert not (tmp_path / "asked").exists()


def test_a_probe_that_only_observes_never_decides():
    results = probe({**BAD, "observe": True}, GOOD)

    assert [(each["result"], each["observe"]) for each in results] == [
        ("bad", True),
        ("good", False),
    ]


def test_an_inconclusive_probe_is_not_good(tmp_path):
    counted = f"echo >>{tmp_path}/asked; test $(($(wc -l <{tmp_path}/asked) % 2)) = 1"
    flapping = {"command": ["sh", "-c", counted], "count": 4, "successes": 2}

    with pytest.raises(_service.ServiceError, match="probe is inconclusive: sh ended") as caught:
        probe(flapping)

    assert caught.value.code == _service.INCONCLUSIVE
    assert "(4 measurements, 2 failed)" in str(caught.value)
    (result,) = caught.value.probes
    assert (result["result"], result["measurements"], result["failed"]) == ("inconclusive", 4, 2)


def test_the_path_of_a_staged_release_goes_where_its_place_is(tmp_path):
    (tmp_path / "app").write_text("")
    command = ["test", "-e", "{release}/app", "-a", "-d", "{release}"]

    (result,) = _service.probe_staged([probe_of({"command": command})], str(tmp_path))

    assert result["result"] == "good"


def test_a_baseline_is_an_answer_and_no_failure():
    assert _service.baseline([probe_of(GOOD)]) == {"in_service": True, "out_of_service": None}
    assert _service.baseline([probe_of(GOOD), probe_of({**BAD, "name": "health"})]) == {
        "in_service": False,
        "out_of_service": "probe health failed: false ended with 1: no output (1 measurement)",
    }


@pytest.mark.parametrize(
    ("probes", "line"),
    [
        ([{"url": "nowhere"}], "probe: url (not told"),
        ([GOOD, {"tcp": "nowhere"}], "probe: number 2: tcp: 'nowhere' is not host:port"),
        ([GOOD, {"unit": "a b", "name": "shop"}], "probe: shop: unit: 'a b' is not the name"),
    ],
)
def test_a_probe_that_cannot_be_asked_is_named(probes, line):
    with pytest.raises(_service.ServiceError) as caught:
        _service.check([probe_of(each) for each in probes])

    assert str(caught.value).startswith(line)


def test_a_restart_that_takes_too_long_is_ended_with_its_children(tmp_path):
    mark = tmp_path / "still-there"
    with pytest.raises(_service.ServiceError, match="took too long"):
        _service.restart(["sh", "-c", f"(sleep 1; touch {mark}) & wait"], 0.2)
    time.sleep(1.2)
    assert not mark.exists()


SECRET = "s3cr3t"


def test_a_command_that_is_one_text_is_told_by_its_program():
    with pytest.raises(_service.ServiceError) as caught:
        _service.restart([f"service restart --token {SECRET}"], 60)

    assert SECRET not in str(caught.value)
    assert "service… ended with 127 (it is one text: give a list of" in str(caught.value)


def test_of_a_command_s_arguments_none_is_told():
    with pytest.raises(_service.ServiceError) as caught:
        _service.restart(["sh", "-c", "exit 3", SECRET], 60)

    assert str(caught.value) == "restart failed: sh ended with 3: no output"


def test_a_restart_that_fails_is_told():
    _service.restart(["true"], 60)
    with pytest.raises(_service.ServiceError, match="restart failed: sh ended with 2: sorry"):
        _service.restart(["sh", "-c", "echo sorry; exit 2"], 60)


def test_a_restart_that_leaves_a_daemon_is_not_waited_for():
    began = time.monotonic()

    _service.restart(["sh", "-c", "sleep 5 & echo started"], 60)

    assert time.monotonic() - began < 4


def test_commands_see_no_shell_and_no_standard_input():
    _service.restart(["test", "$HOME", "=", "$HOME"], 60)
    with pytest.raises(_service.ServiceError):
        _service.restart(["sh", "-c", "read line"], 60)
