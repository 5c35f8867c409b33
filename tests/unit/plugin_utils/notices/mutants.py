# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/notices/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

NOTICE = "plugin_utils/notices/_notice.py"
OUTBOX = "plugin_utils/notices/_outbox.py"
RUNS = "plugin_utils/notices/_runs.py"
SENDING = "plugin_utils/notices/_sending.py"
OUTBOX_TESTS = "unit/plugin_utils/notices/test_outbox.py"
SENDING_TESTS = "unit/plugin_utils/notices/test_sending.py"

MUTANTS = (
    check(
        "sending notices once",
        OUTBOX,
        "notice.id not in sent",
        f"{OUTBOX_TESTS} not_sent_again",
    ),
    check(
        "giving up notices that are too old",
        OUTBOX,
        "now - moment(happening.event.time) > KEPT",
        f"{OUTBOX_TESTS} given_up",
    ),
    check(
        "sending notices of an opening once",
        OUTBOX,
        "last is not None and before[key] - last <= KEPT",
        f"{OUTBOX_TESTS} once_for_each_opening",
    ),
    Mutant(
        "keeping notices that want approvals to plans that stand",
        OUTBOX,
        "plan is latest and latest.is_standing",
        "True",
        f"{OUTBOX_TESTS} in_vain or wants_nothing",
    ),
    Mutant(
        "sending no notices that want approval of what was rejected",
        OUTBOX,
        "agreed.missing and not agreed.rejected",
        "agreed.missing",
        f"{OUTBOX_TESTS} in_vain",
    ),
    check(
        "sending notices of the end of all waves only",
        OUTBOX,
        "event is not run.end",
        f"{OUTBOX_TESTS} waves_are_one_run",
    ),
    Mutant(
        "sending notices that remember a batch that failed",
        RUNS,
        "_bodies.combined(self.verdict, body['verdict'])",
        "'done'",
        f"{OUTBOX_TESTS} not_forgotten",
    ),
    Mutant(
        "keeping text of people in notices in one printable line",
        NOTICE,
        "_canonical.printable(' '.join(str(text).split()))",
        "str(text)",
        f"{OUTBOX_TESTS} hostile",
    ),
    omit(
        "keeping text of people in notices from being markup",
        NOTICE,
        "for what, instead in MARKUP: line = what.sub(instead, line)",
        f"{OUTBOX_TESTS} hostile",
    ),
    Mutant(
        "ending notices with their id however long they are",
        NOTICE,
        "shortened(said, LONGEST_TEXT)",
        "said",
        f"{OUTBOX_TESTS} many_lines",
    ),
    Mutant(
        "keeping what apprise logs of notices to itself",
        SENDING,
        "logger.propagate, logger.handlers = False, [statuses]",
        "logger.addHandler(statuses)",
        f"{SENDING_TESTS} goes_nowhere",
    ),
    Mutant(
        "sending notices without a channel that hangs",
        SENDING,
        "thread.join(max(0.0, deadline - time.monotonic()))",
        "thread.join(40)",
        f"{SENDING_TESTS} hangs",
    ),
    Mutant(
        "sending notices as text to channels that take HTML",
        SENDING,
        "channel.target.notify(notice.text, notice.title, body_format='text')",
        "channel.target.notify(notice.text, notice.title, body_format='html')",
        f"{SENDING_TESTS} no_html",
    ),
)
