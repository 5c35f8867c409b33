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


OPTIONS = {
    "looks_beside": False,
    "is_staged": False,
    "is_live": False,
    "has_listeners": False,
    "commits": True,
    "at_once": False,
}


def plan(hooks=(), **changes):
    given = {moment: HOOKS[moment] for moment in hooks}
    steps = _steps.plan(given, OWN, **{**OPTIONS, **changes})
    return [shown(step) for step in steps]


def shown(step):
    name = step["file"].removeprefix("/own/").removeprefix("/hooks/").removesuffix(".yml")
    return (name, *map(shown, step["inner"])) if step["inner"] else name


def test_without_hooks_and_handlers_nothing_is_included():
    assert plan() == []
    assert plan(at_once=True) == []


def test_a_hook_before_staging_has_the_release_staged_after_it():
    assert plan(["before_stage", "after_stage"]) == [
        ("before_staging", "before_stage"),
        ("after_staging", "after_stage"),
    ]


def test_what_is_live_beside_is_compared_before_any_hook_runs():
    assert plan(["before_stage"], looks_beside=True) == [
        ("before_staging", "look_beside", "check", "before_stage"),
        "steps_after_staging",
    ]
    assert plan(looks_beside=True) == [("before_staging", "look_beside"), "steps_after_staging"]
    assert plan(HOOKS, is_staged=True) == plan(HOOKS)[1:]


def test_a_release_that_is_live_runs_only_the_hook_before_staging():
    assert plan(HOOKS, is_live=True) == [("before_staging", "before_stage")]


def test_hooks_before_the_switch_leave_it_to_the_one_call():
    assert plan(["before_activate"]) == [("switching", "before_activate")]


@pytest.mark.parametrize(
    ("hook", "wanted"),
    [
        ("after_activate", ["go_live", "after_activate", "commit"]),
        ("before_commit", ["go_live", "before_commit", "commit"]),
    ],
)
def test_a_hook_between_switch_and_commit_leaves_the_commit_to_a_call_of_its_own(hook, wanted):
    assert plan(["before_activate", hook]) == [("switching", "before_activate", *wanted)]


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, [("go_live", True), ("after_commit", False)]),
        ({"has_listeners": True}, [("go_live_and_commit", False), ("after_commit", False)]),
        (
            {"commits": False},
            [("go_live_and_commit", False), ("after_commit", False), ("end_lease", False)],
        ),
    ],
)
def test_one_call_switches_and_commits_where_nothing_stands_between(changes, wanted):
    options = {**OPTIONS, **changes}
    steps = _steps.plan({"after_commit": HOOKS["after_commit"]}, OWN, **options)

    assert [(shown(step), step["commits"]) for step in steps[0]["inner"]] == wanted


def test_handlers_run_between_the_switch_and_the_probe():
    assert plan(has_listeners=True) == [("switching", "go_live_and_commit")]
    assert plan(HOOKS, has_listeners=True) == [
        ("before_staging", "before_stage"),
        ("after_staging", "after_stage"),
        (
            "switching",
            "before_activate",
            "go_live",
            "after_activate",
            "run_handlers",
            "before_commit",
            "commit",
            "after_commit",
        ),
    ]


def test_a_release_that_stays_on_trial_is_left_to_others_after_the_last_hook():
    assert plan(["after_commit"], commits=False)[-1][-1] == "end_lease"
    assert plan(["after_activate"], commits=False)[-1][-1] == "commit"


def test_a_rollback_commits_at_once():
    assert plan(["after_commit"], at_once=True) == [("switching", "go_live", "after_commit")]
    assert plan(["after_commit"], at_once=True, has_listeners=True) == [
        ("switching", "go_live", "run_handlers", "after_commit"),
    ]


def test_hosts_with_other_steps_have_no_item_in_common():
    """Ansible would run an item that two hosts share for both, in the order of the first."""
    own = _steps.plan({"before_stage": "/hooks/a"}, OWN, False, False, False, False, True, False)
    others = _steps.plan({}, OWN, True, False, False, False, True, False)

    assert {step["file"] for step in own} & {step["file"] for step in others}
    assert not [step for step in own if step in others]
