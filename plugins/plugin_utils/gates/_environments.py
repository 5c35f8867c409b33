# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which environment a host is in: with a policy, the group of that name, and one only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ._sources import GateError


def of_host(host: str, names: Iterable[str], groups: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the environments, of these *names*, in whose groups *host* is."""
    return [name for name in names if host in set(groups.get(name) or ())]


def demand(
    hosts: Iterable[str],
    environment: str,
    names: Iterable[str],
    groups: Mapping[str, Iterable[str]],
) -> None:
    """Raise GateError unless all *hosts* are in the group *environment*, and in no other."""
    known = list(names)
    for host in hosts:
        found = of_host(host, known, groups)
        if found != [environment]:
            where = " and ".join(found) if found else "no group of an environment of policy.yml"
            raise GateError(
                f"{host} is in {where}, and the plan says {environment}: a host must be in the "
                "group of its environment, and of no other",
                code="other_environment",
            )
