# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which task files a role runs between its first task and its end, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Step = dict[str, Any]

ALL, STAGE, COMMIT = "all", "staging", "commit"  # parts of a deployment
WHEN_COMMITTED = ("before_commit", "after_commit")

# The places in around_staging.yml and around_switch.yml, in their order.
STAGING = ("look_beside", "check", "before_stage", "stage", "after_stage")
SWITCH = (
    "before_activate",
    "go_live",
    "after_activate",
    "run_handlers",
    "before_commit",
    "commit",
    "after_commit",
    "end_lease",
)


def plan(
    hooks: Mapping[str, str],
    own: str,
    looks_beside: bool,
    is_staged: bool,
    is_live: bool,
    has_listeners: bool,
    commits: bool,
    at_once: bool,
    part: str = "all",
    soaks: bool = False,
) -> list[Step]:
    """Return the steps of a host, none where the first task and the last do it all.

    *hooks* are task files by moment; *own* is the directory of the role's own task files.
    *looks_beside*: other deployments are looked at, so the first task has not asked the host: the
    last step is then what follows from its answer. *is_staged*: only what comes after staging is
    wanted. *is_live*: the release is live already. *has_listeners*: handlers restart the service.
    *commits*: the release is to be committed; *at_once*: by the switch, whatever comes after it.
    Of a deployment in waves only a *part* is wanted: staging, switch or commit; a wave that *soaks*
    stays on trial between the last two.

    A step is a file to include: each result of an include costs the controller, so there is one for
    all that can be known at a time. It has ``name``, ``file``, and for each place in that file the
    file to import there; ``switches``, whether it makes the release live, and ``commits``, whether
    that call commits it too. ``of`` has the files of all steps: Ansible runs equal items of an
    include together for all hosts that have them, in the order in which it met them first, so hosts
    with other steps must share no item.
    """
    staging: dict[str, str] = {}
    switch: dict[str, str] = {}
    before = _hook(hooks, "before_stage")
    waits = looks_beside and not is_staged  # for what the host says once it is staged
    if not is_staged and (looks_beside or before):
        staging["look_beside"] = f"{own}/look_beside.yml" if looks_beside else ""
        staging["check"] = f"{own}/check.yml" if looks_beside and before else ""
        staging["before_stage"] = before
        staging["stage"] = f"{own}/stage.yml"
    if not is_live and not waits:
        if part in (ALL, STAGE):
            staging["after_stage"] = _hook(hooks, "after_stage")
        if part == COMMIT:
            switch = _commit(hooks, own)
        elif part != STAGE:
            left = {name: hooks[name] for name in hooks if not (soaks and name in WHEN_COMMITTED)}
            switch = _switch(left, own, has_listeners, commits, at_once)
    steps = _step(own, {**staging, **switch})
    if waits:
        steps.append({"name": "after staging", "file": f"{own}/steps_after_staging.yml"})
    files = " ".join(str(value) for step in steps for value in step.values())
    return [{"switches": False, "commits": False, **step, "of": files} for step in steps]


def _commit(hooks: Mapping[str, str], own: str) -> dict[str, str]:
    """Return the files around the commit after a soak; none where the role's last task does it."""
    committing, last = _hook(hooks, "before_commit"), _hook(hooks, "after_commit")
    if not (committing or last):
        return {}
    return {"before_commit": committing, "commit": f"{own}/commit.yml", "after_commit": last}


def _switch(
    hooks: Mapping[str, str], own: str, has_listeners: bool, commits: bool, at_once: bool
) -> dict[str, str]:
    """Return the files around the switch; without ``go_live`` the role's last task does it all."""
    places = {"before_activate": _hook(hooks, "before_activate", "before_rollback")}
    activated, committing = _hook(hooks, "after_activate"), _hook(hooks, "before_commit")
    last = _hook(hooks, "after_commit", "after_rollback")
    if not (has_listeners or activated or committing or last):
        return places
    places |= {"go_live": f"{own}/go_live.yml", "after_commit": last}
    stands_between = has_listeners or activated or committing
    if at_once or (commits and not stands_between):
        places["run_handlers"] = f"{own}/run_handlers.yml" if has_listeners else ""
        return places
    # The commit runs the handlers, too: before the hook they have to run by themselves.
    runs_handlers = has_listeners and committing
    return {
        **places,
        "after_activate": activated,
        "run_handlers": f"{own}/run_handlers.yml" if runs_handlers else "",
        "before_commit": committing,
        "commit": f"{own}/commit.yml",
        # The hook runs under the lease of this run.
        "end_lease": f"{own}/end_lease.yml" if last and not commits else "",
    }


def _step(own: str, places: Mapping[str, str]) -> list[Step]:
    """Return the step that has these files at their places, none where there are no files."""
    files = {place: file for place, file in places.items() if file}
    wanted = {"staging": STAGING, "switch": SWITCH}
    parts = [part for part, names in wanted.items() if not files.keys().isdisjoint(names)]
    if not parts:
        return []
    name = f"around_{parts[0]}" if len(parts) == 1 else "around"
    nothing = dict.fromkeys((*STAGING, *SWITCH), f"{own}/nothing.yml")
    switches = "go_live" in files or "commit" in files
    return [
        {
            "name": f"around {' and '.join(parts).replace('switch', 'the switch')}",
            "file": f"{own}/{name}.yml",
            **nothing,
            **files,
            "switches": switches,
            "commits": "go_live" in files and "commit" not in files,
        }
    ]


def _hook(hooks: Mapping[str, str], *moments: str) -> str:
    """Return the hook at one place; *moments* are the names that it has in different roles."""
    return next((hooks[name] for name in moments if hooks.get(name)), "")
