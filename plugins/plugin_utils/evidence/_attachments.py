# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence of a release: signed in-toto statements about its digest, attached in the library.

What each says is its predicate: a bill of materials, where it was built, the build note. A library
may be written to by others: what a statement says is believed once a key that is known verified it.
Source: https://github.com/in-toto/attestation/blob/main/spec/README.md
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical
from ..library._catalogue import Catalogue
from ..library._store import Library
from ..oci import _referrers
from ..release._stored import Label
from . import _dsse, _keys, _signatures, _statement
from ._keys import KnownKeys, PublicKey
from ._signers import Signer
from ._trust import Trust

ARTIFACT_TYPE = "application/vnd.in-toto+json"
PREDICATE_NOTE = "in-toto.io/predicate-type"  # where buildkit and others have it
LARGEST_STATEMENT = 32 * 1024 * 1024
LARGEST_ENVELOPE = LARGEST_STATEMENT // 3 * 4 + 64 * 1024  # in base64, and with its signatures
LONGEST_TYPE = 200


class EvidenceError(ReleaseError):
    """Evidence cannot be attached, or is none; the text is one line."""

    code = "invalid_evidence"


class Evidence(NamedTuple):
    """A statement about a release: what it says, and the PublicKeys that verified it.

    *problem* says why it is not believed, in a line; *predicate* is None then, unless nobody's
    keys were known to verify it by. Before that *predicate_type* is what the library claims, or
    None. *digest* is that of the envelope.
    """

    predicate_type: str | None
    predicate: object
    keys: tuple[PublicKey, ...]
    digest: str
    problem: str


def attach(
    library: Library,
    label: Label,
    predicate_type: str,
    predicate: object,
    signer: Signer,
    keep: bool = True,
) -> bool:
    """Attach *predicate*, plain data, to the release of a Label; return whether that is new.

    The same one by the same key is not. Without *keep*, nothing is written, nor is the signer
    asked, and the release may still be missing.
    """
    payload = _statement.render_any(label, predicate_type, predicate)
    if len(payload) > LARGEST_STATEMENT:
        raise EvidenceError(
            f"what {predicate_type} says of {label.name}:{label.version} is larger than "
            f"{LARGEST_STATEMENT:,} bytes, and is not attached"
        )
    there = library.attached(label.digest, ARTIFACT_TYPE, LARGEST_ENVELOPE)
    if any(_signed_by(signer.public_key, attached) == payload for attached in there):
        return False
    if len(there) >= _referrers.MOST_ATTACHED:
        raise EvidenceError(
            f"{label.name}:{label.version} has {len(there)} pieces of evidence, no more are read: "
            "seal a new release"
        )
    if keep:
        signature = signer.sign(_dsse.pae(_statement.PAYLOAD_TYPE, payload))
        key = signer.public_key.fingerprint
        envelope = _dsse.Envelope(
            _statement.PAYLOAD_TYPE, payload, (_dsse.Signature(signature, key),)
        )
        notes = {PREDICATE_NOTE: predicate_type, _signatures.KEY_NOTE: key}
        library.attach(
            label.digest, ARTIFACT_TYPE, _dsse.render(envelope), notes, _dsse.ENVELOPE_TYPE
        )
    return True


def read(library: Catalogue, label: Label, known: KnownKeys | None = None) -> list[Evidence]:
    """Return the Evidence of the release of a Label, in the order in which it was attached.

    *known*, ``{fingerprint: PublicKey}``, are the keys whose word counts; without it all that is
    well-formed is returned, as something that nobody vouches for.
    """
    there = library.attached(label.digest, ARTIFACT_TYPE, LARGEST_ENVELOPE)
    return [examine(attached, label, known) for attached in there]


def attesters(trust: Trust, now: datetime) -> dict[str, PublicKey]:
    """Return the keys whose word on a release counts at the time *now*, as ``read`` wants them.

    They are those of the roles that sign releases, whoever else a Trust lists.
    """
    roles = [trust.roles[name] for name in _statement.ROLES if name in trust.roles]
    return {
        key.public_key.fingerprint: key.public_key
        for role in roles
        for key in role.keys
        if key.is_valid(now)
    }


def describe(
    library: Catalogue, label: Label, trust: Trust | None, now: datetime
) -> list[dict[str, Any]]:
    """Return the evidence of a release as plain data, without what it says.

    Only with a Trust it is told by whom it is, and what is wrong with it; without, the type is
    no more than what is claimed.
    """
    described = []
    for found in read(library, label, attesters(trust, now) if trust else None):
        plain: dict[str, Any] = {"digest": found.digest, "predicate_type": found.predicate_type}
        if trust:
            plain["signed_by"] = [trust.name_of(key) for key in found.keys]
            plain["problem"] = found.problem
        described.append(plain)
    return described


def examine(attached: _referrers.Attached, label: Label, known: KnownKeys | None) -> Evidence:
    """Return an Attached as Evidence of the release of a Label; for *known* see ``read``."""
    said = str(attached.notes.get(PREDICATE_NOTE, ""))
    claimed = said if said.isprintable() and 0 < len(said) <= LONGEST_TYPE else None

    def refused(problem: str, keys: tuple[PublicKey, ...] = ()) -> Evidence:
        return Evidence(claimed, None, keys, attached.digest, problem)

    try:
        if attached.damage:
            raise _dsse.EnvelopeError(attached.damage)
        found = _dsse.parse(attached.data, LARGEST_ENVELOPE)
    except _dsse.EnvelopeError as error:
        return refused(f"it cannot be read: {error}")
    keys = _signatures.verifiers(found, known or {})
    if known is not None and not keys:
        return refused(f"no key that may attest verified it; it names {_hint(found)}")
    try:
        predicate_type, predicate = _parse(found, label)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        return refused(f"it is no statement of use: {_canonical.one_line(error)}", keys)
    problem = "" if keys else "it is not verified: no trust was given"
    return Evidence(predicate_type, predicate, keys, attached.digest, problem)


def _parse(found: _dsse.Envelope, label: Label) -> tuple[str, object]:
    """Return the type and the predicate in an Envelope; raise ValueError and others if of none."""
    if found.payload_type != _statement.PAYLOAD_TYPE:
        raise EvidenceError(f"its type is {found.payload_type!r:.60}")
    plain = _canonical.loads(found.payload, floats=True)
    if plain["_type"] != _statement.STATEMENT_TYPE:
        raise EvidenceError(f"it is a {plain['_type']!r:.60}")
    if label.digest not in [subject["digest"].get("sha256") for subject in plain["subject"]]:
        raise EvidenceError("it is about something else")
    predicate_type = plain["predicateType"]
    if not predicate_type.isprintable() or not 0 < len(predicate_type) <= LONGEST_TYPE:
        raise EvidenceError("its predicateType is none")
    return predicate_type, plain.get("predicate")


def _signed_by(public_key: PublicKey, attached: _referrers.Attached) -> bytes | None:
    """Return the statement in an Attached that a key signed, as bytes; None if it did not."""
    try:
        found = _dsse.parse(attached.data, LARGEST_ENVELOPE)
    except _dsse.EnvelopeError:
        return None
    known = {public_key.fingerprint: public_key}
    is_statement = found.payload_type == _statement.PAYLOAD_TYPE
    return found.payload if is_statement and _signatures.verifiers(found, known) else None


def _hint(found: _dsse.Envelope) -> str:
    """Return who signed an Envelope by its own words, which anybody could have written."""
    hints = [item.keyid for item in found.signatures if _keys.FINGERPRINT.match(item.keyid)]
    return hints[0] if hints else "none"
