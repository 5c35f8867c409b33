# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which notices the events of a ledger ask for, and what each says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.ledger import _kinds
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import (
    Actor,
    Draft,
    chained,
    utc,
)
from ansible_collections.itops.release.plugins.plugin_utils.notices import _outbox
from ansible_collections.itops.release.plugins.plugin_utils.plan._statement import REJECT
from ansible_collections.itops.release.tests.fakes import plans
from ansible_collections.itops.release.tests.fakes.plans import (
    LEDGER,
    NOW,
    PLAN,
    POLICY,
    RELEASE,
    changed,
    record,
    row,
    said,
)

CHANNELS = {"mail": "json://mail.example.org", "chat": "{{ chat_url }}"}
RULES = changed(changed(POLICY, channels=CHANNELS), "environments", "production", strength="awx")
NOTIFY = {"users": "mail", "on call": ["chat", "mail"]}
NOTIFYING = changed(PLAN, notify=NOTIFY)
OLD = {"phase": "live", "name": "shop", "version": "1.4.2", "digest": "a" * 64}
NEW = {"phase": "live", **RELEASE}
AGO = timedelta(hours=1)


def known(plain=None, **more):
    return plans.standing(plans.resolved(plain or NOTIFYING), **more)


class Book:
    """Events of a ledger, an hour ago unless said otherwise."""

    def __init__(self):
        self.events = []

    def add(self, kind, body, subject="shop", ago=AGO):
        _kinds.check(Draft(kind, subject, body, "key"))
        draft = Draft(kind, subject, body, f"key/{len(self.events)}")
        number = 30 + len(self.events)
        event = chained(draft, Actor("ada@control", "claimed"), number, utc(NOW - ago), "0" * 64)
        self.events.append(event)
        return event

    def proposed(self, plan, revision=1, **more):
        body = {
            "plan": plan.plan,
            "revision": revision,
            "digest": plan.digest,
            "resolved": plan.resolved.to_plain(),
            "expires": plan.expires,
        }
        return self.add("plan_proposed", body, plan.plan, **more)

    def began(self, run="run-1", act="deploy", plan="shop-1.5", hosts=("shop1", "shop2"), **more):
        body = {"run": run, "act": act, "part": "shop", "hosts": list(hosts)}
        body |= {"environment": "production", "release": RELEASE}
        body |= {"plan": {"name": plan, "revision": 1}} if plan else {}
        return self.add("run_began", body, **more)

    def ended(self, verdict, reason="", run="run-1", act="deploy", hosts=None, ago=AGO, **more):
        found = hosts or [{"host": "shop1", "result": "ok", "before": OLD, "after": NEW}]
        body = {"run": run, "act": act, "part": "shop", "verdict": verdict, "hosts": found}
        body |= {"environment": "production", "release": RELEASE, **more}
        body |= {"reason": reason} if reason else {}
        return self.add("run_ended", body, ago=ago)

    def gates(self, *answers, ago=AGO, **more):
        body = {"run": "run-1", "plan": "shop-1.5", "revision": 1, "environment": "production"}
        return self.add(
            "gates_answered", {**body, **more, "answers": list(answers)}, "shop-1.5", ago=ago
        )

    def notices(self, *stands, pages="", **more):
        on_record = record(*(stands or (known(),)), **more)
        return _outbox.outbox(self.events, on_record, plans.policy(RULES), NOW, pages)


@pytest.fixture
def book():
    return Book()


def abouts(notices, channel="mail"):
    return [notice.about for notice in notices if notice.channel == channel]


def test_a_proposal_says_what_goes_where_and_who_is_waited_for(book):
    book.proposed(known())
    there = [row("shop1", version="1.4.2", digest="a" * 64)]
    found = book.notices(deployments=there, pages="/srv/pages/plans")

    assert [(each.about, each.channel, each.audience) for each in found] == [
        ("proposed", "mail", "users, on call"),
        ("proposed", "chat", "on call"),
        ("approval wanted", "mail", "users, on call"),
        ("approval wanted", "chat", "on call"),
    ]
    assert found[2].id == "111111111111-30-approval-wanted-mail"
    assert found[2].title == "shop-1.5: approval wanted"
    assert found[2].text.splitlines() == [
        "approval wanted: shop-1.5, revision 1",
        "why: Checkout in two steps (normal, by ada)",
        "staging: shop nothing → 1.5.0 on 1 host: shop9",
        "production: shop 1.4.2 → 1.5.0 on 2 hosts: shop1, shop2",
        "waits for: production: operations 0 of 1, product 0 of 1 (operations: ben; product: cleo)",
        "recorded: 2026-12-01 11:00 UTC, by ada@control",
        "page: /srv/pages/plans/shop-1.5.html",
        f"event: 30 {book.events[0].hash} of ledger {LEDGER}",
        "",
        "id: 111111111111-30-approval-wanted-mail",
    ]


def agreed(plan):
    return [said(plan, "ben", role="operations"), said(plan, "cleo", role="product")]


@pytest.mark.parametrize(
    "change",
    [
        lambda plan: {"recorded": agreed(plan)},
        lambda plan: {"recorded": [said(plan, "ben", REJECT, reason="no")]},
        lambda plan: {"ended": "cancelled"},
        lambda plan: {"proposed": NOW - timedelta(days=31)},
    ],
    ids=["agreed", "rejected", "ended", "expired"],
)
def test_nobody_is_waited_for_in_vain(book, change):
    plan = known()
    book.proposed(plan)

    assert abouts(book.notices(known(**change(plan)))) == ["proposed"]


def test_an_older_revision_is_reported_as_it_was_and_wants_nothing(book):
    book.proposed(known())
    later = known(changed(NOTIFYING, why="With prices", notify={"users": "chat"}), revision=2)
    book.proposed(later, revision=2)
    found = book.notices(later)

    assert [(each.sequence, each.about, each.channel) for each in found] == [
        (30, "proposed", "mail"),
        (30, "proposed", "chat"),
        (31, "proposed", "chat"),
        (31, "approval wanted", "chat"),
    ]
    assert "shop-1.5, revision 1\nwhy: Checkout" in found[0].text
    assert "shop-1.5, revision 2\nwhy: With prices" in found[2].text


def test_a_run_starts_and_is_done(book):
    book.began()
    book.ended("done")
    starting, done = (each for each in book.notices() if each.channel == "chat")

    assert starting.title == "shop-1.5 in production: starting"
    assert done.title == "shop-1.5 in production: done"
    assert "release: shop 1.4.2 → 1.5.0\nhosts: 2 hosts: shop1, shop2\n" in starting.text
    assert "hosts: 2 hosts: shop1, shop2\nverdict: done\nrecorded: " in done.text


@pytest.mark.parametrize(
    ("verdict", "about", "line"),
    [
        ("backed_out", "backed out", "release: shop 1.5.0 → 1.4.2"),
        ("held", "held", "waits for: a later run that continues it, or backs it out"),
        ("failed", "held", "verdict: failed"),
        ("unknown", "held", "verdict: unknown"),
        ("refused", "postponed", "waits for: a later run; nothing was changed"),
    ],
)
def test_each_verdict_is_a_notice_with_its_reason(book, verdict, about, line):
    book.began()
    back = [{"host": "shop1", "result": "ok", "before": OLD, "after": OLD}]
    book.ended(verdict, "shop1: 500 from /health", hosts=back if verdict == "backed_out" else None)
    found = book.notices()

    assert abouts(found) == ["starting", about]
    assert "reason: shop1: 500 from /health" in found[-1].text.splitlines()
    assert line in found[-1].text.splitlines()


def test_waves_are_one_run_and_only_its_end_is_reported(book):
    book.began()
    book.ended("done", more=True)
    assert abouts(book.notices()) == ["starting"]
    book.ended("held", "shop2: no answer", whole=True)

    assert abouts(book.notices()) == ["starting", "held"]


def test_a_batch_that_failed_is_not_forgotten_by_the_next(book):
    book.began()
    book.ended("done", more=True)
    book.began(hosts=["shop3"])
    book.ended("failed")

    assert abouts(book.notices()) == ["starting", "held"]
    assert "verdict: failed" in book.notices()[-1].text


def test_a_later_way_back_is_of_the_plan_that_brought_the_release(book):
    book.began(act="back_out", plan="")
    hosts = [{"host": "shop1", "result": "ok", "before": NEW, "after": OLD}]
    book.ended("done", act="back_out", hosts=hosts)
    found = book.notices()

    assert abouts(found) == ["backed out"]
    assert "release: shop 1.5.0 → 1.4.2" in found[0].text


def test_runs_without_a_plan_and_plans_without_notify_send_nothing(book):
    quiet = known(changed(PLAN, plan="quiet"))
    book.proposed(quiet)
    book.began(plan="")
    book.ended("done")
    book.began(run="run-2", plan="quiet")
    book.ended("done", run="run-2")
    book.began(run="run-3", act="rollback", plan="")
    book.ended("done", run="run-3", act="rollback")

    assert book.notices(known(), quiet) == []


OPENS = {"gate": "window", "open": False, "opens": "2026-12-01T22:00:00Z"}
OPEN = {"gate": "scope", "open": True}
NEEDED = {"gate": "approvals", "open": False, "text": "product 0 of 1", "needs": "cleo"}


def test_a_closed_window_postpones_a_run(book):
    book.gates(OPEN, OPENS, NEEDED)
    found = book.notices()

    assert abouts(found) == ["postponed"]
    assert found[0].text.splitlines()[2:6] == [
        "closed: window",
        "closed: approvals product 0 of 1",
        "waits for: window: opens 2026-12-01 22:00:00 UTC",
        "waits for: approvals: cleo",
    ]


def test_gates_that_time_does_not_open_or_that_are_overridden_postpone_nothing(book):
    book.gates(OPEN)
    book.gates(NEEDED)
    book.gates({**OPENS, "override": "ada"})

    assert book.notices() == []


def test_a_run_that_is_tried_every_day_is_postponed_once_for_each_opening(book):
    for days in range(25, 2, -1):
        book.gates({**OPENS, "gate": "freeze"}, ago=timedelta(days=days))
    assert book.notices() == []  # the first is too old to be sent now
    book.gates(OPENS, ago=timedelta(days=2))
    book.gates(OPENS, ago=timedelta(days=1))
    book.gates({**OPENS, "opens": "2026-12-02T22:00:00Z"})

    assert [each.sequence for each in book.notices() if each.channel == "mail"] == [53, 55]


def test_what_is_on_record_as_sent_is_not_sent_again(book):
    book.began()
    book.ended("done")
    first = book.notices()
    book.add("notice_sent", first[0].sent().body, "shop-1.5")

    assert book.notices() == first[1:]


def test_what_could_not_be_sent_is_given_up(book):
    book.began(ago=timedelta(days=14, seconds=1))
    book.ended("done", ago=timedelta(days=14))

    assert abouts(book.notices()) == ["done"]


def test_ids_do_not_depend_on_what_happened_since(book):
    book.proposed(known())
    first = book.notices()[0]
    book.began()
    book.ended("done")

    assert book.notices(deployments=[row("shop1")])[0].id == first.id


HOSTILE = (
    "<!channel> @everyone [pay](http://x) `rm`\r\nid: 1\x1b[2J\u202e {{ secret }} " + "x" * 9999
)


def test_hostile_text_stays_text(book):
    plain = changed(NOTIFYING, why=HOSTILE[:400], notify={HOSTILE[:150]: "mail"})
    book.proposed(known(plain))
    book.began()
    book.ended("held", HOSTILE[:900])
    for notice in book.notices(known(plain), pages="/srv/\x1b[2J<b>"):
        lines = notice.text.split("\n")
        assert notice.title.isprintable()
        assert all(line.isprintable() and len(line) <= 1100 for line in lines)
        assert not set("<>`") & set(notice.title + notice.text + notice.audience)
        assert "@everyone" not in notice.text
        assert "](" not in notice.text
        assert [line for line in lines if line.startswith("id:")] == [f"id: {notice.id}"]
        assert lines[-1] == f"id: {notice.id}"
        assert len(notice.text) < 5000
        _kinds.check(notice.sent())


def test_the_address_of_a_channel_is_nowhere_in_a_notice(book):
    book.proposed(known())
    book.began()
    book.ended("done")
    for notice in book.notices():
        for url in CHANNELS.values():
            assert url not in repr(notice)
            assert url not in repr(notice.sent())


def test_a_domain_is_named(book):
    train = plans.resolved_train(changed(plans.TRAIN, notify={"users": "mail"}))
    api = train.of_domain("api")
    plan = plans.standing(train)
    book.proposed(plan)
    book.began(plan="checkout-2")
    release = dict(api.release)
    book.ended("done", release=release)
    found = book.notices(plan)

    assert found[-1].title == "checkout-2 in production (api): done"
    assert "release: shop-api 1.4.2 → 3.0.0" in found[-1].text
    assert "staging: shop-db nothing → 7.1.0 on 1 host: db-staging1" in found[0].text


def test_a_text_of_many_lines_is_cut_before_its_id(book):
    book.gates(OPENS, *({**NEEDED, "gate": f"own-{n}", "text": "x" * 400} for n in range(40)))
    notice = book.notices()[0]

    assert len(notice.text) < 4200
    assert notice.text.endswith(f"\n\nid: {notice.id}")
