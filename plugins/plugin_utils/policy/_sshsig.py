# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SSH signatures of people over statements and policies, by ``ssh-keygen -Y``."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence

from ...module_utils.errors._release_error import ReleaseError

# Namespaces of signatures.
APPROVAL, POLICY, PRESENCE, EVIDENCE = (
    f"{name}@itops.release" for name in ("approval", "policy", "presence", "evidence")
)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
KEPT = ("HOME", "LANG", "SSH_AUTH_SOCK")  # of the environment
TIME_LIMIT_S = 60  # a security key waits for a finger
PUBLIC = re.compile(r"(?:ssh|ecdsa|sk)-[\w@.-]+ [A-Za-z0-9+/=]+(?: .*)?")


class SignatureError(ReleaseError):
    """A statement cannot be signed, or its signature does not hold; the text says why."""

    code = "invalid_signature"


def public_key(path: str) -> str:
    """Return the public key of the private key at *path* (or at ``path.pub``), type and base64."""
    for candidate in (path, f"{path}.pub"):
        try:
            with open(candidate, encoding="utf-8") as stream:
                line = stream.read(20_000).strip()
        except (OSError, UnicodeDecodeError):
            continue
        if PUBLIC.fullmatch(line):
            return " ".join(line.split()[:2])
    result = _run(["-y", "-f", path])
    line = result.stdout.decode("utf-8", "replace").strip()
    if result.returncode or not PUBLIC.fullmatch(line):
        reason = _reason(result).removeprefix(f"{path}: ")
        raise SignatureError(f"key (release_key): {path}: {reason}")
    return " ".join(line.split()[:2])


def sign(data: bytes, path: str, namespace: str = APPROVAL) -> str:
    """Return the armored signature of the key at *path* over *data*; it never asks for input.

    A key with a passphrase is used by ssh-agent; *path* may then be that of the public key.
    """
    with tempfile.TemporaryDirectory(prefix="itops-release-") as folder:
        source = os.path.join(folder, "statement.json")
        with open(source, "wb") as stream:
            stream.write(data)
        result = _run(["-Y", "sign", "-n", namespace, "-f", path, source])
        try:
            with open(source + ".sig", encoding="ascii") as stream:
                return stream.read()
        except OSError:
            raise SignatureError(
                f"key (release_key): {path} cannot sign: {_reason(result)}; a key with a "
                "passphrase needs ssh-agent"
            ) from None


def verify(
    data: bytes, signature: str, keys: Sequence[str], person: str, namespace: str = APPROVAL
) -> str:
    """Return which of *keys* (lines, type and base64) of *person* made *signature* over *data*.

    Raises SignatureError where none did.
    """
    with tempfile.TemporaryDirectory(prefix="itops-release-") as folder:
        paths = {name: os.path.join(folder, name) for name in ("signers", "signature")}
        with open(paths["signature"], "w", encoding="utf-8") as stream:
            stream.write(signature)
        for key in keys:
            with open(paths["signers"], "w", encoding="utf-8") as stream:
                stream.write(f'{person} namespaces="{namespace}" {key}\n')
            about = ["-n", namespace, "-I", person, "-s", paths["signature"]]
            result = _run(["-Y", "verify", "-f", paths["signers"], *about], data)
            if result.returncode == 0:
                return key
    raise SignatureError(f"not signed by a key of {person} in policy.yml, with -n {namespace}")


def _run(arguments: Sequence[str], data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    # Without a terminal of its own, ssh-keygen would ask by a window for a passphrase.
    # Neither it nor PATH decides who signed.
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment = {
        **kept,
        "PATH": PATH,
        "SSH_ASKPASS": "/bin/false",
        "SSH_ASKPASS_REQUIRE": "force",
    }
    try:
        return subprocess.run(
            [shutil.which("ssh-keygen", path=PATH) or "ssh-keygen", *arguments],
            input=data,
            capture_output=True,
            check=False,
            env=environment,
            start_new_session=True,
            timeout=TIME_LIMIT_S,
        )
    except FileNotFoundError:
        raise SignatureError("ssh-keygen is not installed (Debian: openssh-client)") from None
    except subprocess.TimeoutExpired:
        raise SignatureError(f"ssh-keygen did not end within {TIME_LIMIT_S} s") from None


def _reason(result: subprocess.CompletedProcess[bytes]) -> str:
    lines = (result.stderr or result.stdout).decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "no reason given")
