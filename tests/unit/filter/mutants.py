# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/filter/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import check

HOSTS_BESIDE = "filter/hosts_beside.py"
BESIDE_TESTS = "unit/filter/test_beside.py"

MUTANTS = (
    check(
        "refusing a pattern that names no host", HOSTS_BESIDE, "not hosts", f"{BESIDE_TESTS} slip"
    ),
)
