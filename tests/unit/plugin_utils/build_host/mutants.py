# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/build_host/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

WATCH = "plugin_utils/build_host/_watch.py"
WATCH_TESTS = "unit/plugin_utils/build_host/test_watch.py"

MUTANTS = (
    omit(
        "ending a build before a signal ends its controller",
        WATCH,
        """
        with contextlib.suppress(Exception):
            forget()
        """,
        f"{WATCH_TESTS} signal_ends or ended_by_an_error",
    ),
    Mutant(
        "asking again where a link broke",
        WATCH,
        "if time.monotonic() - heard > patience / 2:",
        "if True:",
        f"{WATCH_TESTS} for_a_moment",
    ),
    check(
        "seeing that a build was killed",
        WATCH,
        'not any("alive" in event for event in found)',
        f"{WATCH_TESTS} only_for_its_parent",
    ),
    Mutant(
        "telling text of a host without control characters",
        WATCH,
        'tell(_canonical.one_line(event["say"]))',
        'tell(event["say"])',
        f"{WATCH_TESTS} told_once",
    ),
)
