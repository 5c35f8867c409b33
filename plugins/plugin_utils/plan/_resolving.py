# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolve a plan: hosts, release digest, and digests of how each environment is deployed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ...module_utils.formats import _canonical
from ..definition._schema_file import Mistake
from ..library._catalogue import Label
from ._plan import Plan, Step, least_in_service
from ._resolved import Place, Resolved, digest_of

PROBE, ROOT = "deploy_probe", "deploy_root"


class HostOptions(Protocol):
    """The role options of a host, and its hooks: files by moment."""

    @property
    def host(self) -> str: ...
    @property
    def options(self) -> Mapping[str, Any]: ...
    @property
    def hooks(self) -> Mapping[str, str]: ...


# Returns the hosts that a step is about, with their options.
Inventory = Callable[[Step], Sequence[HostOptions]]


def resolve(plan: Plan, labels: Mapping[str, Label], inventory: Inventory) -> Resolved:
    """Return *plan* with the release of each domain, and the hosts of the *inventory*.

    *labels* has the Label of the release of each domain, of "" for a plan without domains. Raises
    Mistake for a step that cannot be carried out: without hosts, or with min_in_service and no
    probe that could tell which hosts are in service; and for domains that share an application or
    a host.
    """
    if not plan.domains:
        return _resolve(plan, labels[""], inventory)
    parts = {}
    for name, part in plan.parts().items():
        try:
            parts[name] = _resolve(part, labels[name], inventory)
        except Mistake as mistake:
            path = ["domains", name, "hosts"] if mistake.path[-1] == "hosts" else mistake.path
            raise Mistake(path, f"{name}: {mistake}") from None
    _refuse_sharing(parts)
    return Resolved.of_parts(plan, parts)


def _tells(probe: Any) -> bool:
    """Tell whether an option *probe* has one that decides what is in service."""
    probes = probe if isinstance(probe, list) else [probe] if probe else []
    return any(
        not (isinstance(each, Mapping) and (each.get("observe") or each.get("before_switch")))
        for each in probes
    )


def _refuse_sharing(parts: Mapping[str, Resolved]) -> None:
    """Refuse domains that are not apart: a deployment root has one application and one owner."""
    applications: dict[str, str] = {}
    hosts: dict[str, str] = {}
    for name, part in parts.items():
        application = part.release["name"]
        other = applications.setdefault(application, name)
        if other != name:
            raise Mistake(
                ["domains", name, "release"],
                f"{application} is deployed by {other} too; expected one domain an application",
            )
        for host in [host for place in part.places for host in place.hosts]:
            other = hosts.setdefault(host, name)
            if other != name:
                raise Mistake(
                    ["domains", name, "hosts"],
                    f"{host} is in {other} too; expected each host in one domain",
                )


def _resolve(plan: Plan, label: Label, inventory: Inventory) -> Resolved:
    places = []
    for index, step in enumerate(plan.path):
        hosts = inventory(step)
        if not hosts:
            raise Mistake(["path", index, "hosts"], f"'{step.hosts}' selects no host")
        least = least_in_service(len(hosts), step.min_in_service)
        if least >= len(hosts):
            raise Mistake(
                ["path", index, "min_in_service"],
                f"{least} of {len(hosts)} hosts must stay in service, so none may change; expected "
                "fewer than all",
            )
        if least and not all(_tells(host.options.get(PROBE)) for host in hosts):
            raise Mistake(
                ["path", index, "min_in_service"],
                f"{PROBE} is not set in {step.environment}; expected a probe, which tells what is "
                "in service",
            )
        places.append(_place(step.environment, hosts))
    release = {"name": label.name, "version": label.version, "digest": label.digest}
    return Resolved(plan, release, tuple(places))


def _place(environment: str, hosts: Sequence[HostOptions]) -> Place:
    ordered = sorted(hosts, key=lambda host: host.host)
    options = {name for host in ordered for name in host.options}
    hooks = {moment for host in ordered for moment in host.hooks}
    return Place(
        environment,
        tuple(host.host for host in ordered),
        {host.host: str(host.options[ROOT]) for host in ordered if host.options.get(ROOT)},
        {
            name: digest_of({host.host: host.options.get(name) for host in ordered})
            for name in sorted(options)
        },
        {
            moment: digest_of({host.host: _file(host.hooks.get(moment)) for host in ordered})
            for moment in sorted(hooks)
        },
    )


def _file(path: str | None) -> str:
    """Return the digest of a hook's file, and why there is none where it cannot be read."""
    if path is None:
        return ""
    try:
        with open(path, "rb") as stream:
            return _canonical.sha256_hex(stream.read())
    except OSError as error:
        return f"{path}: {error.strerror}"
