# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rounds of measurements: when a probe is good, bad or inconclusive, and how long it may take."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.module_utils.options import _deployment
from ansible_collections.itops.release.plugins.module_utils.probes import _probes

TRUE = {"command": ["true"]}
TIMES = {"timeout": 5, "interval": 1}
WEEK = 7 * 24 * 3600


@pytest.fixture
def ask(monkeypatch):
    """Return ``ask(measured, **options)`` → (Result, pauses); "+-+" are good, bad, good."""

    class Kind:
        def __init__(self, measured):
            self.left = list(measured)

        def measure(self, probe):
            is_good = self.left.pop(0) == "+"
            return is_good, "well" if is_good else "ill"

    def ask(measured, **options):
        kind, pauses = Kind(measured), []
        monkeypatch.setitem(_probes.KINDS, "command", lambda: kind)
        done = _probes.ask({"timeout": 1, "interval": 2, **TRUE, **options}, pauses.append)
        return done, pauses

    return ask


@pytest.mark.parametrize(
    ("measured", "options", "result", "measurements"),
    [
        ("+", {}, "good", 1),
        ("-" * 10 + "+", {}, "good", 11),
        ("-" * 11, {}, "bad", 11),
        ("++", {"successes": 2}, "good", 2),
        ("-+-++", {"successes": 2}, "good", 5),
        ("+-" * 6, {"successes": 2}, "inconclusive", 12),
        ("-" * 11, {"successes": 2}, "bad", 11),
        ("-", {"failures": 0}, "bad", 1),
        ("+-", {"failures": 0, "successes": 3}, "bad", 2),
        ("--+", {"failures": 2}, "good", 3),
        ("---", {"failures": 2}, "bad", 3),
        ("-+-+-", {"failures": 2, "successes": 2}, "bad", 5),
        ("----", {"failures": 9, "count": 4}, "inconclusive", 4),
        ("----", {"count": 4}, "bad", 4),
        ("-+-+", {"count": 4, "successes": 2}, "inconclusive", 4),
        ("--", {"retries": 1}, "bad", 2),
        ("-++", {"retries": 1, "successes": 2}, "good", 3),
        ("-", {"retries": 0}, "bad", 1),
    ],
)
def test_measurements_end_in_one_of_three_results(ask, measured, options, result, measurements):
    done, pauses = ask(measured, **options)

    assert (done.result, done.measurements) == (result, measurements)
    assert done.measured == ("well" if measured[measurements - 1] == "+" else "ill")
    assert done.failed == measured[:measurements].count("-")
    assert pauses == [2] * (measurements - 1)


def test_the_first_measurement_may_wait(ask):
    done, pauses = ask("-+", initial_delay=30)

    assert (done.result, pauses) == ("good", [30, 2])


@pytest.mark.parametrize(
    ("measured", "options", "line"),
    [
        ("+", {}, "probe is good: well (1 measurement)"),
        ("--", {"count": 2}, "probe failed: ill (2 measurements)"),
        ("-+", {"count": 2, "name": "a\nb"}, "probe a b is good: well (2 measurements, 1 failed)"),
        (
            "+-+-",
            {"count": 4, "successes": 2, "name": "health"},
            "probe health is inconclusive: ill (4 measurements, 2 failed)",
        ),
    ],
)
def test_a_result_is_told_with_its_name_number_and_last_value(ask, measured, options, line):
    done, _pauses = ask(measured, **options)

    assert done.text == line


def test_a_baseline_is_measured_soon_and_not_often(ask):
    patient = {"count": 500, "successes": 2, "initial_delay": 60, "interval": 1}

    done, pauses = ask("-" * 500, **_probes.for_baseline({**TRUE, "timeout": 1, **patient}))

    assert (done.result, done.measurements, pauses) == ("bad", 3, [1, 1])
    done, pauses = ask("-+-+" * 500, **_probes.for_baseline({**TRUE, "timeout": 1, **patient}))
    assert (done.result, done.measurements) == ("inconclusive", 4)


@pytest.mark.parametrize(
    ("probe", "line"),
    [
        ({}, "give exactly one of url, tcp, command, unit"),
        ({"tcp": "a:1", "unit": "a"}, "give exactly one of url, tcp, command, unit"),
        ({"tcp": "a:1", "contains": "x"}, "contains is only for a url"),
        ({**TRUE, "status": [200]}, "status is only for a url"),
        ({"unit": "a", "before_switch": True}, "before_switch is only for a command"),
        ({**TRUE, "timeout": 0}, "timeout must be more than 0 seconds"),
        ({**TRUE, "timeout": float("nan")}, "timeout must be more than 0 seconds"),
        ({**TRUE, "interval": -1}, "timeout must be more than 0 seconds, interval"),
        ({**TRUE, "interval": float("nan")}, "timeout must be more than 0 seconds, interval"),
        ({**TRUE, "initial_delay": -1}, "timeout must be more than 0 seconds, interval"),
        ({**TRUE, "interval": float("inf")}, "timeout must be shorter, or count"),
        ({**TRUE, "timeout": 5, "interval": 5, "count": WEEK // 10 + 1}, "timeout must be shorter"),
        ({**TRUE, "initial_delay": WEEK}, "timeout must be shorter"),
        ({**TRUE, "successes": 0}, "retries must be 0 or more, and successes 1"),
        ({**TRUE, "retries": -1}, "retries must be 0 or more, and successes 1"),
        ({**TRUE, "failures": -1}, "failures must be 0 or more"),
        ({**TRUE, "count": 2, "successes": 3}, "count (2) is less than successes (3)"),
        ({**TRUE, "count": 0}, "count (0) is less than successes (1)"),
        ({**TRUE, "count": 2, "retries": 1}, "count and retries exclude each other"),
        ({"command": [""]}, "command: its first word"),
    ],
)
def test_a_probe_that_cannot_be_asked_or_never_ends_is_refused(probe, line):
    problem = _probes.wrong_with({**TIMES, **probe})

    assert problem
    assert problem.startswith(line)


@pytest.mark.parametrize(
    "probe",
    [
        TRUE,
        {"unit": "shop.service"},
        {"tcp": "127.0.0.1:80", "observe": True},
        {"url": "http://127.0.0.1/", "status": [204], "method": "HEAD"},
        {**TRUE, "before_switch": True, "count": 1, "failures": 0},
        {**TRUE, "timeout": 5, "interval": 5, "count": WEEK // 10},
    ],
)
def test_a_probe_that_can_be_asked_is_not_refused(probe):
    assert _probes.wrong_with({**TIMES, **probe}) is None


def test_the_options_of_the_module_are_those_that_probes_know():
    assert tuple(_probes.KINDS) == _deployment.KINDS
    assert set(_probes.OF_URL) < set(_deployment.PROBE)
