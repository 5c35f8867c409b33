# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of an environment, from what ``release_deployment_info`` answered on its hosts."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ...module_utils.deployment._answer import HOST_LOST
from ...module_utils.formats import _canonical
from ._state import DeployedRelease, EnvironmentState, HostState, optional_release

REASON_LENGTH = 120
LEFT_OUT = "left out by --limit, or lost earlier in this run"
NOT_ASKED = "was not asked"
NOT_NAMED = "asked, but not among the hosts that were named"
DIVERTED = "current leads to something else there than is recorded"
MALFORMED = "its answer is malformed"

# What a task registered: the result, or ``{"results": [result, …]}`` where it has a loop.
Registered = Mapping[str, Any]


def from_hosts(
    answers: Mapping[str, Registered | None], asked: Collection[str]
) -> EnvironmentState:
    """Return the state of the hosts in *answers*: what each one's task registered, or None.

    *asked* are the hosts that the task was run for now, so that no earlier answer counts.
    """
    found: list[HostState] = []
    for host, answer in answers.items():
        if host not in asked:
            found.append(HostState(host, unknown=LEFT_OUT))
        elif answer is None:
            found.append(HostState(host, unknown=NOT_ASKED))
        elif "results" in answer:
            # A host without any root has no results, and nothing is there.
            found += [of_host(host, each) for each in answer["results"]] or [HostState(host)]
        else:
            found.append(of_host(host, answer))
    # A host that is asked is of the pattern. If it is not, the pattern was not understood.
    found += [HostState(host, unknown=NOT_NAMED) for host in asked if host not in answers]
    return EnvironmentState(tuple(found))


def from_loop(
    results: Iterable[Registered], asked: Iterable[Mapping[str, Any]] = ()
) -> EnvironmentState:
    """Return the state of other hosts, from the *results* of a loop with ``delegate_to``.

    Each has as ``item`` ``{host, root, place}``. Of *asked*, such items, perhaps with ``unknown``,
    each that has no result is unknown.
    """
    found, answered = [], set()
    for result in results:
        item = result["item"]
        answered.add((item["host"], item.get("root")))
        found.append(_placed(of_host(item["host"], result), item))
    for item in asked:
        if (item["host"], item.get("root")) not in answered:
            why = _canonical.one_line(item.get("unknown") or NOT_ASKED)
            found.append(_placed(HostState(item["host"], unknown=why), item))
    return EnvironmentState(tuple(found))


def of_host(host: str, answer: Registered) -> HostState:
    """Return the state of one root of a *host*, from its *answer*."""
    deployment = answer.get("deployment")
    if not isinstance(deployment, dict):
        return HostState(host, unknown=reason(answer))
    try:
        return HostState(
            host,
            str(deployment.get("root") or ""),
            live=optional_release(deployment["live"]),
            trial=optional_release(deployment["trial"]),
            previous=optional_release(deployment["previous"]),
            releases=tuple(map(DeployedRelease.from_plain, deployment["releases"])),
            declared=answer.get("declared"),
            unknown=DIVERTED if any(_diverted(answer)) else "",
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return HostState(host, unknown=MALFORMED)


def reason(answer: Registered) -> str:
    """Return in a few words why there is no state in what a task registered."""
    if answer.get("unreachable") or answer.get("code") == HOST_LOST:
        return "unreachable"
    said = " ".join(str(answer.get("msg") or "no answer").split())
    for prefix in ("Task failed: ", "Action failed: ", "Module failed: "):
        said = said.removeprefix(prefix)
    said = said if len(said) <= REASON_LENGTH else said[: REASON_LENGTH - 1] + "…"
    return _canonical.one_line(said)


def _diverted(answer: Registered) -> Iterator[bool]:
    """Yield whether a difference is that ``current`` is not what the host recorded.

    Where nothing was ever live, ``current`` is missing as it should be; and that another release
    is live than was expected is no contradiction.
    """
    for item in answer.get("drift") or ():
        if item["path"] == "current":
            yield item["change"] == "modified" or (
                item["change"] == "missing" and item["tree"] is not None
            )


def _placed(there: HostState, item: Mapping[str, Any]) -> HostState:
    return dataclasses.replace(
        there,
        root=str(item.get("root") or there.root),
        place=str(item.get("place") or ""),
    )
