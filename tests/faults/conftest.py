# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of faults share: releases in memory, how many points are swept, and the count."""

from __future__ import annotations

import collections
import contextlib
import os
import pathlib
import tempfile

import pytest

from ansible_collections.itops.release.tests.faults.sweeping import Bench

MEMORY = "/dev/shm"  # where a thousand barriers cost nothing
LARGE = 36  # more files than in a small release


@pytest.fixture(scope="session")
def every_point(request):
    return request.config.getoption("--every-point")


@pytest.fixture(scope="session")
def memory():
    with contextlib.ExitStack() as stack:
        folder = MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else None
        made = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="itops-release-faults-", dir=folder)
        )
        yield pathlib.Path(made)


@pytest.fixture(scope="session")
def bench(memory):
    return Bench(memory / "small")


@pytest.fixture(scope="session")
def large_bench(memory):
    return Bench(memory / "large", LARGE)


@pytest.fixture
def sweep(record_property):
    """Sweep an operation of a Bench, and record how many points that were."""

    def swept(bench, operation, fault, most):
        count, problems = bench.sweep(operation, fault, most)
        record_property("swept", [operation.name, fault, count])
        return problems

    return swept


def pytest_terminal_summary(terminalreporter):
    """Tell how many points were swept, for each operation and fault."""
    counts = collections.defaultdict(collections.Counter)
    for report in terminalreporter.stats.get("passed", []):
        for key, value in report.user_properties:
            if key == "swept":
                operation, fault, count = value
                counts[operation][fault] += count
    if counts:
        terminalreporter.section("points swept")
        faults = sorted({fault for row in counts.values() for fault in row})
        terminalreporter.write_line(f"{'':<24}" + "".join(f"{fault:>8}" for fault in faults))
        for operation, row in counts.items():
            cells = "".join(f"{row[fault]:>8}" for fault in faults)
            terminalreporter.write_line(f"{operation:<24}{cells}")
        total = sum(sum(row.values()) for row in counts.values())
        terminalreporter.write_line(f"{total} points")
