# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SSH signatures by the real ssh-keygen: whose they are, and what they are not taken for."""

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.policy import _sshsig
from ansible_collections.itops.release.plugins.plugin_utils.policy._sshsig import SignatureError

DATA = b'{"a":1}\n'


def key(folder, name, kind="ed25519", passphrase=""):
    path = folder / name
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", name, "-f", str(path)]
    subprocess.run(command, check=True)
    return str(path)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_signature_is_of_the_key_that_made_it(tmp_path, kind):
    ben, ada = key(tmp_path, "ben", kind), key(tmp_path, "ada", kind)
    signature = _sshsig.sign(DATA, ben)
    keys = [_sshsig.public_key(ada), _sshsig.public_key(ben)]

    assert _sshsig.verify(DATA, signature, keys, "ben") == keys[1]
    for wrong in (
        (DATA + b" ", signature, keys, "ben"),
        (DATA, signature, keys[:1], "ben"),
        (DATA, signature, [], "ben"),
        (DATA, "", keys, "ben"),
        (DATA, signature, keys, "ben", _sshsig.POLICY),
    ):
        with pytest.raises(SignatureError, match="not signed by a key of ben"):
            _sshsig.verify(*wrong)


def test_a_signature_of_another_namespace_does_not_hold(tmp_path):
    ben, file = key(tmp_path, "ben"), tmp_path / "statement"
    file.write_bytes(DATA)
    subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", ben, str(file)], check=True
    )
    signature = (tmp_path / "statement.sig").read_text()

    with pytest.raises(SignatureError):
        _sshsig.verify(DATA, signature, [_sshsig.public_key(ben)], "ben")


def test_a_key_with_a_passphrase_never_asks(tmp_path, monkeypatch):
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    locked = key(tmp_path, "ben", passphrase="secret")

    with pytest.raises(SignatureError, match="a key with a passphrase needs ssh-agent"):
        _sshsig.sign(DATA, locked)


def test_a_missing_key_is_reported_with_its_option(tmp_path):
    with pytest.raises(SignatureError, match=r"^key \(release_key\): .*nothing"):
        _sshsig.public_key(str(tmp_path / "nothing"))


def test_the_public_key_is_read_without_its_comment(tmp_path):
    path = key(tmp_path, "ben")
    (tmp_path / "ben.pub").unlink()

    assert _sshsig.public_key(path).startswith("ssh-ed25519 AAAA")
    assert len(_sshsig.public_key(path).split()) == 2
