# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.events import _facts
from ansible_collections.itops.release.plugins.plugin_utils.ledger import _kinds, _recording
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import Actor
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger

ADA = Actor("ada", "claimed")
RUN = "ada@control.1.2-boot-place"
OLD = _facts.Release(phase="live", name="shop", version="1.0.0", serial=1, digest="a" * 64)
NEW = _facts.Release(phase="live", name="shop", version="2.0.0", serial=2, digest="b" * 64)
TRIAL = _facts.Release(phase="on trial", name="shop", version="2.0.0", serial=2, digest="b" * 64)


def answered(host, status="ok", **changes):
    known = {"changed": True, "before": OLD, "after": NEW, **changes}
    return _facts.Deployment(host=host, root="/srv/shop", status=status, **known)


def failed(host, **changes):
    known = {"changed": False, "after": OLD, "reason": "probe failed", **changes}
    return answered(host, "failed", **known)


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ([], "done"),
        ([answered("web1"), answered("web2", changed=False)], "done"),
        ([answered("web1"), answered("web2", after=TRIAL)], "held"),
        ([failed("web1"), failed("web2")], "refused"),
        ([answered("web1"), failed("web2")], "failed"),
        ([failed("web1", switched_back=True)], "failed"),
        ([failed("web1"), answered("web2", "unreachable", changed=False)], "failed"),
    ],
)
def test_the_verdict_is_that_of_all_hosts(answers, verdict):
    assert _recording.verdict(answers) == verdict


def test_a_run_is_recorded_from_intent_to_outcome(place):
    ledger = Ledger(place)
    release = {"name": "shop", "version": "2.0.0", "digest": "b" * 64}
    began = _recording.began(RUN, "deploy", "shop", ["web1", "web2"], release, "shop:2.0.0", "test")
    ledger.append([began], ADA)
    (open_run,) = ledger.rows("runs", "run")

    answers = [failed("web1"), answered("web1"), failed("web2", switched_back=True)]
    ledger.append([_recording.ended(RUN, "deploy", "shop", answers, "test")], ADA)

    assert (open_run["verdict"], open_run["ended"], open_run["hosts"]) == (None, None, 2)
    (run,) = ledger.rows("runs", "run")
    assert (run["verdict"], run["reason"]) == ("failed", "web2: probe failed")
    live = {row["host"]: row["version"] for row in ledger.rows("deployments", "host")}
    assert live == {"web1": "2.0.0", "web2": "1.0.0"}
    lines = [_kinds.line(event).split("  ", 3)[3] for event in ledger.events(after=1)]
    assert lines == [
        f"deploy shop 2.0.0 on 2 hosts in test began ({RUN})",
        f"deploy shop ended: failed: web2: probe failed ({RUN})",
    ]


def test_what_was_removed_is_live_no_more(place):
    ledger = Ledger(place)
    ledger.append([_recording.ended(RUN, "deploy", "shop", [answered("web1")])], ADA)
    gone = answered("web1", before=NEW, after=_facts.Release())

    ledger.append([_recording.ended("another", "uninstall", "shop", [gone])], ADA)

    assert ledger.rows("deployments", "host") == []


def test_what_is_live_already_keeps_its_date_and_its_run(place):
    ledger = Ledger(place)
    ledger.append([_recording.ended(RUN, "deploy", "shop", [answered("web1")])], ADA)
    again = answered("web1", changed=False, before=NEW)

    ledger.append([_recording.ended("another", "deploy", "shop", [again])], ADA)

    (row,) = ledger.rows("deployments", "host")
    assert row["run"] == RUN


def test_text_of_any_length_is_recorded(place):
    ledger = Ledger(place)
    long = failed("web1", reason="x" * 5000)

    ledger.append([_recording.ended(RUN, "deploy", "shop", [long, failed("web2")])], ADA)

    (run,) = ledger.rows("runs", "run")
    assert run["reason"].endswith("x (and 1 more hosts)")
