# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Public keys: RFC 8032's vectors, OpenSSH's fingerprints, and what is no key."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.plugin_utils.evidence import _keys
from ansible_collections.itops.release.tests.fakes.signing import public_key, public_line

RFC_8032 = [  # section 7.1: public key, message, signature
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
        "b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
        "1d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
        "c6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_signatures_of_rfc_8032_are_verified(public, message, signature):
    key = _keys.PublicKey(bytes.fromhex(public))
    data, signature = bytes.fromhex(message), bytes.fromhex(signature)

    assert key.verifies(signature, data)
    assert not key.verifies(signature, data + b"x")
    assert not key.verifies(signature[:-1], data)
    assert not key.verifies(b"", data)
    for at in range(0, 64, 7):
        changed = bytearray(signature)
        changed[at] ^= 1
        assert not key.verifies(bytes(changed), data)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=70))
def test_whatever_a_key_and_a_signature_are_there_is_an_answer(raw, signature):
    assert _keys.PublicKey(raw).verifies(signature, b"data") is False


def test_a_key_and_its_fingerprint_are_as_openssh_writes_them(tmp_path):
    path = tmp_path / "key"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ops@example.org", "-f", path]
    subprocess.run(command, check=True)
    shown = subprocess.run(["ssh-keygen", "-lf", path], check=True, capture_output=True, text=True)

    key, comment = _keys.parse(path.with_suffix(".pub").read_text())

    assert comment == "ops@example.org"
    assert key.fingerprint == shown.stdout.split()[1]
    assert _keys.FINGERPRINT.match(key.fingerprint)


def test_a_line_is_read_with_and_without_a_comment():
    kind, text, _comment = public_line(1).split()

    assert _keys.parse(f"{kind} {text}\n") == (public_key(1), "")
    assert _keys.parse(f"{kind}  {text} two words \n") == (public_key(1), "two words")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "not a public key in a line"),
        ("ssh-ed25519", "not a public key in a line"),
        ("ssh-ed25519 AAAA", "not a public key"),
        ("ssh-ed25519 !", "not a public key"),
        ("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQ==", "a key of type 'ssh-rsa'"),
        ("sk-ssh-ed25519@openssh.com AAAA", "a key of type 'sk-ssh-ed25519@openssh.com'"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "a key of type '-----BEGIN'"),
        (public_line(1) + "\n" + public_line(2), "not a public key in a line"),
        (f'command="x" {public_line(1)}', "a key of type"),
    ],
)
def test_what_is_no_key_is_refused_by_what_it_is(line, reason):
    with pytest.raises(_keys.KeyFormatError, match=f"^{reason}"):
        _keys.parse(line)
