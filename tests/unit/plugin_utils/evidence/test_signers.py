# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who signs: key files, a real ssh-agent, commands; and what each tells when it cannot."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.evidence import _signers
from ansible_collections.itops.release.tests.fakes.signing import (
    public_key,
    public_line,
    ssh_agent,
    write_private_key,
)

SECRET = "correct horse"
NOTHING = {
    "private_key": None,
    "public_key": None,
    "command": None,
    "timeout": 60,
    "passphrase_env": None,
    "passphrase_fd": None,
}
# A program that signs its input with the key 1, and is told by its argument what to do with that.
SIGN = """
import base64, sys, time
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
signature = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32).sign(sys.stdin.buffer.read())
how = sys.argv[1]
out = sys.stdout.buffer
if how == "raw":
    out.write(signature)
elif how == "base64":
    out.write(base64.b64encode(signature)[:44] + b"\\n" + base64.b64encode(signature)[44:] + b"\\n")
elif how == "short":
    out.write(signature[:63])
elif how == "slow":
    time.sleep(60)
elif how == "fail":
    sys.exit("the passphrase is " + "correct horse")
"""


@pytest.fixture
def choose():
    def choose(environment=None, **options):
        return _signers.choose({**NOTHING, **options}, environment or {})

    return choose


@pytest.fixture
def key_file(tmp_path):
    return str(write_private_key(tmp_path / "key", 1))


@pytest.fixture
def locked_file(tmp_path):
    return str(write_private_key(tmp_path / "locked", 1, SECRET.encode()))


@pytest.fixture
def public_file(tmp_path):
    (tmp_path / "key.pub").write_text(public_line(1) + "\n")
    return str(tmp_path / "key.pub")


@pytest.fixture
def agent(tmp_path, monkeypatch):
    """Run an ssh-agent, and return a function that adds a key to it."""
    socket = str(tmp_path / "agent")
    monkeypatch.setenv("SSH_AUTH_SOCK", socket)
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(ssh_agent(socket))


def signs(signer):
    return public_key(1).verifies(signer.sign(b"data"), b"data")


def refused(choose, **options):
    """Return why nothing can be signed: a line without a secret."""
    with pytest.raises(_signers.SigningError) as caught:
        choose(**options).sign(b"data")
    said = str(caught.value)
    assert said.isprintable()
    assert SECRET not in said
    return said


def test_a_key_file_signs(choose, key_file):
    assert signs(choose(private_key=key_file))
    assert choose(private_key=key_file).public_key == public_key(1)


def test_a_key_that_openssh_made_and_locked_signs(choose, tmp_path):
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", SECRET, "-f", tmp_path / "made"]
    subprocess.run(command, check=True)
    public = _signers.read_public_key(str(tmp_path / "made.pub"))

    signer = choose({"X": SECRET}, private_key=str(tmp_path / "made"), passphrase_env="X")

    assert signer.public_key == public
    assert public.verifies(signer.sign(b"data"), b"data")


def test_a_passphrase_comes_from_the_environment(choose, locked_file, key_file):
    options = {"private_key": locked_file, "passphrase_env": "PASSPHRASE"}

    assert signs(choose({"PASSPHRASE": SECRET}, **options))
    assert signs(choose({"PASSPHRASE": SECRET}, **{**options, "private_key": key_file}))
    assert "PASSPHRASE is not set" in refused(choose, **options)
    assert "passphrase is another" in refused(choose, environment={"PASSPHRASE": "x"}, **options)
    assert "give passphrase_env or passphrase_fd" in refused(choose, private_key=locked_file)


def test_a_passphrase_comes_from_a_descriptor(choose, locked_file, tmp_path):
    (tmp_path / "secret").write_text(SECRET + "\n")
    with open(tmp_path / "secret", "rb") as stream:
        options = {"private_key": locked_file, "passphrase_fd": stream.fileno()}
        assert "was not opened before Ansible started" in refused(choose, **options)
        os.set_inheritable(stream.fileno(), True)
        for _time in range(2):  # a file is read by every task
            assert signs(choose(**options))
    assert "Bad file descriptor" in refused(choose, **options)


def test_a_passphrase_comes_from_a_pipe_once(choose, locked_file):
    reading, writing = os.pipe()
    os.set_inheritable(reading, True)
    options = {"private_key": locked_file, "passphrase_fd": reading}
    for part in (SECRET[:4], SECRET[4:] + "\n"):
        os.write(writing, part.encode())

    assert signs(choose(**options))

    os.close(writing)
    assert "a pipe can be read once" in refused(choose, **options)
    os.close(reading)


@pytest.mark.parametrize("kind", ["nothing", "public", "rsa", "truncated"])
def test_what_is_no_private_key_of_ours_is_refused(choose, tmp_path, kind, key_file):
    path = tmp_path / "other"
    if kind == "rsa":
        command = ["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", path]
        subprocess.run(command, check=True)
    else:
        with open(key_file, "rb") as stream:
            whole = stream.read()
        public = public_line(1).encode()
        path.write_bytes({"nothing": b"", "public": public, "truncated": whole[:200]}[kind])

    said = refused(choose, private_key=str(path))

    assert said.startswith(f"{path}")
    assert "not an Ed25519 key" in said or "is not a private key in OpenSSH form" in said


def test_the_agent_signs_with_the_key_that_it_holds(choose, agent, key_file, public_file, tmp_path):
    assert "add it with ssh-add" in refused(choose, public_key=public_file)
    agent(write_private_key(tmp_path / "another", 2))
    assert "it holds 1 other keys" in refused(choose, public_key=public_file)

    agent(key_file)

    assert signs(choose(public_key=public_file))


def test_without_an_agent_the_refusal_says_so(choose, public_file, monkeypatch, tmp_path):
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    assert "there is none, or it holds no key" in refused(choose, public_key=public_file)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "gone"))
    assert "there is none, or it holds no key" in refused(choose, public_key=public_file)


@pytest.mark.parametrize(("library", "needed"), [("paramiko", "agent"), ("bcrypt", "passphrase")])
def test_a_library_that_is_missing_is_named(public_file, locked_file, library, needed):
    # In a process of its own, since cryptography looks for bcrypt once.
    program = f"""
import sys
sys.modules[{library!r}] = None
from ansible_collections.itops.release.plugins.plugin_utils.definition import _schema_file
from ansible_collections.itops.release.plugins.plugin_utils.evidence import _keys, _signers
try:
    if {needed!r} == "agent":
        _signers.of_agent(_signers.read_public_key({public_file!r}))
    else:
        _signers.of_file({locked_file!r}, b"x")
except _schema_file.MissingLibrary as error:
    print(error)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout == f"{library}\n"


@pytest.mark.parametrize("how", ["raw", "base64"])
def test_a_command_signs_what_it_reads(choose, public_file, how):
    argv = [sys.executable, "-c", SIGN, how]

    assert signs(choose(public_key=public_file, command=argv))


@pytest.mark.parametrize(
    ("how", "timeout", "reason"),
    [
        ("short", 60, "wrote 63 bytes; expected a signature of 64"),
        ("nothing", 60, "no signature of the key SHA256:"),
        ("fail", 60, "ended with 1"),
        ("slow", 1, "took more than 1 seconds"),
    ],
)
def test_a_command_that_does_not_sign_is_told_and_what_it_says_is_not(
    choose, public_file, how, timeout, reason
):
    argv = [sys.executable, "-c", SIGN, how]

    assert reason in refused(choose, public_key=public_file, command=argv, timeout=timeout)


def test_a_command_that_is_not_there_is_told(choose, public_file):
    assert "/none: No such file" in refused(choose, public_key=public_file, command=["/none"])


def test_a_signature_of_another_key_is_not_believed(choose, tmp_path):
    (tmp_path / "other.pub").write_text(public_line(2))
    argv = [sys.executable, "-c", SIGN, "raw"]

    said = refused(choose, public_key=str(tmp_path / "other.pub"), command=argv)

    assert f"no signature of the key {public_key(2).fingerprint}: is public_key the one" in said


def test_what_is_no_public_key_is_told_with_its_file(choose, tmp_path):
    (tmp_path / "x.pub").write_bytes(b"\xff")

    assert refused(choose, public_key=str(tmp_path / "x.pub")).startswith(f"{tmp_path / 'x.pub'}: ")
