# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which task files a role runs between its first task and its end, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Step = dict[str, Any]


def plan(
    hooks: Mapping[str, str],
    own: str,
    looks_beside: bool,
    is_staged: bool,
    is_live: bool,
    has_listeners: bool,
    commits: bool,
    at_once: bool,
) -> list[Step]:
    """Return the steps of a host, none where the first task and the last do it all.

    *hooks* are task files by moment; *own* is the directory of the role's own task files.
    *looks_beside*: other deployments are looked at, so the first task has not asked the host: the
    last step is then what follows from its answer. *is_staged*: only what comes after staging is
    wanted. *is_live*: the release is live already. *has_listeners*: handlers restart the service.
    *commits*: the release is to be committed; *at_once*: by the switch, whatever comes after it.

    A step has ``name``, ``file``, ``switches``, whether it makes the release live, ``commits``,
    whether that call commits it too, ``inner``, the steps within it, and ``of``, the files of all
    steps. Ansible runs equal items of an include together for all hosts that have them, in the
    order in which it met them first: hosts with other steps must share no item.
    """
    steps = [] if is_staged else _before_staging(hooks, own, looks_beside)
    if looks_beside and not is_staged:
        steps.append(_own("steps_after_staging", own))
    elif not is_live:
        steps += _switching(hooks, own, has_listeners, commits, at_once)
    files = " ".join(each["file"] for step in steps for each in [step, *step["inner"]])
    return [{**step, "of": files} for step in steps]


def _before_staging(hooks: Mapping[str, str], own: str, looks_beside: bool) -> list[Step]:
    """Return the step that leads to a staged release, none where the first task has staged it.

    It has its ``inner`` steps within a block: a host that fails in one has failed before any host
    of its batch is switched.
    """
    before = _hook(hooks, "before_stage")
    inner: list[Step] = []
    if looks_beside:
        inner.append(_own("look_beside", own))
        if before:
            inner.append(_own("check", own))
    inner += before
    return [{**_own("before_staging", own), "inner": inner}] if inner else []


def _switching(
    hooks: Mapping[str, str], own: str, has_listeners: bool, commits: bool, at_once: bool
) -> list[Step]:
    """Return the steps from a staged release on, none where the role's last task does it all."""
    staged = _hook(hooks, "after_stage")
    steps = [{**_own("after_staging", own), "inner": staged}] if staged else []
    inner = _hook(hooks, "before_activate", "before_rollback")
    inner += _after_activation(hooks, own, has_listeners, commits, at_once)
    if inner:
        switches = any(step["switches"] for step in inner)
        steps.append({**_own("switching", own), "inner": inner, "switches": switches})
    return steps


def _after_activation(
    hooks: Mapping[str, str], own: str, has_listeners: bool, commits: bool, at_once: bool
) -> list[Step]:
    """Return the steps from the switch on, none where the role's last task does it all."""
    activated, committing = _hook(hooks, "after_activate"), _hook(hooks, "before_commit")
    last = _hook(hooks, "after_commit", "after_rollback")
    handlers = [_own("run_handlers", own)] if has_listeners else []
    if not (handlers or activated or committing or last):
        return []
    if at_once or (commits and not (handlers or activated or committing)):
        return [_switch("go_live", own, commits=True), *handlers, *last]
    if last and not commits:  # the hook runs under the lease of this run
        last.append(_own("end_lease", own))
    # Each file costs a result: what no hook stands between is one.
    if not (activated or committing):
        return [_switch("go_live_and_commit", own), *last]
    middle = [*handlers, *committing] if committing else []
    return [_switch("go_live", own), *activated, *middle, _own("commit", own), *last]


def _switch(name: str, folder: str, commits: bool = False) -> Step:
    return {**_own(name, folder), "switches": True, "commits": commits}


def _hook(hooks: Mapping[str, str], *moments: str) -> list[Step]:
    """Return the hooks at one place; *moments* are the names that it has in different roles."""
    return [_step(f"{name} hook", hooks[name]) for name in moments if hooks.get(name)]


def _own(name: str, folder: str) -> Step:
    return _step(name.replace("_", " "), f"{folder}/{name}.yml")


def _step(name: str, file: str) -> Step:
    return {"name": name, "file": file, "switches": False, "commits": False, "inner": []}
