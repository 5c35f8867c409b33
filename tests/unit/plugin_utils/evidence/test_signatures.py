# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who signed a release as ``trust.yml`` demands: whatever is no such signature, by its line."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.module_utils.formats import _canonical
from ansible_collections.itops.release.plugins.plugin_utils.evidence import (
    _dsse,
    _signatures,
    _statement,
)
from ansible_collections.itops.release.plugins.plugin_utils.oci import _referrers
from ansible_collections.itops.release.tests.fakes.signing import (
    LABEL,
    NOW,
    envelope,
    key,
    public_key,
    signer,
    trust,
    verdict,
)

ONE = trust(release=(1, key(1)))
TWO_OF_THREE = trust(release=(2, key(1), key(2), key(3)))
OTHER = LABEL._replace(digest="cd" * 32, version="2.0.0", serial=2)


def statement(**changes):
    return _canonical.dumps({**json.loads(_statement.render(LABEL, "release")), **changes})


def refused(trusted, *found, **options):
    """Return the line by which a role is not met; the line is one, names release and role."""
    answer = verdict(trusted, *found, **options)
    assert not answer.met
    assert answer.line.startswith(f"role {answer.role} of shop:1.0.0: ")
    assert answer.line.isprintable()
    return answer.line


def test_a_role_is_met_by_the_keys_that_signed():
    answer = verdict(TWO_OF_THREE, envelope(1), envelope(3))

    assert answer.met
    assert answer.keys == ("key1", "key3")
    assert answer.line == "role release of shop:1.0.0: signed by key1, key3"


def test_one_envelope_may_hold_all_signatures():
    assert verdict(TWO_OF_THREE, envelope(1, 2)).met


def test_a_release_that_is_not_signed_is_refused():
    line = refused(ONE)

    assert line.endswith("not signed; sign it with 1 of key1: release_package, state: signed")


def test_a_key_that_is_not_listed_does_not_count():
    line = refused(ONE, envelope(2))

    assert f"signed by {public_key(2).fingerprint}, which trust.yml does not list: sign" in line


def test_a_key_of_another_role_does_not_count():
    trusted = trust(release=(1, key(1)), build=(1, key(2)))

    assert "key2 signed, whose key is not of this role: sign with" in refused(trusted, envelope(2))


def test_a_signature_for_another_role_does_not_count():
    trusted = trust(release=(1, key(1)), build=(1, key(1)))

    assert "0 of 1 keys signed; sign it with 1 of key1" in refused(
        trusted, envelope(1, role="build")
    )
    assert verdict(trusted, envelope(1, role="build"), role="build").met


def test_a_key_that_expired_does_not_count_and_the_day_it_ends_is_its_last():
    trusted = trust(release=(1, key(1, not_after="2026-05-31")))

    line = refused(trusted, envelope(1))

    assert "the key key1 expired on 2026-05-31T23:59:59Z: countersign with" in line
    assert verdict(trusted, envelope(1), now=NOW - timedelta(seconds=1)).met


def test_a_key_does_not_count_before_it_is_valid():
    trusted = trust(release=(1, key(1, not_before="2026-06-01T00:00:01Z")))

    line = refused(trusted, envelope(1))

    assert "the key key1 is not valid before 2026-06-01T00:00:01Z: wait" in line
    assert verdict(trusted, envelope(1), now=NOW + timedelta(seconds=1)).met


def test_fewer_keys_than_the_threshold_are_refused():
    line = refused(TWO_OF_THREE, envelope(2))

    assert line.endswith(
        "1 of 2 keys signed; signed by key2; sign it with 1 of key1, key3: "
        "release_package, state: signed"
    )


@pytest.mark.parametrize(
    "found", [(envelope(1), envelope(1)), (envelope(1, 1),), (envelope(1, 1), envelope(1))]
)
def test_the_same_key_twice_counts_once(found):
    assert "1 of 2 keys signed" in refused(TWO_OF_THREE, *found)


def test_the_same_key_counts_once_whatever_it_claims_to_be():
    signature = envelope(1).signatures[0].value
    claims = [_dsse.Signature(signature, public_key(number).fingerprint) for number in (1, 2, 3)]

    line = refused(TWO_OF_THREE, envelope(1)._replace(signatures=tuple(claims)))

    assert "1 of 2 keys signed; signed by key1" in line


@pytest.mark.parametrize("hint", ["", "nonsense", public_key(2).fingerprint])
def test_what_an_envelope_says_of_its_key_is_only_a_hint(hint):
    found = envelope(1)
    lying = found._replace(signatures=(found.signatures[0]._replace(keyid=hint),))

    answer = verdict(TWO_OF_THREE, lying, envelope(3))

    assert answer.met
    assert answer.keys == ("key1", "key3")


def test_an_altered_payload_is_refused():
    altered = envelope(1)._replace(payload=_statement.render(LABEL._replace(serial=2), "release"))

    line = refused(ONE, altered)

    assert "names the key key1, which did not sign what it holds: sign again" in line


def test_an_altered_payload_type_is_refused():
    found = envelope(1, kind="text/x")._replace(payload_type=_statement.PAYLOAD_TYPE)

    assert "which did not sign what it holds" in refused(ONE, found)


def test_a_payload_of_another_type_is_refused_although_it_is_signed():
    line = refused(ONE, envelope(1, kind="text/x"))

    assert "what key1 signed is of type 'text/x': sign the release itself" in line


@pytest.mark.parametrize(
    "change", [{"digest": "cd" * 32}, {"name": "ship"}, {"version": "1.0.1"}, {"serial": 9}]
)
def test_a_statement_about_another_release_is_refused(change):
    line = refused(ONE, envelope(1, label=LABEL._replace(**change)))

    assert "what key1 signed is about another release, " in line
    assert line.endswith(": sign this one")


def test_a_statement_of_an_unknown_format_is_refused():
    newer = {"format": 2, "role": "release", "serial": 1}

    line = refused(ONE, envelope(1, payload=statement(predicate=newer)))

    assert "what key1 signed has format 2, expected 1: sign again" in line


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"[" * 50_000,
        statement() + b" x",
        statement().replace(b'"_type":', b'"_type":"x","_type":'),
        statement(subject=[]),
        statement(subject=json.loads(statement())["subject"] * 2),
        statement(subject=[{"name": "shop@1.0.0", "digest": {"sha256": "AB" * 32}}]),
        statement(subject=[{"name": "shop@\n", "digest": {"sha256": "ab" * 32}}]),
        statement(predicate={"format": 1, "role": "emperor", "serial": 1}),
        statement(predicate={"format": 1, "role": "release", "serial": "1"}),
        statement(predicate={"format": 1, "role": ["release"], "serial": 1}),
    ],
    ids=lambda payload: payload[-40:].decode(),
)
def test_a_malformed_statement_is_refused_although_it_is_signed(payload):
    assert "what key1 signed is malformed" in refused(ONE, envelope(1, payload=payload))


@pytest.mark.parametrize("found", [envelope(2, payload=b"{"), envelope(1)._replace(payload=b"{")])
def test_a_payload_that_no_key_has_verified_is_not_read(found):
    line = refused(ONE, found)

    assert "malformed" not in line
    assert "which trust.yml does not list" in line or "did not sign what it holds" in line


def test_statements_of_another_kind_are_no_signatures_and_in_nobodys_way():
    provenance = envelope(1, payload=statement(predicateType="https://slsa.dev/provenance/v1"))

    assert "0 of 1 keys signed; sign it" in refused(ONE, provenance)
    assert verdict(ONE, provenance, envelope(1)).met


def test_an_envelope_that_cannot_be_read_is_refused_and_in_nobodys_way():
    line = refused(ONE, b"nonsense", b"x" * (_dsse.LARGEST_ENVELOPE + 1))

    assert "the envelope sha256:000000000000 cannot be read, not a DSSE envelope" in line
    assert f"cannot be read, larger than {_dsse.LARGEST_ENVELOPE:,} bytes: sign again" in line
    assert verdict(ONE, b"nonsense", envelope(1)).met


def test_a_blob_that_the_library_cannot_give_is_told():
    damaged = _referrers.Attached("sha256:" + "0" * 64, b"", {}, "blob sha256:0 is altered")
    known = {public_key(1).fingerprint: public_key(1)}

    examined = _signatures.examine(damaged, LABEL, known, str)

    assert "cannot be read, blob sha256:0 is altered" in examined.problem


def test_many_reasons_are_told_in_a_line_that_can_be_read():
    line = refused(ONE, *(envelope(number) for number in range(2, 50)))

    assert line.endswith("and 43 more reasons")
    assert len(line) < 1500


def test_where_no_other_key_is_valid_the_line_says_so():
    trusted = trust(release=(2, key(1), key(2, not_after="2020-01-01")))

    assert "signed by key1; too few of the other keys of the role are valid" in refused(
        trusted, envelope(1)
    )


@settings(max_examples=60)
@given(st.data())
def test_no_byte_of_an_envelope_can_be_altered_unnoticed(data):
    there = _dsse.render(envelope(1))
    at = data.draw(st.integers(0, len(there) - 1))
    changed = bytearray(there)
    changed[at] ^= data.draw(st.integers(1, 255))

    answer = verdict(ONE, bytes(changed))

    # What is met then is the very same statement, signed by the very same key.
    if answer.met:
        found, before = _dsse.parse(bytes(changed)), envelope(1)
        assert (found.payload_type, found.payload) == before[:2]
        assert found.signatures[0].value == before.signatures[0].value


def test_names_from_outside_are_not_written_to_a_terminal():
    found = envelope(1, kind="\x1b[2J" + "x" * 500)
    unknown = envelope(2)._replace(signatures=(_dsse.Signature(b"", "\x1b[2J"),))

    refused(ONE, found, unknown, json.dumps({"payload": "\x1b"}).encode())


def test_a_signature_is_the_same_wherever_it_is_made():
    made = _signatures.envelope(LABEL, "release", signer(1))

    assert made == _dsse.render(envelope(1))
    plain = json.loads(base64.b64decode(json.loads(made)["payload"]))
    assert plain["_type"] == "https://in-toto.io/Statement/v1"
    assert plain["subject"] == [{"name": "shop@1.0.0", "digest": {"sha256": LABEL.digest}}]
