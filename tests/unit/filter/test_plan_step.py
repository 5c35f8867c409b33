# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts and waves of an environment, and of a domain, before the first task of a play."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.itops.release.plugins.filter.plan_step import UNKNOWN, plan_step
from ansible_collections.itops.release.tests.fakes.plans import PLAN, TRAIN, changed

WAVES = [1, "100%"]


@pytest.mark.parametrize(
    ("plain", "words", "expected"),
    [
        (PLAN, ("staging",), {"hosts": "shop:&staging", "waves": ["100%"]}),
        (PLAN, ("staging", "db"), UNKNOWN),
        (PLAN, ("",), UNKNOWN),
        (
            changed(TRAIN, "path", 1, waves=WAVES),
            ("production", "db"),
            {"hosts": "db:&production", "waves": WAVES},
        ),
        (TRAIN, ("production",), UNKNOWN),
        (TRAIN, ("production", "x"), UNKNOWN),
        (changed(PLAN, plan=None), ("staging",), UNKNOWN),
    ],
)
def test_hosts_and_waves_are_those_of_the_step(plain, words, expected, tmp_path):
    path = tmp_path / "plan.yml"
    path.write_text(yaml.safe_dump(plain))

    assert plan_step(str(path), *words) == expected
