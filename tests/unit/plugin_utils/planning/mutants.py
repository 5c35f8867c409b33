# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/planning/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

AFTER_FAILURE, KEPT, RECONCILING, ROLLING_OUT = (
    f"plugin_utils/planning/_{name}.py"
    for name in ("after_failure", "kept", "reconciling", "rolling_out")
)
KEPT_TESTS, RECONCILING_TESTS, ROLLING_OUT_TESTS = (
    f"unit/plugin_utils/planning/test_{name}.py" for name in ("kept", "reconciling", "rolling_out")
)

MUTANTS = (
    check(
        "looking before each wave whether enough hosts are left",
        ROLLING_OUT,
        "not is_last",
        f"{ROLLING_OUT_TESTS} next_wave_waits",
    ),
    Mutant(
        "looking before the first batch of the way back whether enough hosts are left",
        ROLLING_OUT,
        "not batches or may.next != GO",
        "not batches",
        f"{ROLLING_OUT_TESTS} first_batch",
    ),
    Mutant(
        "backing out what an earlier run of the deployment changed",
        ROLLING_OUT,
        '_after_failure.unfinished(task, release.get("name", ""), step.environment)',
        "()",
        f"{ROLLING_OUT_TESTS} goes_on_backs_out",
    ),
    Mutant(
        "opening an issue of a release that failed",
        ROLLING_OUT,
        'verdict in ("backed_out", "failed") and not task.check',
        "False",
        f"{ROLLING_OUT_TESTS} last_wave",
    ),
    Mutant(
        "making a release bad whose deployment failed",
        AFTER_FAILURE,
        'kept.release.get("digest", "")',
        '""',
        f"{ROLLING_OUT_TESTS} last_wave",
    ),
    Mutant(
        "selecting no host for a part of a run that has none",
        KEPT,
        '{"hosts": ["all:!all"], "serial": ["100%"]}',
        '{"hosts": ["all"], "serial": ["100%"]}',
        f"{KEPT_TESTS} selects_none",
    ),
    omit(
        "recording what hosts did before reconcile decides",
        RECONCILING,
        "_import(task, names, env)",
        f"{RECONCILING_TESTS} without_the_ledger",
    ),
    Mutant(
        "bringing nothing whose issue is open",
        RECONCILING,
        'e.is_blocker and e.text("release")',
        "False",
        f"{RECONCILING_TESTS} issue",
    ),
    check(
        "passing over hosts that do not answer",
        RECONCILING,
        "there is None",
        f"{RECONCILING_TESTS} late",
    ),
)
