# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of a run, by the variables that Ansible gives a task: which, and in which environment."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ._finding import Told
from ._recording import Intent

NAMED = re.compile(r"(?!sha256:)[^:]+:")  # a release by its name and version
WITHOUT_ENVIRONMENT = ("build", "seal", "prune")  # acts that are about no environment


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
    here = environments(hosts, groups, names, arguments["env"])
    return Told.of_answers(answers, here, frozenset(groups["all"]))


def intent(
    arguments: Mapping[str, Any],
    task_vars: Mapping[str, Any],
    run: str,
    release: Mapping[str, str],
    alone: bool,
) -> Intent:
    """Return what *run* is about to do, by the *arguments* of a task and the variables of a play.

    *release* is what is known of the one that ``release`` names. Where each host goes on *alone*,
    as by the strategy free, the intent is that of one host.
    """
    here, reference = task_vars["inventory_hostname"], arguments["release"] or ""
    hosts = arguments["hosts"] or ([here] if alone else task_vars["ansible_play_batch"])
    known = {}
    if arguments["act"] not in WITHOUT_ENVIRONMENT:
        names, groups = arguments["environments"], task_vars["groups"]
        known = environments(hosts, groups, names, arguments["env"])
    going_on, every = task_vars["ansible_play_hosts"], task_vars["ansible_play_hosts_all"]
    is_last = bool(arguments["hosts"]) or alone or is_last_batch(hosts, going_on, every)
    return Intent(
        run=run,
        act=arguments["act"],
        application=reference.partition(":")[0] if NAMED.match(reference) else "",
        hosts=tuple(hosts),
        root=arguments["root"] or "",
        release=release,
        reference=reference,
        environments=known,
        more=not is_last,
        plan=arguments.get("plan") or {},
    )


def percent(value: object) -> float | None:
    """Return ``max_fail_percentage`` of a play, as people write it: 25, "25" or "25%"; or None."""
    text = str("" if value is None else value).strip().removesuffix("%")
    return float(text) if text else None


def go_on(
    batch: Collection[str],
    failed: Collection[str],
    most_percent: float | None,
    any_is_fatal: bool,
) -> bool:
    """Tell whether hosts of a *batch* go on with a play in which these *failed*.

    *most_percent* is the play's ``max_fail_percentage``, None where it has none. Source: Ansible's
    strategy ``linear``.
    """
    if len(failed) >= len(batch) or any_is_fatal:
        return False
    return most_percent is None or len(failed) * 100 / len(batch) <= most_percent


def is_last_batch(batch: Iterable[str], going_on: Iterable[str], every: Sequence[str]) -> bool:
    """Tell whether no host that is *going_on* comes after *batch* in the order of *every* host."""
    place = {host: number for number, host in enumerate(every)}
    last = max((place.get(host, -1) for host in batch), default=-1)
    return all(place.get(host, -1) <= last for host in going_on)
