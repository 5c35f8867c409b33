# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ed25519 public keys in OpenSSH form: how they are written, named, and what they verify."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from collections.abc import Mapping
from typing import NamedTuple

from ...module_utils.errors._release_error import ReleaseError

TYPE = b"ssh-ed25519"
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}\Z")


class KeyFormatError(ReleaseError):
    """Text is not an Ed25519 public key in OpenSSH form."""

    code = "invalid_key"


class PublicKey(NamedTuple):
    """An Ed25519 public key, by its 32 bytes: equal keys are one key, whatever they are called."""

    raw: bytes

    @property
    def blob(self) -> bytes:
        """The key as the SSH protocol has it (RFC 8709)."""
        return b"".join(struct.pack(">I", len(part)) + part for part in (TYPE, self.raw))

    @property
    def fingerprint(self) -> str:
        """What ``ssh-keygen -l`` shows: ``SHA256:…``."""
        digest = hashlib.sha256(self.blob).digest()
        return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Tell whether the bytes *signature* are this key's over *data*."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, data)
        except InvalidSignature:
            return False
        return True


KnownKeys = Mapping[str, PublicKey]  # by their fingerprints


def of_library_key(key: object) -> PublicKey:
    """Return the PublicKey of a public key of ``cryptography``, which must be Ed25519."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    if not isinstance(key, Ed25519PublicKey):
        raise KeyFormatError("not an Ed25519 key")
    return PublicKey(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def parse(line: str) -> tuple[PublicKey, str]:
    """Return the PublicKey and the comment in a line ``ssh-ed25519 <base64> [comment]``."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    words = line.split(None, 2)
    if len(line.strip().splitlines()) != 1 or len(words) < 2:
        raise KeyFormatError("not a public key in a line")
    if words[0] != TYPE.decode("ascii"):
        raise KeyFormatError(f"a key of type {words[0]!r:.60}")
    try:
        key = load_ssh_public_key(" ".join(words[:2]).encode("utf-8"))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFormatError(f"not a public key ({error})") from None
    return of_library_key(key), " ".join(words[2:]).strip()
