# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/action/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant

RELEASE_NOTES = "action/release_notes.py"
RELEASE_NOTES_TESTS = "unit/action/test_release_notes.py"

MUTANTS = (
    Mutant(
        "warning of no more findings than a terminal takes",
        RELEASE_NOTES,
        "findings[:MOST_WARNINGS]",
        "findings",
        f"{RELEASE_NOTES_TESTS} is_a_warning",
    ),
)
