# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The domains in a file of a plan: names that they refer to, circles, hosts of steps."""

from __future__ import annotations

import graphlib
from collections.abc import Mapping
from typing import Any

from ..definition._schema_file import Mistake
from ._plan import Domain


def of_plain(plain: Mapping[str, Any]) -> tuple[Domain, ...]:
    """Return the domains that *plain*, which fits the schema, has; Mistake where they cannot be.

    A plan has either a release, and hosts in each step, or domains.
    """
    if ("release" in plain) == ("domains" in plain):
        if "release" in plain:
            raise Mistake(["domains"], "beside release; expected one of both")
        raise Mistake(["release"], "missing, and so is domains; expected one of both")
    for index, step in enumerate(plain["path"]):
        if "domains" in plain and "hosts" in step:
            raise Mistake(["path", index, "hosts"], "each domain has its hosts; expected no hosts")
        if "release" in plain and "hosts" not in step:
            raise Mistake(["path", index], "hosts is missing; expected a pattern of hosts")
    domains = tuple(
        Domain(
            name,
            item["release"],
            item["hosts"],
            tuple(item.get("needs", ())),
            tuple(item.get("back_out_with", ())),
        )
        for name, item in plain.get("domains", {}).items()
    )
    _refuse_unknown(domains)
    _refuse_circles(domains)
    return domains


def _refuse_unknown(domains: tuple[Domain, ...]) -> None:
    names = [domain.name for domain in domains]
    for domain in domains:
        for key, named in (("needs", domain.needs), ("back_out_with", domain.back_out_with)):
            for index, name in enumerate(named):
                others = ", ".join(each for each in names if each != domain.name)
                if name == domain.name or name not in names:
                    raise Mistake(
                        ["domains", domain.name, key, index],
                        f"{name} is not another domain; expected one of {others}"
                        if others
                        else f"{name} is not another domain; the plan has only {domain.name}",
                    )


def _refuse_circles(domains: tuple[Domain, ...]) -> None:
    graph = {domain.name: domain.needs for domain in domains}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        circle = list(reversed(error.args[1]))
        raise Mistake(
            ["domains", circle[0], "needs"],
            f"{' needs '.join(circle)}; expected an order without a circle",
        ) from None
