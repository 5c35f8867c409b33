# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DSSE 1.0: what a signature is made over, and the envelope in which both travel.

Source: https://github.com/secure-systems-lab/dsse, protocol.md and envelope.md.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical

ENVELOPE_TYPE = "application/vnd.dsse.envelope.v1+json"
LARGEST_ENVELOPE = 1024 * 1024
MOST_SIGNATURES = 16
URL_SAFE = bytes.maketrans(b"-_", b"+/")


class EnvelopeError(ReleaseError):
    """Bytes are not a DSSE envelope."""

    code = "invalid_envelope"


class Signature(NamedTuple):
    """A signature's bytes; *keyid* is a hint that anybody could have written."""

    value: bytes
    keyid: str = ""


class Envelope(NamedTuple):
    """What was signed, as bytes that nobody has read yet, and the signatures that are claimed."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed (pre-authentication encoding)."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def render(envelope: Envelope) -> bytes:
    """Return an Envelope as JSON bytes."""
    signatures = [
        {"keyid": signature.keyid, "sig": _encode(signature.value)}
        for signature in envelope.signatures
    ]
    return _canonical.dumps(
        {
            "payload": _encode(envelope.payload),
            "payloadType": envelope.payload_type,
            "signatures": signatures,
        }
    )


def parse(data: bytes, limit: int = LARGEST_ENVELOPE) -> Envelope:
    """Return the Envelope in JSON bytes, whose payload stays bytes; or raise EnvelopeError.

    That is also raised for more bytes than *limit*.
    """
    if len(data) > limit:
        raise EnvelopeError(f"larger than {limit:,} bytes")
    try:
        plain = _canonical.loads(data)
        signatures = [
            Signature(_decode(item["sig"]), str(item.get("keyid") or ""))
            for item in plain["signatures"]
        ]
        envelope = Envelope(plain["payloadType"], _decode(plain["payload"]), tuple(signatures))
        envelope.payload_type.encode("utf-8")
    except (KeyError, TypeError, AttributeError, binascii.Error, ValueError) as error:
        raise EnvelopeError(f"not a DSSE envelope ({str(error)[:100]})") from None
    if not signatures or len(signatures) > MOST_SIGNATURES:
        raise EnvelopeError(f"{len(signatures)} signatures in one, expected 1 to {MOST_SIGNATURES}")
    return envelope


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _decode(text: str) -> bytes:
    """Return the bytes in *text*: both alphabets of base64 are allowed."""
    return base64.b64decode(text.encode("ascii").translate(URL_SAFE), validate=True)
