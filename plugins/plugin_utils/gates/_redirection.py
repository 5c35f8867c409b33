# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extra variables that would redirect a run by a plan: refused before anything is read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ._sources import GateError

# Variables that decide who must agree, and by what.
NAMED_IN_INVENTORY = (
    "release_policy",
    "release_calendar",
    "release_ledger",
    "release_environments",
    "deploy_trust",
    "deploy_media_library",
)
OF_ANSIBLE = ("inventory_dir", "inventory_file")
INTERNAL = ("__release_", "__deploy_")  # variables of the roles
# Options of the role that are about one run; all others are in the plan.
OF_A_RUN = ("deploy_release", "deploy_takeover", "deploy_hosts", "deploy_lock_timeout")
# Variables of all roles that decide what is changed where.
OF_ROLES = re.compile(r"(deploy|rollback|uninstall|verify)_(root|hooks)|release_roots")
# What Ansible may be told of a connection: as whom. Where it goes, and by which program, may not.
OF_LOGIN = re.compile(
    r"ansible_(user|password|pass|private_key_file|timeout|ssh_(user|pass|password|private_key_file"
    r"|timeout|retries|pipelining)|become(_(user|pass|password|method|flags))?)"
)
IN_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
NAME = re.compile(r"[A-Za-z_]\w*")
DEEPEST = 10  # variables that name variables


def refuse(given: Mapping[str, Any], variables: Mapping[str, Any], with_plan: bool) -> None:
    """Raise GateError where the extra variables *given* would redirect what a run rests on.

    *variables* are those of the task, as they were written: what the inventory names must not
    depend on an extra variable. *with_plan* the options of the role are those of the plan, too.
    """
    found = sorted(name for name in given if _is_refused(name, with_plan))
    if found:
        raise GateError(
            f"{', '.join(found)}: not by --extra-vars where a plan or a policy is used: set it in "
            "the inventory",
            code="redirected",
        )
    for name in NAMED_IN_INVENTORY:
        used = sorted(set(_names_in(variables.get(name), variables, DEEPEST)) & set(given))
        if used:
            raise GateError(
                f"{used[0]}: not by --extra-vars: {name} depends on it, and a plan or a policy is "
                "used",
                code="redirected",
            )


def _is_refused(name: str, with_plan: bool) -> bool:
    if name in NAMED_IN_INVENTORY or name in OF_ANSIBLE or name.startswith(INTERNAL):
        return True
    if OF_ROLES.fullmatch(name):
        return True
    if name.startswith("ansible_"):
        return not OF_LOGIN.fullmatch(name)
    return with_plan and name.startswith("deploy_") and name not in OF_A_RUN


def _names_in(value: Any, variables: Mapping[str, Any], depth: int) -> Iterator[str]:
    """Yield the names in the templates of *value*, and in those of the variables so named."""
    if not depth:
        return
    if isinstance(value, Mapping) or (isinstance(value, Sequence) and not isinstance(value, str)):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _names_in(each, variables, depth - 1)
    if not isinstance(value, str):
        return
    for template in IN_TEMPLATE.findall(value):
        for name in NAME.findall(template):
            yield name
            if name in variables:
                yield from _names_in(variables[name], variables, depth - 1)
