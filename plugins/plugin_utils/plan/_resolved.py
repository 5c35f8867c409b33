# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``plan.json``: a plan with its hosts, its release digest, and digests of how it is deployed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
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
    """A plan and what it means now: *release* has name, version and digest.

    A plan with domains has a part for each in *parts*, by name, which looks like a plan without
    domains. To such a part *domain* is its name, and *whole* the plan that it is of. The whole has
    all hosts of an environment in its places, and a release without a name: its digest is of those
    of all domains.
    """

    plan: Plan
    release: Mapping[str, str]
    places: tuple[Place, ...]
    parts: Mapping[str, Resolved] = field(default_factory=dict)
    domain: str = ""
    whole: Resolved | None = None

    @classmethod
    def of_parts(cls, plan: Plan, parts: Mapping[str, Resolved]) -> Resolved:
        """Return a *plan* with domains from the plan of each domain, resolved, by its name."""
        digests = {name: part.release["digest"] for name, part in parts.items()}
        release = {"name": "", "version": "", "digest": _digest(digests)}
        places = tuple(
            _together(step.environment, [part.places[index] for part in parts.values()])
            for index, step in enumerate(plan.path)
        )
        return cls(plan, release, places, dict(parts))

    @property
    def digest(self) -> str:
        """The SHA-256 of the canonical JSON: what approvals are about."""
        if self.whole is not None:
            return self.whole.digest
        return _canonical.sha256_hex(_canonical.dumps(self.to_plain()))

    @property
    def applications(self) -> tuple[str, ...]:
        """The names of all applications that the plan deploys."""
        return tuple(part.release["name"] for part in self.each())

    def each(self) -> tuple[Resolved, ...]:
        """Return the plan of each domain; the plan itself where it has no domains."""
        if not self.parts:
            return (self,)
        return tuple(self.of_domain(name) for name in self.parts)

    def all_domains(self) -> tuple[Resolved, ...]:
        """Return the plan of each domain of the whole that this is a part of, or else itself."""
        return (self.whole or self).each()

    def needed(self) -> tuple[Resolved, ...]:
        """Return the plans of the domains that this one needs, and of those that these need."""
        if self.whole is None:
            return ()
        found, waiting = dict[str, None](), [self.domain]
        while waiting:
            domain = self.whole.plan.domain(waiting.pop())
            new = [name for name in (domain.needs if domain else ()) if name not in found]
            found |= dict.fromkeys(new)
            waiting += new
        return tuple(self.whole.of_domain(name) for name in self.whole.parts if name in found)

    def of_domain(self, name: str) -> Resolved:
        """Return the plan of the domain *name*; ReleaseError where the plan has no such domain."""
        if name not in self.parts:
            valid = ", ".join(self.parts) or "none, the plan has no domains"
            said = f"'{name}' is not a domain of the plan" if name else "required with this plan"
            raise ReleaseError(
                f"domain (release_domain): {said}; valid: {valid}", code="invalid_option"
            )
        return replace(self.parts[name], domain=name, whole=self)

    def place(self, environment: str) -> Place | None:
        """Return the resolved *environment*, None where the path does not go there."""
        return next((place for place in self.places if place.environment == environment), None)

    def to_plain(self) -> dict[str, Any]:
        """Return ``plan.json``."""
        return {
            "format": FORMAT,
            "plan": dict(self.plan.plain),
            **(
                {"domains": {name: part.resolution() for name, part in self.parts.items()}}
                if self.parts
                else self.resolution()
            ),
        }

    def resolution(self) -> dict[str, Any]:
        """Return the release and the environments as plain data."""
        return {
            "release": dict(self.release),
            "environments": [place.to_plain() for place in self.places],
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Resolved:
        """Return what ``to_plain`` gave."""
        plan = _file.of_plain(plain["plan"])
        if not plan.domains:
            return cls._from(plan, plain)
        parts = {
            name: cls._from(part, plain["domains"][name]) for name, part in plan.parts().items()
        }
        return cls.of_parts(plan, parts)

    @classmethod
    def _from(cls, plan: Plan, plain: Mapping[str, Any]) -> Resolved:
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
        return cls(plan, dict(plain["release"]), places)


def _together(environment: str, places: Sequence[Place]) -> Place:
    """Return one place with the hosts of all *places* of an *environment*."""
    hosts = sorted({host for place in places for host in place.hosts})
    roots = {host: root for place in places for host, root in place.roots.items()}
    return Place(environment, tuple(hosts), roots)


def digest_of(values: Mapping[str, Any]) -> str:
    """Return the digest of an option's *values* by host: that of one value where all are equal."""
    digests = {host: _digest(value) for host, value in values.items()}
    if len(set(digests.values())) == 1:
        return next(iter(digests.values()))
    return _digest(digests)


def differences(agreed: Resolved, now: Resolved, environment: str | None = None) -> list[str]:
    """Return what differs between a plan as *agreed* and as it is *now*, a line each.

    With an *environment*, hosts and options of others are left out: they may change on the way.
    The plan of a domain is compared as the whole that it is of.
    """
    return list(_differences(agreed.whole or agreed, now.whole or now, environment))


def _differences(agreed: Resolved, now: Resolved, environment: str | None) -> Iterator[str]:
    before, after = agreed.plan.plain, now.plan.plain
    for key in dict.fromkeys([*before, *after]):
        if before.get(key) != after.get(key):
            yield f"{key} of the plan changed"
    if not agreed.parts and not now.parts:
        yield from _in_part(agreed, now, environment)
    for name in agreed.parts:
        if name in now.parts:
            for found in _in_part(agreed.parts[name], now.parts[name], environment):
                yield f"{name}: {found}"


def _in_part(agreed: Resolved, now: Resolved, environment: str | None) -> Iterator[str]:
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
