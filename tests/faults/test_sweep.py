# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""At whatever system call a process ends or fails: the old or the new release is live, and whole.

One re-run then brings what was asked for, and the next changes nothing.
"""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.tests.faults.points import ERRORS, KILL
from ansible_collections.itops.release.tests.faults.sweeping import OPERATIONS

KILLS_SAMPLED = 5
THOROUGHLY_SAMPLED = 25
ERRORS_SAMPLED = 2
NAMES = pytest.mark.parametrize("name", OPERATIONS)


@NAMES
def test_a_process_that_is_killed_leaves_the_old_or_the_new(name, bench, sweep, every_point):
    operation = OPERATIONS[name]
    most = THOROUGHLY_SAMPLED if operation.thorough else KILLS_SAMPLED

    assert sweep(bench, operation, KILL, None if every_point else most) == []


@NAMES
@pytest.mark.parametrize("error", ERRORS)
def test_a_call_that_fails_is_told_in_a_line_and_loses_nothing(
    name, error, bench, sweep, every_point
):
    most = None if every_point else ERRORS_SAMPLED

    assert sweep(bench, OPERATIONS[name], error, most) == []


@NAMES
def test_a_process_with_a_larger_release_is_killed(name, large_bench, sweep, every_point):
    most = None if every_point else 1

    assert sweep(large_bench, OPERATIONS[name], KILL, most) == []
