# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for all tests: who runs which, and that none depends on the speed of the machine."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

ANY_SPEED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

settings.register_profile("any-speed", settings(), **ANY_SPEED)
settings.load_profile("any-speed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-point", action="store_true", help="be exhaustive where else a sample is taken"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is exhaustive, unless that is asked for."""
    if config.getoption("--every-point"):
        return
    left_out = [item for item in items if item.get_closest_marker("every_point")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_runtest_setup(item: pytest.Item) -> None:
    needs_root = item.get_closest_marker("root")
    if needs_root and os.geteuid() != 0:
        pytest.skip(f"needs root: {needs_root.args[0]}")
