# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import fcntl
import pathlib
import shutil
import socket
import sys
import time
from collections.abc import Callable, Sequence

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.gates import _addresses
from ansible_collections.itops.release.plugins.plugin_utils.gates._addresses import (
    AddressError,
    Target,
)

NAMES = {
    "db1": ("203.0.113.7",),
    "db1.internal": ("10.0.0.7", "2001:db8::7"),
    "mapped": ("::ffff:203.0.113.9", "203.0.113.9"),
    "zone": ("fe80::1%eth0", "FE80::1"),
    "odd": ("here",),
    "empty": (),
}


def lookup(name: str) -> Sequence[str]:
    try:
        return NAMES[name]
    except KeyError:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None


def unchanged(address: str, arguments: Sequence[str]) -> str:
    return address


def internal(address: str, arguments: Sequence[str]) -> str:
    return f"{address}.internal"


def found(address: str, connection: str = "ssh", name: Callable = unchanged) -> tuple[str, ...]:
    target = Target("web1", connection, address)
    return _addresses.addresses(target, lookup=lookup, ssh_host_name=name)


@pytest.mark.parametrize(
    "connection", ["ssh", "ansible.builtin.ssh", "ansible.legacy.ssh", "smart"]
)
def test_the_host_name_of_the_ssh_configuration_is_resolved(connection: str) -> None:
    assert found("db1", connection, internal) == ("10.0.0.7", "2001:db8::7")


@pytest.mark.parametrize(
    "connection", ["paramiko", "ansible.builtin.paramiko_ssh", "winrm", "ansible.builtin.psrp"]
)
def test_other_connections_do_not_read_the_ssh_configuration(connection: str) -> None:
    assert found("db1", connection, internal) == ("203.0.113.7",)


@pytest.mark.parametrize("connection", ["local", "ansible.builtin.local"])
def test_a_local_play_is_on_the_control_machine(connection: str) -> None:
    assert found("-nowhere", connection) == ("127.0.0.1",)


def test_ssh_gets_its_arguments_and_the_address() -> None:
    asked = []

    def name(address: str, arguments: Sequence[str]) -> str:
        asked.append((address, tuple(arguments)))
        return address

    target = Target("web1", "ssh", "db1", ("-F", "config"))
    _addresses.addresses(target, lookup=lookup, ssh_host_name=name)

    assert asked == [("db1", ("-F", "config"))]


@pytest.mark.parametrize(("name", "expected"), [("mapped", "203.0.113.9"), ("zone", "fe80::1")])
def test_each_address_has_one_spelling(name: str, expected: str) -> None:
    assert found(name) == (expected,)


@pytest.mark.parametrize(
    "connection", ["podman", "containers.podman.podman", "docker", "my.ssh", ""]
)
def test_a_connection_without_network_has_no_address(connection: str) -> None:
    with pytest.raises(AddressError) as caught:
        found("db1", connection)

    assert str(caught.value) == f"connection {connection} has no network address"
    assert caught.value.code == "unknown_address"


@pytest.mark.parametrize("address", ["-oProxyCommand=x", "--", "", "a b", "a\nhostname b", "a\0b"])
@pytest.mark.parametrize("connection", ["ssh", "winrm"])
def test_what_is_no_address_is_refused_before_ssh_sees_it(address: str, connection: str) -> None:
    def name(address: str, arguments: Sequence[str]) -> str:
        pytest.fail("ssh was asked")

    with pytest.raises(AddressError, match="is not a valid address"):
        found(address, connection, name)


@pytest.mark.parametrize(
    ("address", "name", "message"),
    [
        ("db9", unchanged, "db9 does not resolve: Name or service not known"),
        ("db9", internal, "db9.internal (HostName of db9) does not resolve: Name"),
        ("empty", unchanged, "empty does not resolve: no addresses"),
        ("odd", unchanged, "odd resolves to 'here' does not appear to be"),
    ],
)
def test_a_name_that_does_not_resolve_is_named(address: str, name: Callable, message: str) -> None:
    with pytest.raises(AddressError) as caught:
        found(address, name=name)

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("name", ["a" * 64, "a..b"])
def test_a_name_that_no_host_can_have_is_refused(name: str) -> None:
    target = Target("web1", "winrm", name)

    with pytest.raises(AddressError, match="is not a valid host name"):
        _addresses.addresses(target)  # fails before anything is looked up


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_numbers_are_resolved_by_the_system(address: str) -> None:
    assert _addresses.addresses(Target("web1", "winrm", address)) == (address,)


@pytest.fixture
def fake_ssh(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    def put(script: str) -> None:
        path = tmp_path / "ssh"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return put


def test_ssh_is_asked_after_the_end_of_its_options(fake_ssh: Callable[[str], None]) -> None:
    fake_ssh('[ "$*" = "-G -F config -- db1" ] && echo "user root" && echo "hostname 10.0.0.7"')

    assert _addresses.by_ssh_configuration("db1", ("-F", "config")) == "10.0.0.7"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo hostname db1; echo Bad option >&2; exit 255", "ssh -G db1 failed: Bad option"),
        ("exit 3", "ssh -G db1 failed: exit status 3"),
        ("echo user root; echo hostname", "ssh -G db1 printed no hostname"),
    ],
)
def test_an_ssh_that_fails_leaves_the_address_unknown(
    fake_ssh: Callable[[str], None], script: str, message: str
) -> None:
    fake_ssh(script)

    with pytest.raises(AddressError) as caught:
        _addresses.by_ssh_configuration("db1", ())

    assert str(caught.value) == message


HANGING = """
import fcntl, subprocess, sys, time
file = open(sys.argv[0] + ".lock", "w")
fcntl.flock(file, fcntl.LOCK_EX)
sleeping = [sys.executable, "-c", "import time; time.sleep(60)"]
subprocess.Popen(sleeping, pass_fds=[file.fileno()])  # as a Match exec of the configuration
time.sleep(10)
"""


def test_an_ssh_that_hangs_ends_at_its_time_limit_with_all_it_started(
    fake_ssh: Callable[[str], None], tmp_path: pathlib.Path
) -> None:
    script = tmp_path / "hanging"
    script.write_text(HANGING)
    fake_ssh(f"exec {sys.executable} {script}")

    with pytest.raises(AddressError, match="ssh -G db1 did not end within 1 s"):
        _addresses.by_ssh_configuration("db1", (), seconds=1)

    with open(f"{script}.lock", "a") as file:
        for _attempt in range(1000):
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(0.01)
    pytest.fail("it goes on")


def test_without_ssh_the_address_is_what_it_is(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert _addresses.by_ssh_configuration("db1", ()) == "db1"


@pytest.mark.skipif(not shutil.which("ssh"), reason="needs ssh")
def test_the_configuration_of_ssh_redirects_a_name(tmp_path: pathlib.Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host db1\n  HostName 10.0.0.7\n  ProxyJump bastion\n")

    assert _addresses.by_ssh_configuration("db1", ("-F", str(config))) == "10.0.0.7"
    assert _addresses.by_ssh_configuration("db2", ("-F", str(config))) == "db2"
