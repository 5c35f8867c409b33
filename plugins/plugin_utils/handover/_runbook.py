# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A runbook, made from what is live: what runs where, how it is probed, and exact commands."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ..registers._register import ISSUE, Entry

TEMPLATES = ("{{", "{%", "{#")
PORT = re.compile(r":(\d{1,5})$")


@dataclass(frozen=True)
class Command:
    """A command to be pasted literally, and what it does."""

    title: str
    line: str
    note: str = ""


@dataclass(frozen=True)
class Place:
    """An application in one environment, with the role *options* of one of its hosts.

    *versions* has how many hosts have each. *pattern* selects the hosts, "" where the plan that
    brought the release is not known. *plan_plain* is the revision of the plan that did, which is
    written to *plan_file*, "" without one; *domain* is that of the plan, "" without domains.
    *is_elsewhere*: a host has it under another root than its ``deploy_root``.
    """

    application: str
    environment: str
    versions: tuple[tuple[str, int], ...]
    hosts: tuple[str, ...]
    roots: tuple[str, ...]
    options: Mapping[str, Any]
    pattern: str = ""
    plan: str = ""
    plan_file: str = ""
    plan_plain: Mapping[str, Any] = field(default_factory=dict)
    domain: str = ""
    is_elsewhere: bool = False

    @property
    def problem(self) -> str:
        """Why there are no commands that can be pasted, "" where there are."""
        if not self.options.get("deploy_root"):
            return "Its hosts, or deploy_root, are not in this inventory."
        if self.is_elsewhere:
            return "Its deployment root is not the deploy_root of this inventory."
        said = (self.pattern, self.environment, self.plan_file, *self.hosts)
        if any(mark in text for text in said for mark in TEMPLATES):
            return "A name in it would be read as a template."
        return ""

    @property
    def units(self) -> list[str]:
        """The systemd units that are restarted or probed."""
        found = _restarted(self.options.get("deploy_restart"))
        found += [probe.get("unit") for probe in _probes(self.options)]
        return list(dict.fromkeys(str(name) for name in found if name))

    @property
    def probes(self) -> list[str]:
        """What each probe asks, in a line, without what is secret in an address."""
        return [_probe(probe) for probe in _probes(self.options)]

    @property
    def ports(self) -> list[str]:
        """The ports that probes ask, as far as they say."""
        found = []
        for probe in _probes(self.options):
            found.append(_port(str(probe.get("url") or probe.get("tcp") or "")))
        return list(dict.fromkeys(filter(None, found)))

    @property
    def hooks(self) -> list[str]:
        """The moments at which hooks run."""
        hooks = self.options.get("deploy_hooks")
        return sorted(map(str, hooks)) if isinstance(hooks, Mapping) else []


@dataclass(frozen=True)
class Runbook:
    """The runbook of an *application*: its places, commands by environment, and known errors."""

    application: str
    places: tuple[Place, ...]
    commands: Mapping[str, tuple[Command, ...]]
    known_errors: tuple[Entry, ...]
    dependencies: tuple[str, ...] = ()


def runbook(
    application: str,
    places: Sequence[Place],
    inventories: Sequence[str],
    entries: Iterable[Entry],
    dependencies: Sequence[str] = (),
) -> Runbook:
    """Return the runbook of an *application*; *inventories* are the arguments of ``-i``."""
    errors = tuple(
        entry
        for entry in entries
        if entry.register == ISSUE and entry.is_open and entry.fields.get("known_error")
        if not entry.affected or application in entry.affected
    )
    commands = {place.environment: tuple(_commands(place, inventories)) for place in places}
    return Runbook(application, tuple(places), commands, errors, tuple(dependencies))


def _commands(place: Place, inventories: Sequence[str]) -> list[Command]:
    if place.problem:
        return []
    given = [word for path in inventories for word in ("-i", path)]
    hosts = place.pattern or ",".join(place.hosts)
    about = [*given, "-e", _variables(deploy_hosts=hosts)]
    found = [
        Command("Verify every file on its hosts", _line("verify", *about)),
        Command(
            "Roll back to the release before",
            _line("rollback", *about),
            "Brings each host to the release that it had before the live one.",
        ),
    ]
    if place.plan_file:
        about_plan = {"release_plan": place.plan_file, "release_env": place.environment}
        about_plan |= {"release_domain": place.domain} if place.domain else {}
        plan = _variables(**about_plan, release_as="backed_out")
        found.append(
            Command(
                f"Back out what {place.plan} deployed",
                _line("deploy", *given, "-e", plan),
                "Restores what each host had before the plan, the newest wave first.",
            )
        )
    found.append(
        Command(
            "Remove it from its hosts",
            _line("uninstall", *about),
            "Removes all releases. Shared files stay, unless uninstall_purge_shared is set. An "
            "environment that requires plans needs a person of the policy: release_key.",
        )
    )
    return found


def _line(playbook: str, *arguments: str) -> str:
    words = ["ansible-playbook", f"itops.release.{playbook}", *arguments]
    return " ".join(map(shlex.quote, words))


def _variables(**values: str) -> str:
    """Return extra variables as JSON where they would be read as something else."""
    if len(values) == 1 and all(re.fullmatch(r"[\w.,:&!/@-]+", v) for v in values.values()):
        return " ".join(f"{name}={value}" for name, value in values.items())
    return json.dumps(values)


def _restarted(command: Any) -> list[Any]:
    """Return the units that a *command*, a list of words, restarts by systemctl."""
    words = list(map(str, command)) if isinstance(command, (list, tuple)) else []
    if not words or not words[0].endswith("systemctl"):
        return []
    return [word for word in words[1:] if not word.startswith("-")][1:]  # the verb is the first


def _probes(options: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    said = options.get("deploy_probe")
    every = said if isinstance(said, list) else [said]
    return [probe for probe in every if isinstance(probe, Mapping)]


def _probe(probe: Mapping[str, Any]) -> str:
    if probe.get("url"):
        return f"url {_without_secrets(str(probe['url']))}"
    if probe.get("tcp"):
        return f"tcp {probe['tcp']}"
    if probe.get("unit"):
        return f"unit {probe['unit']}"
    command = probe.get("command")
    words = command if isinstance(command, list) else str(command or "").split()
    return "command " + " ".join(map(str, words[:1]))


def _without_secrets(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that is none"
    query = "?…" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{query}"


def _port(address: str) -> str:
    if "://" not in address:
        found = PORT.search(address)
        return found[1] if found else ""
    try:
        port = urlsplit(address).port
    except ValueError:
        return ""
    known = {"http": "80", "https": "443"}.get(urlsplit(address).scheme, "")
    return str(port) if port else known
