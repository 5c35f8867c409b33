# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/calendar/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

CALENDAR = "plugin_utils/calendar/_calendar.py"
FILE = "plugin_utils/calendar/_file.py"
CALENDAR_TESTS = "unit/plugin_utils/calendar/test_calendar.py"
FILE_TESTS = "unit/plugin_utils/calendar/test_file.py"

MUTANTS = (
    Mutant(
        "including the last day of a freeze",
        CALENDAR,
        "_midnight(self.last + DAY)",
        "_midnight(self.last)",
        f"{CALENDAR_TESTS} last_day",
    ),
    Mutant(
        "freezing all environments when none is named",
        CALENDAR,
        "not self.environments or environment in self.environments",
        "environment in self.environments",
        f"{CALENDAR_TESTS} the_span_of_a_freeze",
    ),
    Mutant(
        "never opening a window in hours that clocks skip",
        CALENDAR,
        "each.begins < each.ends and each.begins < until and after < each.ends",
        "each.begins < until and after < each.ends",
        f"{CALENDAR_TESTS} never_open",
    ),
    Mutant(
        "moving a skipped local time to the change of clocks",
        CALENDAR,
        "if _shown(moment, zone) == local:\n    return moment",
        "if True:\n    return moment",
        f"{CALENDAR_TESTS} follows_the_clocks or never_holds",
    ),
    Mutant(
        "freezing until the last of two equal local times",
        CALENDAR,
        "_moment(ends, self.zone, LAST)",
        "_moment(ends, self.zone, FIRST)",
        f"{CALENDAR_TESTS} the_span_of_a_freeze",
    ),
    Mutant(
        "waiting in a window for the end of a freeze",
        CALENDAR,
        "moment = ends if begins <= moment < ends else moment",
        "pass",
        f"{CALENDAR_TESTS} in_no_freeze",
    ),
    Mutant(
        "considering freezes in the order in which they begin",
        CALENDAR,
        "sorted(found, key=self.freeze_span)",
        "found",
        f"{CALENDAR_TESTS} follow_each_other",
    ),
    Mutant(
        "not leaving an opening while waiting for the end of a freeze",
        CALENDAR,
        "moment < min(opening.ends, limit)",
        "moment < limit",
        f"{CALENDAR_TESTS} clocks_allow",
    ),
    check(
        "refusing a freeze that ends before it begins",
        FILE,
        "begins >= ends",
        f"{FILE_TESTS} mistake",
    ),
    check(
        "refusing a window without a length",
        FILE,
        "begins == ends",
        f"{FILE_TESTS} mistake",
    ),
    omit(
        "explaining a time without quotes",
        FILE,
        "_check_quotes(plain)",
        f"{FILE_TESTS} mistake",
    ),
)
