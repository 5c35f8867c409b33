# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host is in the group of one environment."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.gates import _environments
from ansible_collections.itops.release.plugins.plugin_utils.gates._sources import GateError

NAMES = ("test", "staging", "production")
GROUPS = {"all": ["a", "b", "c", "d"], "staging": ["a", "b"], "production": ["b", "c"]}


def test_hosts_of_the_environment_pass():
    _environments.demand(["a"], "staging", NAMES, GROUPS)


@pytest.mark.parametrize(
    ("host", "environment", "expected"),
    [
        ("c", "test", "c is in production, and the plan says test"),
        ("b", "staging", "b is in staging and production, and the plan says staging"),
        ("d", "staging", "d is in no group of an environment of policy.yml, and the plan says"),
    ],
)
def test_other_hosts_are_refused(host, environment, expected):
    with pytest.raises(GateError, match=expected):
        _environments.demand(["a", host][host != "a" :], environment, NAMES, GROUPS)
