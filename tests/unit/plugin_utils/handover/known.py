# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on record of a plan that is handed over, to be changed in one thing by a test."""

from __future__ import annotations

from datetime import timedelta

from ansible_collections.itops.release.plugins.plugin_utils.handover import _items
from ansible_collections.itops.release.plugins.plugin_utils.handover._items import (
    Known,
    OfPackage,
)
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import utc
from ansible_collections.itops.release.plugins.plugin_utils.ledger._runs import (
    HostResult,
    Run,
    Wave,
)
from ansible_collections.itops.release.plugins.plugin_utils.registers._register import (
    ACCEPTANCE,
    ACKNOWLEDGEMENT,
    ISSUE,
    Entry,
)
from ansible_collections.itops.release.tests.fakes import plans
from ansible_collections.itops.release.tests.fakes.plans import NOW, PLAN, changed

NOTHING = OfPackage()
LIVE = NOW - timedelta(days=2)


def known(runs=(), entries=(), package=NOTHING, replaced=None, **plan):
    standing = plans.standing(plans.resolved(changed(PLAN, **plan)))
    return Known(standing, list(runs), list(entries), package, replaced or {})


def run(act, verdict="done", application="shop", ended=NOW, environment="production", plan=""):
    at = utc(ended)
    about = (f"run-{act}", act, application, application, "1.5.0", "", environment)
    result = "ok" if verdict == "done" else "failed"
    place = plans.resolved(PLAN).place(environment)
    hosts = tuple(HostResult(host, "/srv/shop", result) for host in place.hosts)
    waves = (Wave(1, at, at, hosts),)
    return Run(*about, "ada", "claimed", at, at, verdict, plan=plan, waves=waves)


def issue(id_, since=NOW, is_open=True, **fields):
    return Entry(ISSUE, id_, fields, is_open=is_open, since=utc(since), at=utc(since))


def accepted(item, reason, environment="production"):
    id_ = _items.id_of(PLAN["plan"], 1, environment, item)
    about = {"plan": PLAN["plan"], "at": utc(NOW), "person": "ben"}
    return Entry(ACCEPTANCE, id_, {"reason": reason}, **about)


def acknowledged(by):
    about = {"plan": PLAN["plan"], "revision": 1}
    return Entry(ACKNOWLEDGEMENT, f"x/{by}", {"by": by}, **about)
