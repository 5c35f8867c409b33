# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/rendering/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant

HTML = "plugin_utils/rendering/_html.py"
MARKDOWN = "plugin_utils/rendering/_markdown.py"
RENDERED_TESTS = "unit/plugin_utils/notes/test_rendered.py"

MUTANTS = (
    Mutant(
        "filling notes with text that is no markup",
        MARKDOWN,
        "escape",
        "None",
        f"{RENDERED_TESTS} shows_as_text",
        within="_compiled",
    ),
    Mutant(
        "escaping what pages are filled with",
        HTML,
        "ESCAPES = True",
        "ESCAPES = False",
        "unit/plugin_utils/report/test_pages.py hostile",
    ),
)
