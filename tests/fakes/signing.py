# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys, signers and trust for tests: each key is named by a number, and always the same."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from datetime import datetime, timezone

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ansible_collections.itops.release.plugins.plugin_utils.evidence import (
    _dsse,
    _keys,
    _signatures,
    _signers,
    _statement,
    _trust,
)
from ansible_collections.itops.release.plugins.plugin_utils.library import _catalogue
from ansible_collections.itops.release.plugins.plugin_utils.oci import _referrers

NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
LABEL = _catalogue.Label("ab" * 32, "shop", "1.0.0", 1)


def private_key(number):
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def public_key(number):
    return _keys.of_library_key(private_key(number).public_key())


def public_line(number):
    """Return the line of a ``.pub`` file, whose comment is ``key<number>``."""
    form = (serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return private_key(number).public_key().public_bytes(*form).decode("ascii") + f" key{number}"


def write_private_key(path, number, passphrase=None):
    """Write the private key as OpenSSH does, and return *path*."""
    encryption = serialization.NoEncryption()
    if passphrase:
        builder = serialization.PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(1)
        encryption = builder.build(passphrase)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, encryption)
    path.write_bytes(private_key(number).private_bytes(*form))
    path.chmod(0o600)
    return path


@contextlib.contextmanager
def ssh_agent(socket):
    """Run an ssh-agent that listens at *socket*; give ``add(path)``, which hands it a key."""
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    environment = {**os.environ, "SSH_AUTH_SOCK": socket}
    try:
        while not os.path.exists(socket):
            assert process.poll() is None
            time.sleep(0.01)
        yield lambda path: subprocess.run(["ssh-add", "-q", path], env=environment, check=True)
    finally:
        process.terminate()
        process.wait()


def signer(number):
    return _signers.Signer(public_key(number), private_key(number).sign)


def key(number, **dates):
    """Return a key as ``trust.yml`` has it."""
    return {"key": public_line(number), **dates}


def trust_text(deploy=("release",), **roles):
    """Return the text of a ``trust.yml``: ``release=(threshold, key(1), key(2))``."""
    plain = {
        role: {"threshold": threshold, "keys": keys} for role, (threshold, *keys) in roles.items()
    }
    return json.dumps({"format": 1, "roles": plain, "deploy": list(deploy)}, indent=1)


def trust(deploy=("release",), **roles):
    return _trust.parse(trust_text(deploy, **roles), "trust.yml")


def envelope(*numbers, role="release", label=LABEL, payload=None, kind=_statement.PAYLOAD_TYPE):
    """Return the Envelope of a release, signed by all the keys *numbers*."""
    payload = _statement.render(label, role) if payload is None else payload
    signed = _dsse.pae(kind, payload)
    signatures = tuple(
        _dsse.Signature(private_key(number).sign(signed), public_key(number).fingerprint)
        for number in numbers
    )
    return _dsse.Envelope(kind, payload, signatures)


def attached(*found):
    """Return the Envelopes, or bytes, *found* as a library gives what is attached."""
    data = [item if isinstance(item, bytes) else _dsse.render(item) for item in found]
    return [
        _referrers.Attached(f"sha256:{number:064x}", item, {}) for number, item in enumerate(data)
    ]


def verdict(trusted, *found, role="release", label=LABEL, now=NOW):
    """Return the Verdict on a release to which the Envelopes *found* are attached."""
    known = {key.fingerprint: key for key in trusted.public_keys}
    examined = [
        _signatures.examine(item, label, known, trusted.name_of) for item in attached(*found)
    ]
    return _signatures.judge(trusted.roles[role], label, examined, trusted, now)
