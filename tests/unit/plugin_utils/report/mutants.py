# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/report/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant

FILES = "plugin_utils/report/_files.py"
PAGES = "plugin_utils/report/_pages.py"
TESTS = "unit/plugin_utils/report"

MUTANTS = (
    Mutant(
        "keeping pages within their folder",
        FILES,
        "PLAIN_NAME.match(name)",
        "name",
        f"{TESTS}/test_files.py safe",
    ),
    Mutant(
        "writing no page in a dry run",
        FILES,
        "if keep:",
        "if True:",
        f"{TESTS}/test_pages.py dry",
    ),
    Mutant(
        "writing a page again that another event is about",
        PAGES,
        "stream.read() == wanted",
        "True",
        f"{TESTS}/test_pages.py is_written_again",
    ),
)
