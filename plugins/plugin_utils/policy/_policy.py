# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The organisation's rules: people, environments, emergencies, overrides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

STRENGTHS = ("claimed", "awx", "signed")  # from the weakest
GATES = (  # that every run is asked for
    "plan",
    "approvals",
    "window",
    "freeze",
    "promotion",
    "domains",
    "scope",
    "blockers",
    "compatibility",
    "signatures",
    "networks",
    "acknowledgements",
    "lease",
)
NEVER_OVERRIDDEN = ("signatures", "plan", "domains", "lease")
DEFAULT_STRENGTH = "signed"
DEFAULT_EXPIRY = timedelta(days=30)


@dataclass(frozen=True)
class Key:
    """A public SSH key: its *type* and base64 *blob*, and when it is valid (UTC, half-open)."""

    type: str
    blob: str
    not_before: datetime | None = None
    not_after: datetime | None = None
    revoked: bool = False

    @property
    def line(self) -> str:
        """The key as OpenSSH writes it, without a comment."""
        return f"{self.type} {self.blob}"

    def why_not(self, at: datetime) -> str:
        """Return why the key does not count for what was signed *at* a time, "" where it does."""
        if self.revoked:
            return "the key is revoked"
        if self.not_before and at < self.not_before:
            return f"the key is valid from {self.not_before:%Y-%m-%d}"
        if self.not_after and at >= self.not_after:
            return f"the key expired on {self.not_after:%Y-%m-%d}"
        return ""


@dataclass(frozen=True)
class Person:
    """A person: short name, roles, and by what they are known."""

    id: str
    roles: tuple[str, ...]
    name: str = ""
    mail: str = ""
    os_user: str = ""
    awx: str = ""
    keys: tuple[Key, ...] = ()


@dataclass(frozen=True)
class Environment:
    """The rules of an environment; *approvals* are numbers of people by role."""

    name: str
    plan_required: bool = False
    approvals: Mapping[str, int] = field(default_factory=dict)
    strength: str = DEFAULT_STRENGTH
    separation: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    soak: timedelta = timedelta()
    window: str = ""
    promote_from: tuple[str, ...] = ()
    signatures: bool = False


@dataclass(frozen=True)
class Emergency:
    """Who may declare an emergency, who must ratify it, and within which time."""

    roles: tuple[str, ...]
    ratify: Mapping[str, int]
    within: timedelta


@dataclass(frozen=True)
class OwnGate:
    """A gate of the organisation's own: a *command* with its arguments, or else an https *url*.

    *timeout* is in seconds, for all that is done to get the answer. *environments*: () means all.
    """

    name: str
    command: tuple[str, ...] = ()
    url: str = ""
    timeout: float = 30
    environments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Policy:
    """All rules, as ``policy.yml`` has them; *digest* is the SHA-256 of its *text*.

    *channels* are URLs of notices by name, with ``{{ variable }}`` where a secret is.
    """

    digest: str
    people: Mapping[str, Person]
    environments: tuple[Environment, ...]
    standard: tuple[str, ...] = ()
    emergency: Emergency | None = None
    override: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gates: tuple[OwnGate, ...] = ()
    expires: timedelta = DEFAULT_EXPIRY
    changes: tuple[str, ...] = ()
    text: str = ""
    channels: Mapping[str, str] = field(default_factory=dict)

    def environment(self, name: str) -> Environment | None:
        """Return the rules of the environment *name*, None where the policy names no such."""
        return next((each for each in self.environments if each.name == name), None)

    def names(self) -> tuple[str, ...]:
        """Return the names of all environments, in order."""
        return tuple(each.name for each in self.environments)

    def having(self, roles: Iterable[str]) -> list[Person]:
        """Return the people who have one of *roles*."""
        wanted = set(roles)
        return [person for person in self.people.values() if wanted & set(person.roles)]

    def holder(self, key_line: str) -> Person | None:
        """Return the person who has the public key *key_line* (type and base64, comment or not)."""
        wanted = tuple(key_line.split()[:2])
        for person in self.people.values():
            if any((key.type, key.blob) == wanted for key in person.keys):
                return person
        return None


@dataclass(frozen=True)
class Identity:
    """Who acts, as far as the policy knows them: a *person* or None, and how strongly.

    *called* is what surrounds the run calls them, such as ada@control1.
    """

    person: Person | None
    strength: str
    called: str


def identify(policy: Policy, os_user: str, awx_user: str | None, called: str) -> Identity:
    """Return who acts: the user of the AWX job, if there is one, else the user of this machine."""
    for person in policy.people.values():
        if awx_user is not None:
            if awx_user and person.awx == awx_user:
                return Identity(person, "awx", called)
        elif os_user and person.os_user == os_user:
            return Identity(person, "claimed", called)
    return Identity(None, "awx" if awx_user is not None else "claimed", called)


def is_as_strong(strength: str, least: str) -> bool:
    """Tell whether *strength* is at least *least*."""
    return STRENGTHS.index(strength) >= STRENGTHS.index(least)


def named(people: Iterable[Person]) -> str:
    """Return people as a line: ``ada or ben``, ``nobody``; five at most are named."""
    ids = [person.id for person in people]
    if not ids:
        return "nobody"
    shown = ids[:5] + ([f"{len(ids) - 5} more"] if len(ids) > 5 else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"
