# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DSSE envelopes: the protocol's vector, both alphabets, what is no envelope, other readers."""

from __future__ import annotations

import base64
import json

import pytest
import securesystemslib.dsse
import securesystemslib.signer
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.plugin_utils.evidence import _dsse
from ansible_collections.itops.release.tests.fakes.signing import envelope, private_key, public_key

GOOD = {"payload": "aGk=", "payloadType": "text/x", "signatures": [{"sig": "AAAA", "keyid": "k"}]}


def test_what_is_signed_is_what_the_protocol_publishes():
    signed = _dsse.pae("http://example.com/HelloWorld", b"hello world")

    assert signed == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_lengths_are_those_of_bytes():
    assert _dsse.pae("é", b"") == b"DSSEv1 2 \xc3\xa9 0 "


@given(st.text(), st.binary(), st.text(), st.binary())
def test_no_other_type_and_payload_are_signed_alike(kind, payload, other_kind, other_payload):
    same = (kind, payload) == (other_kind, other_payload)

    assert same == (_dsse.pae(kind, payload) == _dsse.pae(other_kind, other_payload))


@given(st.text(), st.binary(), st.lists(st.tuples(st.binary(), st.text()), min_size=1, max_size=16))
def test_an_envelope_is_read_as_it_was_written(kind, payload, signatures):
    there = _dsse.Envelope(kind, payload, tuple(_dsse.Signature(*item) for item in signatures))

    assert _dsse.parse(_dsse.render(there)) == there


def test_both_alphabets_of_base64_are_read():
    data = bytes([0xFB, 0xFF, 0xFE])
    for encoded in (base64.b64encode(data), base64.urlsafe_b64encode(data)):
        text = encoded.decode("ascii")
        plain = {**GOOD, "payload": text, "signatures": [{"sig": text}]}

        assert _dsse.parse(json.dumps(plain).encode()) == _dsse.Envelope(
            "text/x", data, (_dsse.Signature(data, ""),)
        )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        json.dumps({**GOOD, "payload": None}).encode(),
        json.dumps({**GOOD, "payload": "a"}).encode(),
        json.dumps({**GOOD, "payload": "aGk="[:3]}).encode(),
        json.dumps({**GOOD, "payload": "aG k="}).encode(),
        json.dumps({**GOOD, "payloadType": 7}).encode(),
        json.dumps({**GOOD, "payloadType": "\ud800"}).encode(),
        json.dumps({**GOOD, "signatures": []}).encode(),
        json.dumps({**GOOD, "signatures": {}}).encode(),
        json.dumps({**GOOD, "signatures": ["x"]}).encode(),
        json.dumps({**GOOD, "signatures": GOOD["signatures"] * 17}).encode(),
        json.dumps({**GOOD, "more": float("nan")}).encode(),
        json.dumps(GOOD).encode().replace(b'"payload":', b'"payload": "", "payload":'),
        json.dumps({**GOOD, "payload": "A" * _dsse.LARGEST_ENVELOPE}).encode(),
    ],
    ids=lambda data: data[:40].decode("latin-1"),
)
def test_what_is_no_envelope_is_refused_in_a_line(data):
    with pytest.raises(_dsse.EnvelopeError) as caught:
        _dsse.parse(data)

    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@given(st.binary(max_size=200))
def test_whatever_bytes_are_an_envelope_or_an_error(data):
    try:
        _dsse.parse(data)
    except _dsse.EnvelopeError:
        pass


def their_key(key):
    value = {"public": key.raw.hex()}
    return securesystemslib.signer.SSlibKey(key.fingerprint, "ed25519", "ed25519", value)


def test_securesystemslib_verifies_what_is_written_here():
    data = json.loads(_dsse.render(envelope(1, 2)))
    keys = [their_key(public_key(number)) for number in (1, 2, 3)]
    theirs = securesystemslib.dsse.Envelope.from_dict(data)

    assert set(theirs.verify(keys, 2)) == {public_key(1).fingerprint, public_key(2).fingerprint}
    with pytest.raises(securesystemslib.exceptions.VerificationError):
        theirs.verify(keys, 3)


def test_what_securesystemslib_writes_is_read_here():
    signer = securesystemslib.signer.CryptoSigner(private_key(1))
    theirs = securesystemslib.dsse.Envelope(b"hello", "text/x", {})
    theirs.sign(signer)

    found = _dsse.parse(json.dumps(theirs.to_dict()).encode())

    signed = _dsse.pae(found.payload_type, found.payload)
    assert found.payload == b"hello"
    assert public_key(1).verifies(found.signatures[0].value, signed)
