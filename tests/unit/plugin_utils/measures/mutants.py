# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Definitions of plugins/plugin_utils/measures/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant


def measure(without: str, file: str, old: str, new: str, test: str, within: str = "") -> Mutant:
    """Return a Mutant; its name has the word by which all of this room are run."""
    tests = f"unit/plugin_utils/measures/{test}"
    return Mutant(
        f"measures: {without}", f"plugin_utils/measures/{file}.py", old, new, tests, within
    )


MUTANTS = (
    measure(
        "counting no redeployment",
        "_deployment",
        "not self.was_live",
        "True",
        "test_dora.py frequency",
    ),
    measure(
        "counting no partial deployment",
        "_deployment",
        "self.whole",
        "True",
        "test_deployments.py limited",
        "Deployment.is_new",
    ),
    measure(
        "counting deployments alone, and not what reconcile brings",
        "_deployment",
        "self.act == DEPLOY",
        "True",
        "test_dora.py frequency",
        "Deployment.is_new",
    ),
    measure(
        "accepting a release only where all planned hosts have it",
        "_deployments",
        "all(there)",
        "any(there)",
        "test_deployments.py",
    ),
    measure(
        "taking the release of a failed deployment for one that was not there",
        "_deployments",
        "self._failed.add((place, run.digest))",
        "",
        "test_deployments.py failed_deployment",
    ),
    measure(
        "blaming an incident on one deployment alone",
        "_failures",
        "about[-1], since, INCIDENT",
        "about[0], since, INCIDENT",
        "test_failures.py",
    ),
    measure(
        "blaming incidents on a release in its early life alone",
        "_failures",
        "since <= _ends(about[-1], early_life)",
        "True",
        "test_failures.py",
    ),
    measure(
        "counting emergencies as rework",
        "_dora",
        "each.change == EMERGENCY",
        "False",
        "test_dora.py rework",
    ),
    measure(
        "knowing no rate without deployments",
        "_numbers",
        "part / whole if whole else None",
        "part / whole if whole else 0.0",
        "test_numbers.py",
    ),
    measure(
        "knowing no frequency where nothing is on record",
        "_dora",
        "count / period.days if is_known else None",
        "count / period.days",
        "test_dora.py known",
    ),
    measure(
        "taking the time of the last planned host for the end of lead times",
        "_dora",
        "each.accepted or each.began",
        "each.began",
        "test_dora.py lead_time",
    ),
    measure(
        "leading a critical path through no wait",
        "_critical_path",
        "abs(each.earliest_start - ends[path[-1]]) < TOLERANCE",
        "True",
        "test_critical_path.py alone or twice",
    ),
)
