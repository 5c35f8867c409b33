# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which task files a role runs around the switch, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Step = dict[str, Any]


def before_switch(
    hooks: Mapping[str, str], looks_beside: bool, is_live: bool, own: str
) -> list[Step]:
    """Return the steps between the role's first task and the switch.

    *hooks* are task files by moment; *own* is the directory of the role's own task files. Where a
    hook comes before staging, the first task has only checked, and staging is a step too; where
    other deployments are looked at, the first task was skipped. What is not ``always`` is left out
    where the release turns out to be live.
    """
    before = _hook(hooks, "before_stage")
    steps: list[Step] = []
    if looks_beside:
        steps.append(_own("look_beside", own))
        if before:
            steps.append(_own("check", own))
    steps += before
    if steps:
        steps.append(_own("stage", own))
    steps = [{**step, "always": True} for step in steps]
    if not is_live:
        after = _hook(hooks, "after_stage") + _hook(hooks, "before_activate", "before_rollback")
        steps += [{**step, "always": False} for step in after]
    return _marked(steps)


def after_switch(
    hooks: Mapping[str, str], has_listeners: bool, commits: bool, at_once: bool, own: str
) -> list[Step]:
    """Return the steps after the switch, none where one call does it all.

    *commits* says whether the release is to be committed; *at_once*, whether the switch does that,
    whatever stands behind it.
    """
    after = _hook(hooks, "after_commit", "after_rollback")
    handlers = [_own("run_handlers", own)]
    if at_once:
        return _marked([*(handlers if has_listeners else []), *after])
    between = _hook(hooks, "after_activate"), _hook(hooks, "before_commit")
    if not (has_listeners or after or any(between)):
        return []
    steps = [*between[0], *handlers, *between[1], _own("commit", own), *after]
    if after and not commits:  # the hook ran under the lease of this run
        steps.append(_own("end_lease", own))
    return _marked(steps)


def _hook(hooks: Mapping[str, str], *moments: str) -> list[Step]:
    """Return the hooks at one place; *moments* are the names that it has in different roles."""
    return [
        {"name": f"{moment} hook", "file": hooks[moment]} for moment in moments if hooks.get(moment)
    ]


def _own(name: str, folder: str) -> Step:
    return {"name": name.replace("_", " "), "file": f"{folder}/{name}.yml"}


def _marked(steps: Iterable[Step]) -> list[Step]:
    """Return the *steps*, each with the files of all of them.

    Ansible runs the items of an include that are the same on several hosts together, in the order
    in which it met them first. So those of hosts with other steps must not be the same.
    """
    steps = list(steps)
    files = " ".join(step["file"] for step in steps)
    return [{**step, "of": files} for step in steps]
