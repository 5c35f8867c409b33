# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``policy.yml``: read and checked; errors name file, line, key and what was expected."""

from __future__ import annotations

import base64
import functools
import re
import struct
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from ...module_utils.formats import _canonical
from ..definition import _duration, _schema_file
from ..definition._schema_file import FileError, Mistake, Schema, at
from . import _networks
from ._policy import (
    DEFAULT_EXPIRY,
    DEFAULT_STRENGTH,
    GATES,
    NEVER_OVERRIDDEN,
    Emergency,
    Environment,
    Key,
    OwnGate,
    Person,
    Policy,
)

KEY_TYPES = ("ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-")
ED25519_BYTES = 51  # of such a key, the shortest
LONGEST_TIMEOUT = timedelta(minutes=10)
VARIABLE = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}", re.ASCII)  # in the URL of a channel
PASSWORD = re.compile(r"\s*[\w+.-]+://[^/?#@]*:(?!\s*\{\{)[^/?#@]+@")  # user:password@


def read(path: str, option: str = "release_policy") -> Policy:
    """Return the Policy in the file *path*, which *option* names; FileError, in a line."""
    try:
        with open(path, "rb") as stream:
            text = stream.read().decode("utf-8")
    except OSError as error:
        raise FileError(f"{option}: {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FileError(f"{option}: {path}: not UTF-8; expected YAML in UTF-8") from None
    return parse(text, path)


def environment_names(path: str | None) -> list[str]:
    """Return the names of the environments in the file *path*, [] where it cannot be read.

    The rest is not looked at: what is recorded must not depend on a mistake in a policy.
    """
    import yaml

    try:
        with open(path or "", "rb") as stream:
            return [str(name) for name in yaml.safe_load(stream)["environments"]]
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError):
        return []


def parse(text: str, filename: str) -> Policy:
    """Return the Policy in the YAML *text*."""
    plain, lines = _schema_file.load(text, filename, "people and environments")
    _schema_file.check(plain, lines, filename, schema())
    with _schema_file.located(filename, lines):
        return of_plain(plain, _canonical.sha256_hex(text.encode("utf-8")), text)


def of_plain(plain: Mapping[str, Any], digest: str, text: str = "") -> Policy:
    """Return the Policy that *plain*, which fits the schema, says; Mistake where it cannot be.

    *digest* is that of the file's bytes, and *text* what they say.
    """
    people = {}
    for name, item in plain["people"].items():
        with at("people", name):
            people[name] = _person(name, item)
    _check_alone(people)
    environments: list[Environment] = []
    for name, item in plain["environments"].items():
        with at("environments", name):
            environments.append(_environment(name, item or {}, people, environments))
    emergency = None
    if "emergency" in plain:
        item = plain["emergency"]
        with at("emergency"):
            _check_roles(people, item["roles"], "roles")
            _check_roles(people, item["ratify"], "ratify")
        emergency = Emergency(
            tuple(item["roles"]), dict(item["ratify"]), _duration.parse(item["within"])
        )
    names = [each.name for each in environments]
    own = tuple(_own_gate(name, item, names) for name, item in plain.get("gates", {}).items())
    known = [*GATES, *(gate.name for gate in own)]
    override = {}
    for gate, roles in plain.get("override", {}).items():
        with at("override"):
            if gate in NEVER_OVERRIDDEN:
                raise Mistake([gate], f"{gate} can never be overridden; expected another gate")
            if gate not in known:
                raise Mistake([gate], f"{gate} is not a gate; expected one of {', '.join(known)}")
            _check_roles(people, roles, gate)
        override[gate] = tuple(roles)
    with at():
        _check_roles(people, plain.get("changes", ()), "changes")
    return Policy(
        digest=digest,
        people=people,
        environments=tuple(environments),
        standard=tuple(plain.get("standard", ())),
        emergency=emergency,
        override=override,
        gates=own,
        expires=_duration.parse(plain["expires"]) if "expires" in plain else DEFAULT_EXPIRY,
        changes=tuple(plain.get("changes", ())),
        text=text,
        channels={name: _channel(name, url) for name, url in plain.get("channels", {}).items()},
    )


@functools.lru_cache(maxsize=None)
def schema() -> Schema:
    """Return the published JSON Schema of ``policy.yml``."""
    return _schema_file.schema("policy")


def _person(name: str, item: Mapping[str, Any]) -> Person:
    keys = []
    for index, key in enumerate(item.get("keys", ())):
        with at("keys", index):
            keys.append(_key(key))
    texts = {field: item.get(field, "") for field in ("name", "mail", "os_user", "awx")}
    return Person(name, tuple(item["roles"]), keys=tuple(keys), **texts)


def _key(item: str | Mapping[str, Any]) -> Key:
    plain: Mapping[str, Any] = {"key": item} if isinstance(item, str) else item
    words = plain["key"].split()
    if len(words) < 2 or "\n" in plain["key"].strip() or not _is_public_key(words[0], words[1]):
        raise Mistake(
            [], "not a public key; expected a line such as ssh-ed25519 AAAA… as in a .pub file"
        )
    days: dict[str, Any] = {}
    for name in ("not_before", "not_after"):
        if name in plain:
            with at(name, errors=ValueError):
                day = datetime.strptime(plain[name], "%Y-%m-%d").replace(tzinfo=timezone.utc)
                days[name] = day + timedelta(days=name == "not_after")
    return Key(words[0], words[1], revoked=plain.get("revoked", False), **days)


def _is_public_key(kind: str, blob: str) -> bool:
    """Tell whether *blob* is a key of this *kind*: its first field has the same name (RFC 4253)."""
    try:
        data = base64.b64decode(blob, validate=True)
    except ValueError:
        return False
    name = kind.encode("utf-8")
    is_named = data.startswith(struct.pack(">I", len(name)) + name)
    whole = len(data) == ED25519_BYTES if kind == "ssh-ed25519" else len(data) > ED25519_BYTES
    return kind.startswith(KEY_TYPES) and is_named and whole


def _check_alone(people: Mapping[str, Person]) -> None:
    """Refuse two people with one key or one account: each of them could be the other."""
    seen: dict[tuple[str, str], str] = {}
    for person in people.values():
        accounts = [("os_user", person.os_user), ("awx", person.awx)]
        marks = [(name, value) for name, value in accounts if value]
        marks += [("keys", key.blob) for key in person.keys]
        for mark in marks:
            other = seen.setdefault(mark, person.id)
            if other != person.id:
                raise Mistake(
                    ["people", person.id, mark[0]],
                    f"{other} has the same; expected one of their own for each person",
                )


def _environment(
    name: str, item: Mapping[str, Any], people: Mapping[str, Person], before: list[Environment]
) -> Environment:
    _check_roles(people, item.get("approvals", {}), "approvals")
    for index, network in enumerate(item.get("networks", ())):
        with at("networks", index, errors=_networks.NetworkError):
            _networks.parse(network)
    for index, other in enumerate(item.get("promote_from", ())):
        if other not in [each.name for each in before]:
            raise Mistake(
                ["promote_from", index], f"{other} is not before {name}; expected one that is"
            )
    return Environment(
        name=name,
        plan_required=item.get("plan_required", False),
        approvals=dict(item.get("approvals", {})),
        strength=item.get("strength", DEFAULT_STRENGTH),
        separation=tuple(item.get("separation", ())),
        networks=tuple(item.get("networks", ())),
        soak=_duration.parse(item["soak"]) if "soak" in item else timedelta(),
        window=item.get("window", ""),
        promote_from=tuple(item.get("promote_from", ())),
        signatures=item.get("signatures", False),
    )


def _check_roles(people: Mapping[str, Person], roles: Iterable[str], key: str) -> None:
    known = {role for person in people.values() for role in person.roles}
    for role in roles:
        if role not in known:
            raise Mistake([key], f"no person has the role {role}; expected {_listed(known)}")


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words)) or "a role of a person"


def _channel(name: str, url: str) -> str:
    """Return the *url* of a channel; no message has it, since a part of it may be secret."""
    rest = VARIABLE.sub("", url)
    if "{{" in rest or "{%" in rest or "{#" in rest:
        raise Mistake(["channels", name], "expected {{ variable }}, a name and nothing else")
    # The text of the policy is in the ledger, for all who read that.
    if PASSWORD.match(url):
        raise Mistake(
            ["channels", name],
            "it has a password; expected {{ variable }} in its place, from the vault",
        )
    return url


def _own_gate(name: str, item: Mapping[str, Any], environments: Iterable[str]) -> OwnGate:
    with at("gates", name):
        if name in GATES:
            raise Mistake([], "a built-in gate has this name; expected another name")
        if ("command" in item) == ("url" in item):
            raise Mistake([], "expected a command or a url, and not both")
        url = item.get("url", "")
        if url and not url.startswith("https://"):
            raise Mistake(["url"], "not an https URL; expected https://…")
        timeout = _duration.parse(item.get("timeout", "30s"))
        if timeout > LONGEST_TIMEOUT:
            raise Mistake(["timeout"], "longer than 10m; expected 10m at most")
        for index, environment in enumerate(item.get("environments", ())):
            if environment not in environments:
                raise Mistake(["environments", index], f"{environment} is not in environments")
    return OwnGate(
        name,
        tuple(item.get("command", ())),
        url,
        timeout.total_seconds(),
        tuple(item.get("environments", ())),
    )
