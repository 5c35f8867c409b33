# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of a run, by the variables that Ansible gives a task: which, and in which environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ._finding import Told


def environments(
    hosts: Iterable[str],
    groups: Mapping[str, Iterable[str]],
    names: Sequence[str],
    env: str | None = None,
) -> dict[str, str]:
    """Return the environment of each of *hosts*: *env*, or the first group of *names* it is in.

    A host that is in none of them is left out.
    """
    if env:
        return dict.fromkeys(hosts, env)
    found: dict[str, str] = {}
    members = {name: set(groups.get(name) or ()) for name in names}
    for host in hosts:
        for name, inside in members.items():
            if host in inside:
                found[host] = name
                break
    return found


def told(arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Told | None:
    """Return what hosts answered to the task that registered the variable ``answers``, if any.

    *arguments* are those of a task: ``hosts``, by default those of the play, and ``environments``
    or ``env``.
    """
    variable, hostvars = arguments["answers"], task_vars["hostvars"]
    if not variable:
        return None
    hosts = arguments["hosts"] or task_vars["ansible_play_hosts_all"]
    answers = {host: hostvars[host].get(variable) if host in hostvars else None for host in hosts}
    names, groups = arguments["environments"], task_vars["groups"]
    return Told.of_answers(answers, environments(hosts, groups, names, arguments["env"]))


def failures(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return why each of *hosts* failed that a role of ours is about to fail."""
    found = {}
    for host in hosts:
        there = hostvars[host]
        if there.get("__release_role_failed"):
            failed = there.get("ansible_failed_result") or {}
            found[host] = " ".join(str(failed.get("msg") or "a task failed").split())
    return found
