# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/environment/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import check, omit

HOLDINGS = "plugin_utils/environment/_holdings.py"
HOLDINGS_TESTS = "unit/plugin_utils/environment/test_holdings.py"

MUTANTS = (
    check(
        "counting only what hosts answer now",
        HOLDINGS,
        "host not in now",
        f"{HOLDINGS_TESTS} of_before",
    ),
    omit(
        "naming hosts that did not answer",
        HOLDINGS,
        "unknown[host] = str(error)",
        f"{HOLDINGS_TESTS} gave_no_answer",
    ),
)
