# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waves: the order in which hosts change, and which of them change together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...module_utils.errors._release_error import ReleaseError


class FleetError(ReleaseError):
    """Hosts cannot change as they are asked to; the text says which, and why."""

    code = "fleet"


@dataclass(frozen=True)
class Batch:
    """Hosts that change together: a wave (from 1), or a part of one that is too large.

    *soaks* is true for the last part of a wave: the next begins after ``wave_soak``.
    """

    wave: int
    hosts: tuple[str, ...]
    soaks: bool = True

    def to_plain(self) -> dict[str, Any]:
        """Return this as plain data."""
        return {"wave": self.wave, "hosts": list(self.hosts), "soaks": self.soaks}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Batch:
        """Return what ``to_plain`` gave."""
        return cls(plain["wave"], tuple(plain["hosts"]), plain["soaks"])


def ordered(
    hosts: Sequence[str],
    canaries: Collection[str] = (),
    failure_domains: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Return *hosts* in the order in which they change: the same for the same hosts.

    *canaries* come first. Hosts of different *failure_domains* (by host) take turns, so that no
    wave takes a whole one down while others could share.
    """
    first = [host for host in hosts if host in canaries]
    rest = [host for host in hosts if host not in canaries]
    domains = failure_domains or {}
    return (*_in_turns(first, domains), *_in_turns(rest, domains))


def _in_turns(hosts: Iterable[str], domains: Mapping[str, str]) -> list[str]:
    queues: dict[str, list[str]] = {}
    for host in hosts:
        queues.setdefault(domains.get(host, ""), []).append(host)
    longest = max(map(len, queues.values()), default=0)
    return [
        queue[turn] for turn in range(longest) for queue in queues.values() if turn < len(queue)
    ]


def sizes(total: int, waves: Sequence[int | str]) -> list[int]:
    """Return how many hosts each wave has: as Ansible's ``serial`` counts, the last repeats.

    *waves* are numbers, or percentages of the *total*; none is one wave.
    """
    found: list[int] = []
    left, wanted = total, list(waves) or ["100%"]
    while left > 0:
        size = min(left, max(1, _count(wanted[min(len(found), len(wanted) - 1)], total)))
        found.append(size)
        left -= size
    return found


def batches(
    hosts: Sequence[str],
    waves: Sequence[int | str],
    out_of_service: Collection[str] = (),
    capacity: int | None = None,
) -> list[Batch]:
    """Return the batches in which *hosts*, in their order, change.

    At most *capacity* hosts of those in service change together, None for no limit; a larger wave
    is done in parts. Raises FleetError where none could.
    """
    found: list[Batch] = []
    rest = list(hosts)
    for number, size in enumerate(sizes(len(hosts), waves), 1):
        parts = _parts(rest[:size], out_of_service, capacity)
        found += [Batch(number, part, soaks=part is parts[-1]) for part in parts]
        rest = rest[size:]
    return found


def _parts(
    hosts: Sequence[str], out_of_service: Collection[str], capacity: int | None
) -> list[tuple[str, ...]]:
    """Return *hosts* in parts of which at most *capacity* are in service."""
    if capacity is not None and capacity < 1 and any(host not in out_of_service for host in hosts):
        raise FleetError("min_in_service leaves no host that may change", code="min_in_service")
    parts: list[list[str]] = [[]]
    taken = 0
    for host in hosts:
        counts = host not in out_of_service
        if counts and capacity is not None and taken >= capacity:
            parts.append([])
            taken = 0
        parts[-1].append(host)
        taken += counts
    return [tuple(part) for part in parts if part]


def _count(size: int | str, total: int) -> int:
    if isinstance(size, str):
        return int(size.rstrip("%")) * total // 100
    return size
