# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.deployment import _steps

OWN = "/own"
HOOKS = {
    moment: f"/hooks/{moment}"
    for moment in (
        "before_stage",
        "after_stage",
        "before_activate",
        "after_activate",
        "before_commit",
        "after_commit",
        "after_failure",
    )
}


def before(hooks=(), looks_beside=False, is_live=False):
    given = {moment: HOOKS[moment] for moment in hooks}
    return files(_steps.before_switch(given, looks_beside, is_live, OWN))


def after(hooks=(), has_listeners=False, commits=True, at_once=False):
    given = {moment: HOOKS[moment] for moment in hooks}
    return files(_steps.after_switch(given, has_listeners, commits, at_once, OWN))


def files(steps):
    return [step["file"].removeprefix("/own/").removeprefix("/hooks/") for step in steps]


def test_without_hooks_and_handlers_nothing_is_included():
    assert before() == []
    assert after() == []


def test_a_hook_before_staging_has_the_release_staged_after_it():
    assert before(["before_stage", "after_stage"]) == ["before_stage", "stage.yml", "after_stage"]


def test_what_is_live_beside_is_compared_before_any_hook_runs():
    assert before(["before_stage"], looks_beside=True) == [
        "look_beside.yml",
        "check.yml",
        "before_stage",
        "stage.yml",
    ]
    assert before(looks_beside=True) == ["look_beside.yml", "stage.yml"]


def test_a_release_that_is_live_runs_only_the_hook_before_staging():
    assert before(HOOKS, is_live=True) == ["before_stage", "stage.yml"]


@pytest.mark.parametrize("hook", ["after_activate", "before_commit", "after_commit"])
def test_a_hook_after_the_switch_leaves_the_commit_to_a_call_of_its_own(hook):
    assert "commit.yml" in after([hook])


def test_handlers_run_between_the_switch_and_the_probe():
    assert after(has_listeners=True) == ["run_handlers.yml", "commit.yml"]
    assert after(HOOKS, has_listeners=True) == [
        "after_activate",
        "run_handlers.yml",
        "before_commit",
        "commit.yml",
        "after_commit",
    ]


def test_a_release_that_stays_on_trial_is_left_to_others_after_the_last_hook():
    assert after(["after_commit"], commits=False)[-1] == "end_lease.yml"
    assert after(["after_activate"], commits=False)[-1] == "commit.yml"


def test_a_rollback_commits_at_once():
    assert after(["after_commit"], at_once=True) == ["after_commit"]
    assert after(["after_commit"], has_listeners=True, at_once=True) == [
        "run_handlers.yml",
        "after_commit",
    ]
    assert after(at_once=True) == []


def test_hosts_with_other_steps_have_no_item_in_common():
    """Ansible would run an item that two hosts share for both, in the order of the first."""
    own = _steps.before_switch({"before_stage": "/hooks/a"}, False, False, OWN)
    others = _steps.before_switch({}, True, False, OWN)

    assert {step["file"] for step in own} & {step["file"] for step in others}
    assert not [step for step in own if step in others]
