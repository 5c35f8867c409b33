# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/handover/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant

ITEMS = "plugin_utils/handover/_items.py"
EARLY_LIFE = "plugin_utils/handover/_early_life.py"
RUNBOOK = "plugin_utils/handover/_runbook.py"
TESTS = "unit/plugin_utils/handover"

MUTANTS = (
    Mutant(
        "counting only runs that went well as exercised",
        ITEMS,
        'run.verdict == "done"',
        "run.verdict",
        f"{TESTS}/test_items.py exercised",
    ),
    Mutant(
        "a known error without a workaround is not answered",
        ITEMS,
        """    if without:
        return ""
""",
        "",
        f"{TESTS}/test_items.py workaround",
    ),
    Mutant(
        "closing only once early life is over",
        EARLY_LIFE,
        "over = left <= timedelta()",
        "over = True",
        f"{TESTS}/test_early_life.py lasts",
    ),
    Mutant(
        "the last verification decides",
        EARLY_LIFE,
        'told.result == "ok"',
        "True",
        f"{TESTS}/test_early_life.py verified",
    ),
    Mutant(
        "leaving user and password out of a runbook",
        RUNBOOK,
        "parts.netloc.rpartition('@')[2]",
        "parts.netloc",
        f"{TESTS}/test_runbook.py secret",
    ),
)
