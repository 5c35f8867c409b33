# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers: none without observations."""

from __future__ import annotations

from datetime import datetime

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.measures._numbers import (
    Measure,
    MeasureError,
    Period,
    median,
    percentile,
    share,
)
from ansible_collections.itops.release.tests.fakes.histories import at


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([], 90, None),
        ([7], 90, 7),
        (range(1, 11), 90, 9),
        (range(1, 12), 90, 10),
        ([3, 1, 2], 0, 1),
        ([3, 1, 2], 100, 3),
        ([15, 20, 35, 40, 50], 30, 20),  # the example of nearest rank on Wikipedia
        ([15, 20, 35, 40, 50], 40, 20),
        ([15, 20, 35, 40, 50], 50, 35),
    ],
)
def test_percentile_is_a_value_that_was_observed(values, percent, expected):
    assert percentile(list(values), percent) == expected


def test_median_and_share_of_nothing_are_not_known():
    assert (median([]), median([1, 3]), median([5])) == (None, 2, 5)
    assert (share(0, 0), share(0, 4), share(1, 4)) == (None, 0, 0.25)


def test_a_period_ends_before_its_end():
    period = Period(at(0), at(36))

    assert [period.has(moment) for moment in (None, at(-1), at(0), at(35), at(36))] == [
        False,
        False,
        True,
        True,
        False,
    ]
    assert period.days == 1.5


@pytest.mark.parametrize("end", [at(0), at(-1), datetime(2027, 1, 1)])
def test_a_period_that_is_no_time_is_refused(end):
    with pytest.raises(MeasureError, match=r"\Aperiod: [^\n]+\Z"):
        Period(at(0), end)


def test_a_measure_as_plain_data():
    measure = Measure("frequency", None, "1/d", "Deployments a day.", 0)

    assert measure.to_plain() == {
        "name": "frequency",
        "value": None,
        "unit": "1/d",
        "definition": "Deployments a day.",
        "counted": 0,
        "unknown": 0,
    }
