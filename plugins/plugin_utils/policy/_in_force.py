# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which policy is in force by the ledger, and whether another one may take its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical
from ..ledger import _kind_policy_changed
from ..ledger._event import Draft
from ..ledger._ledger import Ledger
from . import _file, _sshsig
from ._policy import Policy, named

SUBJECT = "policy"


class PolicyError(ReleaseError):
    """A policy may not take the place of the one in force; the text says what is needed."""

    code = "policy_not_accepted"


@dataclass(frozen=True)
class Inputs:
    """Digests of the files that people decide in beforehand, "" without one, and a *signature*."""

    policy: Policy
    trust: str = ""
    calendar: str = ""
    signature: str = ""


def digest_of(path: str | None) -> str:
    """Return the SHA-256 of the file at *path*, "" where there is none."""
    if not path:
        return ""
    try:
        with open(path, "rb") as stream:
            return _canonical.sha256_hex(stream.read())
    except OSError:
        return ""


def changes(ledger: Ledger, inputs: Inputs, now: datetime) -> list[Draft]:
    """Return the event that *inputs* came into force, [] where they are already.

    Raises PolicyError where the policy in force demands a signature that is not there.
    """
    events = list(ledger.events(kind=_kind_policy_changed.NAME))
    wanted = {
        "policy": inputs.policy.digest,
        **({"trust": inputs.trust} if inputs.trust else {}),
        **({"calendar": inputs.calendar} if inputs.calendar else {}),
    }
    last: Mapping[str, object] = events[-1].body if events else {}
    if {name: last[name] for name in ("policy", "trust", "calendar") if name in last} == wanted:
        return []
    signed: dict[str, str] = {}
    if events and last["policy"] != inputs.policy.digest:
        earlier = {event.body["policy"] for event in events}
        signed = _accepted(str(last["content"]), inputs, earlier, now)
    body = {**wanted, "content": inputs.policy.text, **signed}
    key = _canonical.sha256_hex(_canonical.dumps([len(events), wanted]))
    return [Draft(_kind_policy_changed.NAME, SUBJECT, body, f"policy/{key[:32]}")]


def _accepted(content: str, inputs: Inputs, earlier: set[str], now: datetime) -> dict[str, str]:
    """Return who signed the change, by the policy whose text is *content*; {} if that is free."""
    before = _file.parse(content, "the policy in force")
    if not before.changes:
        return {}
    able = before.having(before.changes)
    sign = f"ssh-keygen -Y sign -n {_sshsig.POLICY} -f <key> policy.yml"
    if inputs.policy.digest in earlier:
        raise PolicyError(
            "release_policy: this policy was in force before and was replaced; to return to it, "
            "change a comment in it and sign it again"
        )
    if inputs.signature:
        data = inputs.policy.text.encode("utf-8")
        for person in able:
            keys = [key.line for key in person.keys if not key.why_not(now)]
            try:
                _sshsig.verify(data, inputs.signature, keys, person.id, _sshsig.POLICY)
            except _sshsig.SignatureError:
                continue
            return {"signature": inputs.signature, "person": person.id}
    raise PolicyError(
        f"release_policy: the policy changed, and the one in force needs a signature of "
        f"{named(able)} beside it (policy.yml.sig): {sign}"
    )
