# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/modules/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check

RELEASE_CHECKSUMS = "modules/release_checksums.py"
RELEASE_PACKAGE = "modules/release_package.py"
SEALING_BUILDS_TESTS = "unit/action/test_sealing_builds.py"
FILE_TESTS = "unit/module_utils/checksums/test_file.py"

MUTANTS = (
    Mutant(
        "taking an empty pin for a wrong one",
        RELEASE_CHECKSUMS,
        "pin is not None",
        "pin",
        f"{FILE_TESTS} pin_that_is_none",
    ),
    check(
        "asking a build host to compare what it packs with what was built",
        RELEASE_PACKAGE,
        "is_built",
        f"{SEALING_BUILDS_TESTS} same_words",
    ),
)
