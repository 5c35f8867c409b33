# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The signatures of a release: made, attached in the library, and judged by ``trust.yml``.

What is read comes from a library that others may write to. A payload is parsed only after a key of
``trust.yml`` has verified it, and the key that counts is the one that verified it, whatever the
envelope says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ...module_utils.errors._release_error import ReleaseError
from ..library._catalogue import Catalogue
from ..library._store import Library
from ..oci._referrers import Attached
from ..release._stored import Label
from . import _dsse, _keys, _statement
from ._keys import KnownKeys, PublicKey
from ._signers import Signer
from ._trust import Role, Trust, TrustedKey

ROLE_NOTE = "vnd.itops.release.signature.role"
KEY_NOTE = "vnd.itops.release.signature.key"
MOST_REASONS = 5


class Refused(ReleaseError):
    """A release is not signed as ``trust.yml`` demands; the text is one line."""

    code = "untrusted"


class Examined(NamedTuple):
    """An envelope after its verification: the PublicKeys that verified it, and what they signed.

    *statement* is None where that is nothing of ours, or where *problem* says what is wrong.
    """

    digest: str
    signers: tuple[PublicKey, ...]
    statement: _statement.Statement | None
    problem: str


class Verdict(NamedTuple):
    """Whether a role has signed a release, which keys count, by name, and a line that says so."""

    role: str
    met: bool
    threshold: int
    keys: tuple[str, ...]
    line: str


def sign(library: Library, digest: str, role: str, signer: Signer, keep: bool = True) -> bool:
    """Sign the release *digest* as *role*, unless the key has; return whether it had not.

    Without *keep*, nothing is written, nor is the signer asked.
    """
    label = library.get(digest).label
    known = {signer.public_key.fingerprint: signer.public_key}
    for attached in library.attached(digest, _dsse.ENVELOPE_TYPE, _dsse.LARGEST_ENVELOPE):
        examined = examine(attached, label, known, str)
        if examined.statement and examined.statement.role == role:
            return False
    if keep:
        data = envelope(label, role, signer)
        notes = {ROLE_NOTE: role, KEY_NOTE: signer.public_key.fingerprint}
        library.attach(digest, _dsse.ENVELOPE_TYPE, data, notes)
    return True


def describe(library: Catalogue, label: Label, trust: Trust | None = None) -> list[dict[str, Any]]:
    """Return what is attached to a release as signatures, as plain data.

    Role and key are what the library says, which anybody could have written; only with a Trust
    it is told who signed indeed, and what is wrong.
    """
    known = {key.fingerprint: key for key in trust.public_keys} if trust else {}
    described = []
    for attached in library.attached(label.digest, _dsse.ENVELOPE_TYPE, _dsse.LARGEST_ENVELOPE):
        role, key = (str(attached.notes.get(note)) for note in (ROLE_NOTE, KEY_NOTE))
        plain: dict[str, Any] = {
            "digest": attached.digest,
            "role": role if role in _statement.ROLES else None,
            "key": key if _keys.FINGERPRINT.match(key) else None,
        }
        if trust:
            examined = examine(attached, label, known, trust.name_of)
            plain["signed_by"] = [trust.name_of(signer) for signer in examined.signers]
            plain["problem"] = examined.problem
        described.append(plain)
    return described


def envelope(label: Label, role: str, signer: Signer) -> bytes:
    """Return the envelope in which *signer* signs the release of a Label as *role*, as bytes."""
    payload = _statement.render(label, role)
    signature = signer.sign(_dsse.pae(_statement.PAYLOAD_TYPE, payload))
    signatures = (_dsse.Signature(signature, signer.public_key.fingerprint),)
    return _dsse.render(_dsse.Envelope(_statement.PAYLOAD_TYPE, payload, signatures))


def demand(library: Catalogue, label: Label, trust: Trust, now: datetime) -> None:
    """Raise Refused unless all roles that *trust* demands of a deployment have signed a release."""
    verdicts = judge_all(library, label, trust, trust.deploy, now)
    lines = [verdict.line for verdict in verdicts if not verdict.met]
    if lines:
        raise Refused(f"{_called(label)} may not be deployed: {'; '.join(lines)}")


def judge_all(
    library: Catalogue, label: Label, trust: Trust, roles: Iterable[str], now: datetime
) -> list[Verdict]:
    """Return a Verdict on each of the *roles*, names in *trust*, for a release in the library."""
    known = {key.fingerprint: key for key in trust.public_keys}
    examined = [
        examine(attached, label, known, trust.name_of)
        for attached in library.attached(label.digest, _dsse.ENVELOPE_TYPE, _dsse.LARGEST_ENVELOPE)
    ]
    return [judge(trust.roles[role], label, examined, trust, now) for role in roles]


def examine(
    attached: Attached, label: Label, known: KnownKeys, name_of: Callable[[PublicKey], str]
) -> Examined:
    """Return an attached envelope as Examined: by the keys *known*, ``{fingerprint: PublicKey}``.

    *name_of* gives the name of a key for a reason.
    """

    def result(
        signers: tuple[PublicKey, ...] = (),
        statement: _statement.Statement | None = None,
        problem: str = "",
    ) -> Examined:
        return Examined(attached.digest, signers, statement, problem)

    here = f"the envelope {attached.digest[:19]}"
    try:
        if attached.damage:
            raise _dsse.EnvelopeError(attached.damage)
        found = _dsse.parse(attached.data)
    except _dsse.EnvelopeError as error:
        return result(problem=f"{here} cannot be read, {error}: sign again")
    signers = verifiers(found, known)
    if not signers:
        return result(problem=_unverified(here, found, known, name_of))
    by = f"what {name_of(signers[0])} signed"
    if found.payload_type != _statement.PAYLOAD_TYPE:
        problem = f"{by} is of type {found.payload_type!r:.60}: sign the release itself"
        return result(signers, problem=problem)
    try:
        statement = _statement.parse(found.payload)
    except _statement.StatementError as error:
        return result(signers, problem=f"{by} {error}: sign again, with this collection")
    if statement and not statement.is_about(label):
        about = f"{statement.name}:{statement.version} serial {statement.serial}"
        digest = f"sha256:{statement.digest[:12]}…"
        problem = f"{by} is about another release, {about} {digest}: sign this one"
        return result(signers, problem=problem)
    return result(signers, statement)


def judge(
    role: Role, label: Label, examined: list[Examined], trust: Trust, now: datetime
) -> Verdict:
    """Return the Verdict on a Role, from the Examined envelopes of a release, at the time *now*."""
    counted, reasons = {}, []
    for item in examined:
        if item.problem:
            reasons.append(item.problem)
        if item.statement is None or item.statement.role != role.name:
            continue
        for signer in item.signers:
            key = role.key(signer)
            problem = _why_not(key, trust.name_of(signer), now)
            if key is None or problem:
                reasons.append(problem)
            else:
                counted[signer] = key.name
    names = tuple(counted.values())
    said = f"role {role.name} of {_called(label)}"
    if len(counted) >= role.threshold:
        return Verdict(role.name, True, role.threshold, names, f"{said}: {_signed_by(names)}")
    reasons = list(dict.fromkeys(reasons))
    missing = _missing(role, counted, now) if counted or not reasons else []
    lack = f"{len(counted)} of {role.threshold} keys signed" if examined else "not signed"
    shown = [*reasons[:MOST_REASONS], *missing]
    if len(reasons) > MOST_REASONS:
        shown.append(f"and {len(reasons) - MOST_REASONS} more reasons")
    line = f"{said}: {lack}; {'; '.join(shown)}"
    return Verdict(role.name, False, role.threshold, names, line)


def verifiers(found: _dsse.Envelope, known: KnownKeys) -> tuple[PublicKey, ...]:
    """Return the PublicKeys of *known* that verify a signature of an Envelope, each once.

    The one that is named is tried first, which is quick, and all others then.
    """
    signed = _dsse.pae(found.payload_type, found.payload)
    verified: dict[PublicKey, None] = {}
    for signature in found.signatures:
        for key in sorted(known.values(), key=lambda key: key.fingerprint != signature.keyid):
            if key.verifies(signature.value, signed):
                verified[key] = None
                break
    return tuple(verified)


def _unverified(
    here: str, found: _dsse.Envelope, known: KnownKeys, name_of: Callable[[PublicKey], str]
) -> str:
    """Return why no key verified an envelope, as far as what it claims allows to say."""
    for signature in found.signatures:
        if signature.keyid in known:
            name = name_of(known[signature.keyid])
            return f"{here} names the key {name}, which did not sign what it holds: sign again"
    hints = [item.keyid for item in found.signatures if _keys.FINGERPRINT.match(item.keyid)]
    by = hints[0] if hints else "a key that is not named"
    return f"{here} is signed by {by}, which trust.yml does not list: sign with a key that it lists"


def _why_not(key: TrustedKey | None, name: str, now: datetime) -> str:
    """Return why a TrustedKey does not count now, "" if it does; None is a key of other roles."""
    if key is None:
        return f"{name} signed, whose key is not of this role: sign with a key that is"
    if key.not_before and now < key.not_before:
        return f"the key {name} is not valid before {key.not_before:%Y-%m-%dT%H:%M:%SZ}: wait"
    if key.not_after and now > key.not_after:
        expired = f"{key.not_after:%Y-%m-%dT%H:%M:%SZ}"
        return f"the key {name} expired on {expired}: countersign with a key that is valid"
    return ""


def _missing(role: Role, counted: Mapping[PublicKey, str], now: datetime) -> list[str]:
    """Return, in a list of one line, who else could sign."""
    others = [
        key.name
        for key in role.keys
        if key.public_key not in counted and not _why_not(key, key.name, now)
    ]
    count = role.threshold - len(counted)
    have = f"{_signed_by(tuple(counted.values()))}; " if counted else ""
    if len(others) < count:
        return [f"{have}too few of the other keys of the role are valid now: list more"]
    of = ", ".join(others[:MOST_REASONS]) + ("…" if len(others) > MOST_REASONS else "")
    return [f"{have}sign it with {count} of {of}: release_package, state: signed"]


def _signed_by(names: tuple[str, ...]) -> str:
    return f"signed by {', '.join(names)}"


def _called(label: Label) -> str:
    return f"{label.name}:{label.version}"
