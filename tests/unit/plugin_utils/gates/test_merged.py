# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One answer of a gate for all domains: closed where one is, with the domains that are."""

from __future__ import annotations

from datetime import timedelta

from ansible_collections.itops.release.plugins.plugin_utils.gates._answer import Answer
from ansible_collections.itops.release.plugins.plugin_utils.gates._merged import merged
from ansible_collections.itops.release.tests.fakes.plans import NOW

OPEN = Answer("lease", True, "no other run")


def one(**answers):
    return merged({name: [answer] for name, answer in answers.items()})[0]


def test_what_all_answer_alike_is_said_once():
    assert one(db=OPEN, api=OPEN) == OPEN
    assert merged({"": [OPEN, OPEN]}) == (OPEN, OPEN)


def test_one_closed_domain_closes_and_is_named():
    closed = Answer("lease", False, "deploy by ada", needs="its end")

    assert one(db=OPEN, api=closed) == Answer(
        "lease", False, "api: deploy by ada", needs="api: its end"
    )


def test_it_opens_by_time_where_all_that_are_closed_do_at_the_latest_of_them():
    soon = Answer("promotion", False, "1 h of 2 h", opens=NOW)
    later = Answer("promotion", False, "0 h of 2 h", opens=NOW + timedelta(hours=1))
    never = Answer("promotion", False, "not committed", needs="a deployment")

    assert one(db=soon, api=later).opens == NOW + timedelta(hours=1)
    assert one(db=soon, api=never).opens is None
    assert one(db=later, api=OPEN).opens == later.opens


def test_an_override_counts_as_open():
    over = Answer("scope", False, "not built: X", override="ada")

    assert one(db=over, api=Answer("scope", True, "2 issues")).is_open
