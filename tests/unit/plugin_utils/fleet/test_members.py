# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far each host is, by what tasks reported in their order."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.events import _facts
from ansible_collections.itops.release.plugins.plugin_utils.fleet import _members

OLD, NEW = "1" * 64, "2" * 64
RUN, EARLIER = "run-2", "run-1"


def release(phase, digest=None):
    return _facts.Release(phase=phase, name="shop", version="1", serial=1, digest=digest)


NOTHING = _facts.NOTHING
LIVE_OLD, LIVE_NEW = release("live", OLD), release("live", NEW)
TRIAL = release("on trial", NEW)


def said(state, status="ok", before=None, after=None, **more):
    return _facts.Deployment(
        host="a", root="/srv", status=status, state=state, before=before, after=after, **more
    )


def staged(there=LIVE_OLD, **more):
    return said("staged", before=there, after=there, **more)


def switched(after=LIVE_NEW, **more):
    return said("live", before=LIVE_OLD, after=after, changed=True, **more)


def put_back(**more):
    return said("live", "failed", LIVE_OLD, LIVE_OLD, changed=True, switched_back=True, **more)


def reverted(after=LIVE_OLD, changed=True, status="ok", **more):
    return said("reverted", status, LIVE_NEW, after, changed=changed, **more)


def failure():
    return _facts.Failure(host="a", status="failed", reason="the hook failed")


def looked(there, by, status="ok", **more):
    return _facts.Inspection(host="a", root="/srv", status=status, after=there, by=by, **more)


def member(*facts, gone=(), earlier=()):
    return _members.members(["a"], facts, NEW, gone, earlier)["a"]


LOST_IN_SWITCH = said("live", "unreachable")


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ((), "unknown"),
        ([staged()], "staged"),
        ([staged(LIVE_NEW)], "committed"),
        ([staged(TRIAL)], "on trial"),
        ([staged(NOTHING)], "staged"),
        ([said("staged", "failed")], "refused"),
        ([said("staged", "unreachable")], "late"),
        ([said("staged", "unreachable"), failure()], "late"),
        ([staged(), failure()], "refused"),
        ([staged(), switched()], "committed"),
        ([staged(), switched(TRIAL)], "on trial"),
        ([staged(), switched(TRIAL), switched()], "committed"),
        ([staged(), said("live", "failed")], "refused"),
        ([staged(LIVE_NEW), said("live", "failed")], "committed"),
        ([staged(), put_back()], "restored"),
        ([staged(), put_back(), reverted(changed=False), failure()], "restored"),
        ([staged(), said("live", "failed", LIVE_OLD, TRIAL, changed=True)], "failed"),
        ([staged(), LOST_IN_SWITCH], "lost"),
        ([staged(), LOST_IN_SWITCH, reverted()], "restored"),
        ([staged(), LOST_IN_SWITCH, said("reverted", "unreachable")], "lost"),
        ([staged(), switched(TRIAL), reverted(), failure()], "restored"),
        ([staged(), switched(), failure()], "failed"),
        ([staged(), switched(), reverted(LIVE_NEW, changed=False), failure()], "failed"),
        ([staged(), switched(), reverted()], "backed out"),
        ([staged(), switched(), reverted(NOTHING)], "backed out"),
        ([staged(), switched(), reverted(status="failed")], "unwell"),
        ([staged(), switched(), reverted(LIVE_NEW, status="failed")], "failed"),
        ([staged(), switched(), said("reverted", "unreachable")], "lost"),
    ],
)
def test_the_state_follows_from_what_the_host_answered(facts, state):
    assert member(*facts).state == state


@pytest.mark.parametrize(
    ("facts", "touched"),
    [
        ([staged()], False),
        ([staged(LIVE_NEW, by="another")], False),
        ([staged(LIVE_NEW, by=EARLIER)], True),
        ([staged(TRIAL, by=EARLIER)], True),
        ([staged(), switched()], True),
        ([staged(), put_back()], True),
        ([staged(), LOST_IN_SWITCH], True),
        ([staged(), reverted(changed=False)], False),
        ([staged(), said("live", "failed"), said("reverted", "failed")], True),
        ([looked(LIVE_NEW, EARLIER)], True),
        ([looked(LIVE_NEW, "another")], False),
        ([looked(LIVE_OLD, EARLIER)], False),
        ([looked(None, None, "unreachable")], True),
    ],
)
def test_what_this_deployment_changed_is_known(facts, touched):
    assert member(*facts, earlier=(EARLIER,)).touched == touched


@pytest.mark.parametrize(
    ("facts", "serves"),
    [
        ([staged()], True),
        ([staged(in_service=True)], True),
        ([staged(in_service=False)], False),
        ([staged(NOTHING)], False),
        ([said("staged", "unreachable")], False),
        ([staged(NOTHING), switched()], True),
        ([staged(in_service=False), switched()], True),
        ([staged(LIVE_NEW, in_service=False, by=EARLIER)], False),
        ([staged(TRIAL, in_service=False, by=EARLIER)], False),
        ([staged(in_service=True), put_back()], True),
        ([staged(in_service=False), put_back()], False),
        ([staged(), LOST_IN_SWITCH], False),
        ([staged(), switched(), failure()], False),
        ([staged(), switched(), reverted(status="failed")], False),
        ([staged(in_service=False), switched(), reverted(in_service=True)], True),
        ([staged(in_service=False), switched(), reverted()], False),
        ([staged(NOTHING), switched(), reverted(NOTHING)], False),
        ([looked(LIVE_NEW, EARLIER), reverted(NOTHING)], False),
        ([looked(NOTHING, None)], False),
        ([looked(LIVE_NEW, EARLIER)], True),
        ([looked(None, None, "unreachable")], False),
    ],
)
def test_only_what_is_in_service_for_certain_counts(facts, serves):
    assert member(*facts, earlier=(EARLIER,)).is_in_service == serves


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ([staged()], "late"),
        ([staged(LIVE_NEW)], "lost"),
        ([staged(), switched()], "lost"),
        ([staged(), switched(), reverted()], "lost"),
        ([staged(), put_back()], "restored"),
    ],
)
def test_a_host_that_left_the_play_is_late_before_its_switch_and_lost_after(facts, state):
    found = member(*facts, gone=("a",))

    assert found.state == state
    assert not found.is_well


@pytest.mark.parametrize(("alone", "is_new"), [(True, True), (None, False)])
def test_a_host_without_another_release_was_new(alone, is_new):
    assert member(looked(LIVE_NEW, EARLIER, is_alone=alone), earlier=(EARLIER,)).is_new == is_new


def test_the_reason_that_came_first_stays():
    found = member(staged(), put_back(reason="the probe failed"), failure())

    assert found.reason == "the probe failed"


def test_the_run_that_brought_what_is_live_is_kept():
    assert member(staged(LIVE_NEW, by=EARLIER), earlier=(EARLIER,)).by == EARLIER


def test_a_run_answers_for_the_trial_that_it_took_over():
    found = member(staged(TRIAL, by=EARLIER), switched(by=EARLIER), earlier=(EARLIER,))

    assert found.by == ""


def test_hosts_of_other_plays_are_passed_over():
    assert list(_members.members(["b"], [staged()], NEW)) == ["b"]
