# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/events/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

ANSWERS = "plugin_utils/events/_answers.py"
RECORDER = "plugin_utils/events/_recorder.py"
RECORDER_BUILDS = "plugin_utils/events/_recorder_builds.py"
TRACES = "plugin_utils/events/_traces.py"
WORDS = "plugin_utils/events/_words.py"
REPORT_TESTS = "unit/plugin_utils/events/test_report.py"
REPORT_OF_BUILDS_TESTS = "unit/plugin_utils/events/test_report_of_builds.py"

MUTANTS = (
    Mutant(
        "telling a build that failed from one that was whole",
        ANSWERS,
        'status == "ok" and bool(result.get("built"))',
        'bool(result.get("built"))',
        f"{REPORT_OF_BUILDS_TESTS} no_build_of_one_that_failed",
    ),
    omit(
        "telling a host that was only asked from one with nothing to do",
        RECORDER,
        "trace.asked_only = False",
        f"{REPORT_TESTS} line_that_is_true",
    ),
    check(
        "telling what a build was interrupted in",
        RECORDER,
        "latest == Workspace(workspace)",
        f"{REPORT_OF_BUILDS_TESTS} lines_that_are_true",
    ),
    Mutant(
        "passing over in the report what was sealed and not built",
        RECORDER_BUILDS,
        "not event.root",
        "False",
        f"{REPORT_OF_BUILDS_TESTS} not_built",
    ),
    Mutant(
        "telling links that alone come and go from mending",
        TRACES,
        "any(self.relinked())",
        "False",
        f"{REPORT_TESTS} linked_paths",
    ),
    check(
        "telling what is staged and held back from what was live already",
        TRACES,
        "self.waiting",
        f"{REPORT_TESTS} line_that_is_true",
    ),
    Mutant(
        "telling a way back whatever its serial is",
        TRACES,
        "self.went_back",
        "False",
        f"{REPORT_TESTS} line_that_is_true",
        within="outcome",
    ),
    check(
        "telling in the report what was allowed",
        WORDS,
        "trace.despite",
        f"{REPORT_TESTS} does_not_fit",
    ),
)
