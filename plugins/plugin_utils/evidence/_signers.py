# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who signs: a private key in a file, an ssh-agent that holds it, or a command that reaches it."""

from __future__ import annotations

import base64
import binascii
import errno
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple, cast

from ...module_utils.errors._release_error import ReleaseError
from ..definition._schema_file import MissingLibrary
from . import _keys

SIGNATURE_BYTES = 64
LARGEST_FILE = 64 * 1024


class SigningError(ReleaseError):
    """Nothing can be signed, or what came back is no signature; the text holds no secret."""

    code = "signing_failed"


class Signer(NamedTuple):
    """A key that can sign: its PublicKey, and ``make(data)``, which returns a raw signature."""

    public_key: _keys.PublicKey
    make: Callable[[bytes], bytes]

    def sign(self, data: bytes) -> bytes:
        """Return the signature over *data*, which was verified: nobody is simply believed."""
        signature = self.make(data)
        if not self.public_key.verifies(signature, data):
            raise SigningError(
                f"what came back is no signature of the key {self.public_key.fingerprint}: "
                "is public_key the one that belongs to the signing key?"
            )
        return signature


def choose(options: Mapping[str, Any], environment: Mapping[str, str]) -> Signer:
    """Return the Signer that the *options* of ``sign`` ask for; *environment* is ``os.environ``."""
    if options["private_key"]:
        secret = read_passphrase(options, environment)
        return of_file(options["private_key"], secret)
    public_key = read_public_key(options["public_key"])
    if options["command"]:
        return of_command(public_key, options["command"], options["timeout"])
    return of_agent(public_key)


def of_file(path: str, passphrase: bytes | None = None) -> Signer:
    """Return the Signer of the private key in the file *path*; *passphrase* is bytes or None."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    data = _read(path, "sign.private_key", "a file with an Ed25519 key, as ssh-keygen makes it")
    try:
        try:
            key = load_ssh_private_key(data, passphrase)
        except TypeError:  # a passphrase that is missing, or not needed
            if passphrase is None:
                raise SigningError(
                    f"{path} is encrypted: give passphrase_env or passphrase_fd"
                ) from None
            key = load_ssh_private_key(data, None)
        public_key = _keys.of_library_key(key.public_key())  # refuses all but Ed25519
        return Signer(public_key, cast(Ed25519PrivateKey, key).sign)
    except UnsupportedAlgorithm as error:
        if "bcrypt" in str(error):
            raise MissingLibrary("bcrypt") from None
        raise SigningError(f"{path}: this form of private key is not supported") from None
    except _keys.KeyFormatError as error:
        raise SigningError(f"{path}: {error}; expected the private key of ssh-ed25519") from None
    except SigningError:
        raise
    except ValueError:  # its text may tell of the key
        problem = "is not a private key in OpenSSH form, or is damaged"
        if passphrase is not None:
            problem += ", or the passphrase is another"
        raise SigningError(f"{path} {problem}") from None


def of_agent(public_key: _keys.PublicKey) -> Signer:
    """Return the Signer of the key *public_key* that the ssh-agent of SSH_AUTH_SOCK holds."""
    try:
        import paramiko
    except ImportError:
        raise MissingLibrary("paramiko") from None

    def sign(data: bytes) -> bytes:
        try:
            signed: Any = key.sign_ssh_data(data)  # an agent's are bytes, of others a Message
            answer = paramiko.Message(signed)
        except (OSError, paramiko.SSHException) as error:
            raise SigningError(f"the ssh-agent did not sign: {str(error)[:200]}") from None
        answer.get_string()  # the type, which the verification tells better
        return answer.get_string()

    try:
        held = paramiko.Agent().get_keys()
    except (OSError, paramiko.SSHException) as error:
        raise SigningError(f"the ssh-agent did not answer: {str(error)[:200]}") from None
    for key in held:
        if key.asbytes() == public_key.blob:
            return Signer(public_key, sign)
    there = f"it holds {len(held)} other keys" if held else "there is none, or it holds no key"
    raise SigningError(
        f"the ssh-agent does not hold the key {public_key.fingerprint} ({there}): add it with "
        "ssh-add, and see that SSH_AUTH_SOCK is set where Ansible runs"
    )


def of_command(public_key: _keys.PublicKey, argv: Sequence[str], timeout: float) -> Signer:
    """Return the Signer that runs *argv*, a list, for at most *timeout* seconds.

    It reads what is to be signed from its standard input, and writes the signature, raw or as
    base64, to its standard output. What it says on standard error may hold secrets, and is dropped.
    """

    def sign(data: bytes) -> bytes:
        # Files, not pipes: a child that keeps one open must not keep us waiting.
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as output:
            source.write(data)
            source.seek(0)
            _run(argv, source, output, timeout)
            output.seek(0)
            return _signature_in(output.read(LARGEST_FILE))

    return Signer(public_key, sign)


def read_passphrase(options: Mapping[str, Any], environment: Mapping[str, str]) -> bytes | None:
    """Return the passphrase as bytes, from where the *options* say; None when they do not."""
    if options["passphrase_env"]:
        value = environment.get(options["passphrase_env"])
        if not value:
            raise SigningError(f"the environment variable {options['passphrase_env']} is not set")
        return value.encode("utf-8", "surrogateescape")
    if options["passphrase_fd"] is None:
        return None
    return _passphrase_from(options["passphrase_fd"])


def read_public_key(path: str) -> _keys.PublicKey:
    """Return the PublicKey in the ``.pub`` file *path*."""
    data = _read(path, "sign.public_key", "a .pub file with an Ed25519 key")
    try:
        return _keys.parse(data.decode("utf-8"))[0]
    except ValueError as error:
        raise SigningError(f"{path}: {error}; expected ssh-ed25519, as in a .pub file") from None


def _passphrase_from(descriptor: int) -> bytes:
    try:
        # What Ansible opened for itself is not inherited; to read that could take forever.
        if not os.get_inheritable(descriptor):
            raise OSError(errno.EBADF, "was not opened before Ansible started")
        try:
            data = os.pread(descriptor, LARGEST_FILE, 0)  # a file may be read by many
        except OSError:
            data = _read_line(descriptor)
    except OSError as error:
        raise SigningError(f"passphrase_fd {descriptor}: {error.strerror}") from None
    secret = data.partition(b"\n")[0].rstrip(b"\r")
    if not secret:
        raise SigningError(f"passphrase_fd {descriptor} holds nothing; a pipe can be read once")
    return secret


def _read_line(descriptor: int) -> bytes:
    """Return what a pipe gives, to the end of its first line; it gives that once."""
    data = b""
    while b"\n" not in data and len(data) < LARGEST_FILE:
        chunk = os.read(descriptor, LARGEST_FILE)
        if not chunk:
            break
        data += chunk
    return data


def _run(argv: Sequence[str], source: BinaryIO, output: BinaryIO, timeout: float) -> None:
    """Run *argv*, which ends with our process group, and at the latest after *timeout* seconds."""
    try:
        process = subprocess.Popen(argv, stdin=source, stdout=output, stderr=subprocess.DEVNULL)
    except OSError as error:
        raise SigningError(f"the signing command {argv[0]}: {error.strerror}") from None
    try:
        code = process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise SigningError(
            f"the signing command {argv[0]} took more than {timeout} seconds"
        ) from None
    if code:
        raise SigningError(f"the signing command {argv[0]} ended with {code}")


def _signature_in(data: bytes) -> bytes:
    """Return the signature that a command wrote: raw, or as base64."""
    if len(data) == SIGNATURE_BYTES:
        return data
    try:
        return base64.b64decode(b"".join(data.split()), validate=True)
    except binascii.Error:
        raise SigningError(
            f"the signing command wrote {len(data)} bytes; expected a signature of "
            f"{SIGNATURE_BYTES}, raw or as base64"
        ) from None


def _read(path: str, option: str, expected: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(LARGEST_FILE)
    except OSError as error:
        raise SigningError(f"{option}: {path}: {error.strerror}; expected {expected}") from None
