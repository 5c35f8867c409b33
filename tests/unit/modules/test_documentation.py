# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules and actions: they document exactly the options that they take, and share them."""

from __future__ import annotations

import importlib
import inspect
import pathlib

import pytest
import yaml

from ansible_collections.itops.release.plugins.module_utils.options import (
    _build,
    _deployment,
    _deployment_info,
    _evidence,
    _evidence_pack,
    _fleet,
    _gate,
    _ledger,
    _ledger_info,
    _notes,
    _notice,
    _package,
    _package_info,
    _plan,
    _register,
    _report,
    _train,
)
from ansible_collections.itops.release.plugins.modules import release_checksums

PLUGINS = pathlib.Path(__file__).resolve().parents[3] / "plugins"
OPTIONS = {
    "release_build": _build.options,
    "release_checksums": release_checksums.options,
    "release_deployment": _deployment.options,
    "release_deployment_info": _deployment_info.options,
    "release_evidence": _evidence.options,
    "release_evidence_pack": _evidence_pack.options,
    "release_fleet": _fleet.options,
    "release_gate": _gate.options,
    "release_ledger": _ledger.options,
    "release_ledger_info": _ledger_info.options,
    "release_notes": _notes.options,
    "release_notice": _notice.options,
    "release_package": _package.options,
    "release_package_info": _package_info.options,
    "release_plan": _plan.options,
    "release_register": _register.options,
    "release_report": _report.options,
    "release_train": _train.options,
}
WITHOUT_ACTION = {"release_checksums"}  # all of it happens on the host
COMPARED = ("type", "required", "default", "choices", "elements")


def imported(kind, name):
    return importlib.import_module(f"ansible_collections.itops.release.plugins.{kind}.{name}")


def taken(name):
    """Return how a module and its action write that they take the options of *name*."""
    return f"{OPTIONS[name].__module__.rpartition('.')[2]}.options()"


def documented(name, what="DOCUMENTATION"):
    """Return a part of a module's documentation: in the module or, where that travels, beside."""
    beside = PLUGINS / "modules" / f"{name}.yml"
    if not beside.exists():
        return yaml.safe_load(getattr(imported("modules", name), what))
    part = yaml.safe_load(beside.read_text(encoding="utf-8"))[what]
    return yaml.safe_load(part) if what == "EXAMPLES" else part


def plain(options, nested):
    """Return what documentation and argument spec say alike of each option, for comparison."""
    return {
        key: {
            **{word: option.get(word, False if word == "required" else None) for word in COMPARED},
            "nested": plain(option[nested], nested) if nested in option else None,
        }
        for key, option in options.items()
    }


def test_every_module_is_tested_here():
    names = {path.stem for path in (PLUGINS / "modules").glob("*.py")}

    actions = {path.stem for path in (PLUGINS / "action").glob("*.py")}

    assert names == set(OPTIONS) == actions | WITHOUT_ACTION


@pytest.mark.parametrize("name", OPTIONS)
def test_options_are_documented_as_they_are_taken(name):
    # With an underscore: what only the action says, which `ansible-test sanity` wants documented.
    documentation = documented(name)
    options = {k: o for k, o in documentation["options"].items() if not k.startswith("_")}
    for fragment in documentation["extends_documentation_fragment"]:
        part = imported("doc_fragments", fragment.rpartition(".")[2]).ModuleDocFragment
        options.update(yaml.safe_load(part.DOCUMENTATION)["options"])

    assert plain(options, "suboptions") == plain(OPTIONS[name](), "options")


@pytest.mark.parametrize("name", OPTIONS)
def test_what_is_documented_has_a_description(name):
    documentation = documented(name)
    waiting = [documentation, *documentation["options"].values()]
    waiting += documented(name, "RETURN").values()
    while waiting:
        item = waiting.pop()
        assert item["description"]
        waiting += (item.get("suboptions") or item.get("contains") or {}).values()
    assert documentation["module"] == name


@pytest.mark.parametrize("name", sorted(OPTIONS.keys() - WITHOUT_ACTION))
def test_the_action_takes_the_options_of_the_module(name):
    assert taken(name) in inspect.getsource(imported("action", name))


@pytest.mark.parametrize(
    "name", ["release_deployment", "release_deployment_info", "release_notes", "release_package"]
)
def test_the_module_takes_the_options_and_nothing_else_from_users(name):
    source = inspect.getsource(imported("modules", name))

    assert f"**{taken(name)}" in source


@pytest.mark.parametrize("name", OPTIONS)
def test_the_examples_use_options_that_there_are(name):
    tasks = documented(name, "EXAMPLES")
    used = set()
    for task in tasks:
        for key, arguments in task.items():
            if key.startswith("itops.release."):
                module = key.rpartition(".")[2]
                assert set(arguments) <= set(OPTIONS[module]())
                used.add(module)

    assert name in used


@pytest.mark.parametrize("name", OPTIONS)
def test_options_have_no_shared_value_that_one_task_could_change_for_the_next(name):
    first, second = OPTIONS[name](), OPTIONS[name]()

    for key, option in first.items():
        if isinstance(option.get("default"), list):
            assert option["default"] is not second[key]["default"]
