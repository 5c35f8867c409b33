# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.deployment import _steps

OWN = "/own"
ROLE = Path(__file__).resolve().parents[4] / "roles/deploy"
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
    """Return the name of the step's file and, in their order, the files at its places."""
    places = [step.get(place, "") for place in (*_steps.STAGING, *_steps.SWITCH)]
    names = [file.rpartition("/")[2].removesuffix(".yml") for file in [step["file"], *places]]
    return " ".join(name for name in names if name not in ("", "nothing"))


def test_without_hooks_and_handlers_nothing_is_included():
    assert plan() == []
    assert plan(at_once=True) == []


def test_all_hooks_cost_one_include():
    assert plan(HOOKS, has_listeners=True) == [
        "around before_stage stage after_stage before_activate go_live after_activate run_handlers "
        "before_commit commit after_commit"
    ]


def test_a_hook_before_staging_has_the_release_staged_after_it():
    assert plan(["before_stage"]) == ["around_staging before_stage stage"]
    assert plan(["after_stage"]) == ["around_staging after_stage"]


def test_what_is_live_beside_is_compared_before_any_hook_runs():
    assert plan(["before_stage"], looks_beside=True) == [
        "around_staging look_beside check before_stage stage",
        "steps_after_staging",
    ]
    assert plan(looks_beside=True) == ["around_staging look_beside stage", "steps_after_staging"]
    assert plan(["before_stage", "after_stage"], is_staged=True) == plan(["after_stage"])


def test_a_release_that_is_live_runs_only_the_hook_before_staging():
    assert plan(HOOKS, is_live=True) == ["around_staging before_stage stage"]


def test_hooks_before_the_switch_leave_it_to_the_one_call():
    (step,) = _steps.plan({"before_activate": "/hooks/a"}, OWN, **OPTIONS)

    assert shown(step) == "around_switch a"
    assert (step["switches"], step["commits"]) == (False, False)


@pytest.mark.parametrize(
    ("hooks", "changes", "wanted", "commits"),
    [
        (["after_activate"], {}, "go_live after_activate commit", False),
        (["before_commit"], {}, "go_live before_commit commit", False),
        (["after_commit"], {}, "go_live after_commit", True),
        ([], {"has_listeners": True}, "go_live commit", False),
        (["after_commit"], {"has_listeners": True}, "go_live commit after_commit", False),
        (["after_commit"], {"commits": False}, "go_live commit after_commit end_lease", False),
        (["after_activate"], {"commits": False}, "go_live after_activate commit", False),
        (["after_commit"], {"at_once": True}, "go_live after_commit", True),
        (
            ["after_commit"],
            {"at_once": True, "has_listeners": True},
            "go_live run_handlers after_commit",
            True,
        ),
    ],
)
def test_one_call_commits_too_where_nothing_stands_between(hooks, changes, wanted, commits):
    given = {moment: HOOKS[moment] for moment in hooks}
    (step,) = _steps.plan(given, OWN, **{**OPTIONS, **changes})

    assert shown(step) == f"around_switch {wanted}"
    assert (step["switches"], step["commits"]) == (True, commits)


def test_the_files_have_the_places_in_their_order():
    """Each place is imported once; what stands at none of them would never run."""
    for name, places in (("staging", _steps.STAGING), ("switch", _steps.SWITCH)):
        text = (ROLE / f"tasks/around_{name}.yml").read_text(encoding="utf-8")

        assert tuple(re.findall(r"__release_step\.(\w+)", text)) == places


def test_hosts_with_other_steps_have_no_item_in_common():
    """Ansible would run an item that two hosts share for both, in the order of the first."""
    own = _steps.plan({"before_stage": "/hooks/a"}, OWN, **{**OPTIONS, "looks_beside": True})
    others = _steps.plan({}, OWN, **{**OPTIONS, "looks_beside": True})

    assert {step["file"] for step in own} & {step["file"] for step in others}
    assert not [step for step in own if step in others]
