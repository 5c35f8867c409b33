# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is live where: the state of an environment, as its hosts or an inventory report it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical
from ...module_utils.release import _manifest

ADOPTED = "what is live there was adopted: it was not made of a release package"
NAMED_HOSTS = 20


class StateError(ReleaseError):
    """An option does not have the form of an environment's state; one line that names the entry."""

    code = "invalid_environment_state"


@dataclasses.dataclass(frozen=True)
class DeployedRelease:
    """A release on a host. An adopted one has no *digest*: it was not made of a release package."""

    name: str
    version: str
    serial: int
    digest: str | None

    @property
    def is_adopted(self) -> bool:
        """Whether it was on the host before any release package."""
        return self.digest is None

    @property
    def reference(self) -> str:
        """``sha256:<release digest>``, "" for an adopted one."""
        return f"sha256:{self.digest}" if self.digest else ""

    def to_plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> DeployedRelease:
        """Read plain data. Only the digest is required; raises KeyError, TypeError, ValueError."""
        name, version = plain.get("name", ""), plain.get("version", "")
        digest = plain["digest"]
        for text in (name, version):
            if not isinstance(text, str) or _manifest.CONTROL.search(text):
                raise ValueError(f"{text!a:.40} is not a text of one line")
        if digest is not None and not _manifest.DIGEST.match(digest):
            raise ValueError(f"{digest!a:.80} is not a release digest")
        return cls(name, version, int(plain.get("serial", 0)), digest)


@dataclasses.dataclass(frozen=True)
class HostState:
    """What one deployment root of a host holds; or *unknown*: why that is not known.

    *place* is a name for where it is, such as ``production``. *releases* are all that it holds.
    *declared* has, by release digest, what these releases declare; None where that was not asked.
    By default it is a host that holds nothing.
    """

    host: str
    root: str = ""
    place: str = ""
    live: DeployedRelease | None = None
    trial: DeployedRelease | None = None
    previous: DeployedRelease | None = None
    releases: tuple[DeployedRelease, ...] = ()
    declared: Mapping[str, Any] | None = None
    unknown: str = ""

    @property
    def serving(self) -> DeployedRelease | None:
        """The release that ``current`` leads to: the one on trial, else the live one, or None."""
        return self.trial or self.live

    @property
    def problem(self) -> str:
        """Why it is not known which release package serves there, "" where that is known."""
        if self.unknown:
            return self.unknown
        return ADOPTED if self.serving and self.serving.is_adopted else ""

    @property
    def held(self) -> tuple[DeployedRelease, ...]:
        """All releases there, each once."""
        special = [item for item in (self.live, self.trial, self.previous) if item]
        return tuple(dict.fromkeys([*self.releases, *special]))

    def only_serving(self) -> HostState:
        """Return the part that says what serves there; it is small enough to go with each task."""
        declared = self.declared
        if declared is not None:
            digest = self.serving.digest if self.serving else None
            declared = {key: said for key, said in declared.items() if key == digest}
        return dataclasses.replace(self, previous=None, releases=(), declared=declared)

    def to_plain(self) -> dict[str, Any]:
        """Return it as plain data, without what is not given."""
        plain: dict[str, Any] = {"host": self.host}
        for key in ("root", "place", "unknown"):
            if getattr(self, key):
                plain[key] = getattr(self, key)
        for key in ("live", "trial", "previous"):
            if getattr(self, key):
                plain[key] = getattr(self, key).to_plain()
        if not self.unknown:
            plain.setdefault("live", None)
        if self.releases:
            plain["releases"] = [item.to_plain() for item in self.releases]
        if self.declared is not None:
            plain["declared"] = dict(self.declared)
        return plain

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> HostState:
        """Read plain data; raises AttributeError, KeyError, TypeError or ValueError."""
        unknown = plain.get("unknown")
        if not isinstance(plain["host"], str) or not (unknown or "live" in plain):
            raise ValueError("host, and live or unknown, are required")
        declared = plain.get("declared")
        if declared is not None and not isinstance(declared, dict):
            raise ValueError("declared is not a mapping")
        return cls(
            plain["host"],
            str(plain.get("root") or ""),
            str(plain.get("place") or ""),
            live=optional_release(plain.get("live")),
            trial=optional_release(plain.get("trial")),
            previous=optional_release(plain.get("previous")),
            releases=tuple(map(DeployedRelease.from_plain, plain.get("releases") or ())),
            declared=declared,
            unknown=_canonical.one_line(unknown) if unknown else "",
        )


@dataclasses.dataclass(frozen=True)
class EnvironmentState:
    """The state of all *hosts* of an environment: one HostState for each root of a host."""

    hosts: tuple[HostState, ...] = ()

    @property
    def unknown(self) -> dict[str, str]:
        """Why it is not known what is deployed, by the names of the hosts where it is not."""
        found: dict[str, str] = {}
        for there in self.hosts:
            if there.unknown:
                found.setdefault(there.host, there.unknown)
        return found

    @property
    def problem(self) -> str:
        """A line that names the hosts that are unknown, "" where there are none."""
        return describe_unknown(self.unknown)

    @property
    def serving(self) -> dict[DeployedRelease, tuple[str, ...]]:
        """What is live where: hosts by release. A release on trial serves, so it counts."""
        found: dict[DeployedRelease, list[str]] = {}
        for there in self.hosts:
            if there.serving and not there.unknown:
                found.setdefault(there.serving, []).append(there.host)
        return {release: tuple(dict.fromkeys(hosts)) for release, hosts in found.items()}

    @property
    def references(self) -> tuple[str, ...]:
        """All releases that any host holds, as ``sha256:<release digest>``, sorted."""
        held = {release.reference for there in self.hosts for release in there.held}
        return tuple(sorted(held - {""}))

    def to_plain(self) -> list[dict[str, Any]]:
        """Return it as plain data: a list with a mapping for each root of a host."""
        return [there.to_plain() for there in self.hosts]

    @classmethod
    def from_plain(cls, plain: Iterable[Any], option: str) -> EnvironmentState:
        """Read the value of an *option*; raises StateError, which names the option."""
        found = []
        for number, item in enumerate(plain, 1):
            try:
                found.append(HostState.from_plain(item))
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                called = item.get("host") if isinstance(item, dict) else None
                named = _canonical.one_line(called or f"entry {number}")
                why = f"{error} is missing" if isinstance(error, KeyError) else error
                raise StateError(
                    f"{option}: {named}: {_canonical.one_line(why)}; expected host, and live (null "
                    "or a mapping with digest) or unknown, as the filters environment_state and "
                    "releases_beside return them"
                ) from None
        return cls(tuple(found))


def optional_release(plain: Mapping[str, Any] | None) -> DeployedRelease | None:
    """Read the plain data of a release, or None; raises as ``DeployedRelease.from_plain`` does."""
    return None if plain is None else DeployedRelease.from_plain(plain)


def describe_unknown(unknown: Mapping[str, str]) -> str:
    """Return a line on hosts of which it is *unknown* what is deployed, grouped by the reason."""
    if not unknown:
        return ""
    reasons: dict[str, list[str]] = {}
    for host, why in list(unknown.items())[:NAMED_HOSTS]:
        reasons.setdefault(why, []).append(host)
    named = [f"{', '.join(hosts)} ({why})" for why, hosts in reasons.items()]
    more = len(unknown) - NAMED_HOSTS
    return f"cannot know what is deployed on {', '.join(named)}{f' and {more} more' * (more > 0)}"
