# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``trust.yml``: which keys may sign in a role, how many must, and what a deployment demands."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple, NoReturn

from ..definition import _schema_file
from ..definition._schema_file import FileError as TrustError
from ..definition._schema_file import KeyPath, Schema
from . import _keys

# Raises TrustError for what stands at a path: the problem, and what was expected.
Refuse = Callable[[KeyPath, object, str], NoReturn]

DAY_FORMAT, SECOND_FORMAT = "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"


class TrustedKey(NamedTuple):
    """A key of a role, valid from *not_before* and until *not_after*, which may be None."""

    public_key: _keys.PublicKey
    name: str
    not_before: datetime | None
    not_after: datetime | None

    def is_valid(self, now: datetime) -> bool:
        """Tell whether it counts at the time *now*."""
        has_begun = not self.not_before or now >= self.not_before
        return has_begun and (not self.not_after or now <= self.not_after)


class Role(NamedTuple):
    """A role, whose signature *threshold* different ones of its TrustedKeys make together."""

    name: str
    threshold: int
    keys: tuple[TrustedKey, ...]

    def key(self, public_key: _keys.PublicKey) -> TrustedKey | None:
        """Return the TrustedKey that is *public_key*, or None."""
        return next((key for key in self.keys if key.public_key == public_key), None)


class Trust(NamedTuple):
    """What ``trust.yml`` says: its Roles by name, and those that a deployment demands."""

    roles: dict[str, Role]
    deploy: tuple[str, ...]

    @property
    def public_keys(self) -> list[_keys.PublicKey]:
        """All PublicKeys of all roles, each once."""
        return list({key.public_key: None for role in self.roles.values() for key in role.keys})

    def name_of(self, public_key: _keys.PublicKey) -> str:
        """Return what the file calls a key, else its fingerprint."""
        found = (role.key(public_key) for role in self.roles.values())
        return next((key.name for key in found if key), public_key.fingerprint)


def read(path: str) -> Trust:
    """Return the Trust in the file *path*; TrustError says in a line what is wrong with it."""
    try:
        with open(path, "rb") as stream:
            data = stream.read()
    except OSError as error:
        raise TrustError(
            f"{path}: {error.strerror}; trust (deploy_trust in the role) names a file on the "
            "controller that says whose signatures a release needs"
        ) from None
    try:
        return parse(data.decode("utf-8"), path)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TrustError(f"{path}:{line}: not UTF-8; expected YAML in UTF-8") from None


def parse(text: str, filename: str) -> Trust:
    """Return the Trust in the YAML *text*; raise TrustError, as of a ``release.yml``."""
    plain, lines = _schema_file.load(text, filename, "roles and their keys")
    _schema_file.check(plain, lines, filename, schema())

    def refuse(path: KeyPath, problem: object, expected: str) -> NoReturn:
        line = _schema_file.nearest(path, lines)
        where = _schema_file.spell(path)
        raise TrustError(f"{filename}:{line}: {where}: {problem}; expected {expected}")

    roles = {name: _role(name, item, refuse) for name, item in plain["roles"].items()}
    for index, name in enumerate(plain["deploy"]):
        if name not in roles:
            refuse(("deploy", index), f"no role {name} stands in roles", "one that does")
    return Trust(roles, tuple(dict.fromkeys(plain["deploy"])))


@functools.lru_cache(maxsize=None)
def schema() -> Schema:
    """Return the published JSON Schema of ``trust.yml``."""
    return _schema_file.schema("trust")


def _role(name: str, item: Mapping[str, Any], refuse: Refuse) -> Role:
    path = ("roles", name)
    keys = {}
    for index, plain in enumerate(item["keys"]):
        key = _key(plain, (*path, "keys", index), refuse)
        if key.public_key in keys:
            refuse((*path, "keys", index, "key"), "this key stands twice in the role", "it once")
        keys[key.public_key] = key
    threshold = item.get("threshold", 1)
    if threshold > len(keys):
        refuse((*path, "threshold"), f"{threshold} of {len(keys)} keys", "no more than there are")
    return Role(name, threshold, tuple(keys.values()))


def _key(plain: Mapping[str, Any], path: KeyPath, refuse: Refuse) -> TrustedKey:
    try:
        public_key, comment = _keys.parse(plain["key"])
    except _keys.KeyFormatError as error:
        refuse((*path, "key"), error, "ssh-ed25519 and base64, as in a .pub file")
    name = plain.get("name") or (comment if comment.isprintable() else "")
    not_before = _moment(plain, "not_before", path, refuse)
    not_after = _moment(plain, "not_after", path, refuse)
    if not_before and not_after and not_before > not_after:
        refuse((*path, "not_after"), "it ends before it begins", "a date after not_before")
    return TrustedKey(public_key, name[:100] or public_key.fingerprint, not_before, not_after)


def _moment(plain: Mapping[str, Any], name: str, path: KeyPath, refuse: Refuse) -> datetime | None:
    """Return the time at *name*, or None; a day lasts from its first second to its last, in UTC."""
    text = plain.get(name)
    if text is None:
        return None
    is_day = "T" not in text
    try:
        moment = datetime.strptime(text, DAY_FORMAT if is_day else SECOND_FORMAT)
    except ValueError:
        refuse((*path, name), f"there is no {text}", "a date of the calendar")
    if is_day and name == "not_after":
        moment += timedelta(hours=23, minutes=59, seconds=59)
    return moment.replace(tzinfo=timezone.utc)
