# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles promise about their files: typed options, defaults that agree, one shape."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.itops.release.plugins.module_utils.options import _deployment
from ansible_collections.itops.release.plugins.plugin_utils.deployment import _steps

ROLES = Path(__file__).resolve().parents[3] / "roles"
NAMES = sorted(path.name for path in ROLES.iterdir())


def load(role, part):
    return yaml.safe_load((ROLES / role / part).read_text(encoding="utf-8"))


# Their first task checks all options: Ansible need not do that in a task of its own.
CHECKING = {"deploy": "deploy", "rollback": "rollback"}


def options(role):
    specs = load(role, "meta/argument_specs.yml")["argument_specs"]
    (entry_point,) = specs
    assert entry_point == CHECKING.get(role, "main")
    return specs[entry_point]["options"]


def test_the_five_roles_are_here():
    assert NAMES == ["build", "deploy", "rollback", "uninstall", "verify"]


@pytest.mark.parametrize("role", NAMES)
def test_defaults_and_argument_specs_have_the_same_keys(role):
    optional = {name for name, option in options(role).items() if not option.get("required")}

    assert set(load(role, "defaults/main.yml")) == optional


@pytest.mark.parametrize("role", NAMES)
def test_a_default_that_both_name_is_the_same(role):
    defaults = load(role, "defaults/main.yml")
    said = {
        name: option["default"] for name, option in options(role).items() if "default" in option
    }

    assert said == {name: defaults[name] for name in said}


@pytest.mark.parametrize("role", NAMES)
def test_variables_carry_the_name_of_their_role(role):
    assert [name for name in options(role) if not name.startswith(f"{role}_")] == []


@pytest.mark.parametrize("role", NAMES)
def test_each_default_has_a_line_that_says_what_it_is(role):
    lines = (ROLES / role / "defaults/main.yml").read_text(encoding="utf-8").splitlines()

    bare = [
        line
        for before, line in itertools.pairwise(lines)
        if re.match(r"\w+:", line) and not before.startswith("#")
    ]

    assert bare == []


@pytest.mark.parametrize("role", NAMES)
def test_an_option_that_a_survey_may_leave_empty_takes_the_empty_text(role):
    """A survey sends "" for a field left empty; a number or truth value would refuse it."""
    types = ("int", "bool", "float")
    strict = [name for name, option in options(role).items() if option["type"] in types]

    assert strict == []


@pytest.mark.parametrize("role", sorted(set(NAMES) - set(CHECKING)))
def test_every_hook_of_the_options_is_run_by_a_task(role):
    hooks = set(options(role)[f"{role}_hooks"]["options"])
    tasks = "".join(path.read_text(encoding="utf-8") for path in (ROLES / role).glob("[tv]*/*.yml"))

    assert set(re.findall(rf'"\{{\{{ {role}_hooks\.(\w+)', tasks)) == hooks


@pytest.mark.parametrize("role", CHECKING)
def test_every_hook_of_the_options_is_a_step(role):
    hooks = {moment: f"/{moment}" for moment in options(role)[f"{role}_hooks"]["options"]}
    steps = _steps.plan(hooks, "", False, False, False, True, True, role == "rollback")

    run = {file for step in steps for place, file in step.items() if place != "of"}
    assert run & set(hooks.values()) == set(hooks.values()) - {"/after_failure"}
    assert set(hooks) <= set(_deployment.HOOKS)


@pytest.mark.parametrize("role", CHECKING)
def test_the_first_task_is_given_every_option(role):
    """What it is not given is not checked before anything is done."""
    elsewhere = {"release", "verify", "beside", "hooks", "commit", "probe"}
    tasks = load(role, f"tasks/{role}.yml")[0]
    handed = tasks["module_defaults"]["itops.release.release_deployment"]

    names = {name.removeprefix(f"{role}_") for name in options(role)}
    assert names - elsewhere == set(handed) - {"variables", "ledger_head", "governed"}
    assert handed["variables"] == f"{role}_"
    assert set(handed) <= set(_deployment.options())


def undescribed(specs):
    """Return the argument *specs* without their descriptions."""
    found = {}
    for name, option in specs.items():
        found[name] = {key: value for key, value in option.items() if key != "description"}
        if "options" in option:
            found[name]["options"] = undescribed(option["options"])
    return found


def test_the_probe_of_the_roles_is_that_of_the_module():
    for role in ("deploy", "rollback"):
        probe = options(role)[f"{role}_probe"]
        assert undescribed(probe["options"]) == _deployment.PROBE
        assert (probe["type"], probe["elements"]) == ("list", "dict")


def test_a_file_of_tasks_is_one_phase():
    lengths = {
        f"{path.parts[-3]}/{path.name}": len(path.read_text(encoding="utf-8").splitlines())
        for path in ROLES.glob("*/tasks/*.yml")
    }

    assert {name: length for name, length in lengths.items() if length > 60} == {}
