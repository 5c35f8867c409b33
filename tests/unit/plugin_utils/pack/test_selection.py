# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which events are about a plan: its own, its runs, its issues, and the policy of its time."""

from __future__ import annotations

from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import (
    NO_EVENT,
    Actor,
    Draft,
    chained,
)
from ansible_collections.itops.release.plugins.plugin_utils.pack._selection import Selection

ACTOR = Actor("ada", "claimed")
TIME = "2026-12-01T12:00:00.000Z"


def selected(*told, plan="shop-1.5"):
    """Return the numbers, from 2, of the events told as (kind, subject, body) that are selected."""
    selection = Selection(plan)
    drafts = [("ledger_opened", "ledger", {"ledger": "1" * 32}), *told]
    for number, (kind, subject, body) in enumerate(drafts, 1):
        draft = Draft(kind, subject, body, str(number))
        selection.see(chained(draft, ACTOR, number, TIME, NO_EVENT))
    return selection.sequences()


def began(run, plan="shop-1.5", part="shop"):
    body = {"run": run, "act": "deploy", "part": part, "hosts": ["h"]}
    return "run_began", part, {**body, **({"plan": {"name": plan, "revision": 1}} if plan else {})}


def ended(run, part="shop"):
    body = {"run": run, "act": "deploy", "part": part, "hosts": [], "verdict": "done"}
    return "run_ended", part, body


def entry(id_, **about):
    fields = {key: about.pop(key) for key in ("run", "release", "title") if key in about}
    body = {"register": "issue", "id": id_, "change": "changed", "fields": fields}
    return "register_changed", about.get("plan", id_), {**body, **about}


def policy(word):
    return "policy_changed", "policy", {"policy": word, "content": word}


def test_the_runs_of_the_plan_from_begin_to_end():
    found = selected(began("r1"), began("r2", "other"), began("r3", None), ended("r2"), ended("r1"))

    assert found == [1, 2, 6]
    assert selected(began("r1"), ended("r1", "other part")) == [1, 2]


def test_whatever_names_the_plan():
    about = ("gates_answered", "shop-1.5", {"plan": "shop-1.5", "run": "r"})
    train = ("train_began", "shop-1.5", {"plan": "shop-1.5"})
    by = ("plan_ended", "old", {"plan": "old", "how": "superseded", "by": "shop-1.5"})
    other = ("plan_ended", "old", {"plan": "old", "how": "superseded", "by": "shop-1.6"})

    assert selected(about, other, train, by) == [1, 2, 4, 5]


def test_all_of_an_issue_that_is_about_the_plan_or_its_runs():
    first = entry("I-1", title="slow")
    later = entry("I-1", run="r1")
    other = entry("I-2", run="r9")
    own = entry("acknowledged", plan="shop-1.5")

    assert selected(first, other, began("r1"), later, own) == [1, 2, 4, 5, 6]


def test_issues_about_the_release(closed):
    selection = Selection("shop-1.5")
    events = list(closed.ledger.events())
    for event in events:
        selection.see(event)
    issue = Draft(*entry("I-9", release=closed.label.digest), "I-9")
    selection.see(chained(issue, ACTOR, 99, TIME, NO_EVENT))

    assert selection.latest == (closed.label.digest,)
    assert 99 in selection.sequences()
    assert (selection.revision, selection.ended) == (2, "closed")


def test_the_policies_from_the_first_to_the_last_event_of_the_plan():
    names = [policy(word) for word in "abcd"]

    assert selected(names[0], names[1], began("r"), names[2], ended("r"), names[3]) == [
        1, 3, 4, 5, 6
    ]  # fmt: skip
    assert selected(*names) == [1]
