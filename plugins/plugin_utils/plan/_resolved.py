# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``plan.json``: a plan with its hosts, its release digest, and digests of how it is deployed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...module_utils.formats import _canonical
from . import _file
from ._plan import Plan

FORMAT = 1
SHOWN = 5  # of a list in a line


@dataclass(frozen=True)
class Place:
    """An environment of a plan: its *hosts*, and a digest of each role option and hook.

    *roots* has the deployment root on each host, as far as it is set.
    """

    environment: str
    hosts: tuple[str, ...]
    roots: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    hooks: Mapping[str, str] = field(default_factory=dict)

    def to_plain(self) -> dict[str, Any]:
        """Return this as plain data."""
        return {
            "environment": self.environment,
            "hosts": list(self.hosts),
            "roots": dict(self.roots),
            "options": dict(self.options),
            "hooks": dict(self.hooks),
        }


@dataclass(frozen=True)
class Resolved:
    """A plan and what it means now: *release* has name, version and digest."""

    plan: Plan
    release: Mapping[str, str]
    places: tuple[Place, ...]

    @property
    def digest(self) -> str:
        """The SHA-256 of the canonical JSON: what approvals are about."""
        return _canonical.sha256_hex(_canonical.dumps(self.to_plain()))

    def place(self, environment: str) -> Place | None:
        """Return the resolved *environment*, None where the path does not go there."""
        return next((place for place in self.places if place.environment == environment), None)

    def to_plain(self) -> dict[str, Any]:
        """Return ``plan.json``."""
        return {
            "format": FORMAT,
            "plan": dict(self.plan.plain),
            "release": dict(self.release),
            "environments": [place.to_plain() for place in self.places],
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Resolved:
        """Return what ``to_plain`` gave."""
        places = tuple(
            Place(
                item["environment"],
                tuple(item["hosts"]),
                dict(item["roots"]),
                dict(item["options"]),
                dict(item["hooks"]),
            )
            for item in plain["environments"]
        )
        return cls(_file.of_plain(plain["plan"]), dict(plain["release"]), places)


def digest_of(values: Mapping[str, Any]) -> str:
    """Return the digest of an option's *values* by host: that of one value where all are equal."""
    digests = {host: _digest(value) for host, value in values.items()}
    if len(set(digests.values())) == 1:
        return next(iter(digests.values()))
    return _digest(digests)


def differences(agreed: Resolved, now: Resolved, environment: str | None = None) -> list[str]:
    """Return what differs between a plan as *agreed* and as it is *now*, a line each.

    With an *environment*, hosts and options of others are left out: they may change on the way.
    """
    return list(_differences(agreed, now, environment))


def _differences(agreed: Resolved, now: Resolved, environment: str | None) -> Iterator[str]:
    before, after = agreed.plan.plain, now.plan.plain
    for key in dict.fromkeys([*before, *after]):
        if before.get(key) != after.get(key):
            yield f"{key} of the plan changed"
    if agreed.release != now.release:
        yield (f"the release is {_release(now.release)} now, and was {_release(agreed.release)}")
    for place in now.places:
        if environment is not None and place.environment != environment:
            continue
        there = agreed.place(place.environment)
        if there is not None:
            yield from _in_place(there, place)


def _in_place(agreed: Place, now: Place) -> Iterator[str]:
    where = now.environment
    joined = [host for host in now.hosts if host not in agreed.hosts]
    left = [host for host in agreed.hosts if host not in now.hosts]
    if joined:
        yield f"{where}: {listed(joined)} joined"
    if left:
        yield f"{where}: {listed(left)} left"
    for kind, one, other in (
        ("", agreed.options, now.options),
        ("hook ", agreed.hooks, now.hooks),
    ):
        for name in sorted({*one, *other}):
            if one.get(name) != other.get(name):
                done = "changed" if name in one and name in other else ""
                done = done or ("is new" if name in other else "is gone")
                yield f"{where}: {kind}{name} {done}"


def listed(words: Sequence[str]) -> str:
    """Return *words* in a line; five at most are named."""
    more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return ", ".join(words[:SHOWN]) + more


def _release(release: Mapping[str, str]) -> str:
    return f"{release['name']} {release['version']} (sha256:{release['digest'][:12]})"


def _digest(value: Any) -> str:
    return _canonical.sha256_hex(_canonical.dumps(value))
