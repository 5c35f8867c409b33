# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network addresses that a play connects to, by connection and SSH configuration."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical

SSH = {"ssh", "smart"}  # the long gone "smart" meant ssh wherever that has ControlPersist
# Ansible's paramiko connection does not read HostName: it connects to the address as it is.
DIRECT = {"paramiko", "paramiko_ssh", "winrm", "psrp"}
LOCAL = "local"
BUILT_IN = ("ansible.builtin.", "ansible.legacy.")
LOOPBACK = "127.0.0.1"
SSH_SECONDS = 5.0


class AddressError(ReleaseError):
    """The network address of a host is not known; the text says why."""

    code = "unknown_address"


@dataclass(frozen=True)
class Target:
    """A *host* of a play, and how Ansible connects to it.

    *connection* is the name of the connection plugin, *address* is ``ansible_host`` or else the
    host's name. *ssh_arguments* are what Ansible passes to ssh before the address.
    """

    host: str
    connection: str
    address: str
    ssh_arguments: tuple[str, ...] = ()


def by_socket(name: str) -> Sequence[str]:
    """Return all addresses, IPv4 and IPv6, of a host *name*; raises OSError, UnicodeError."""
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_kind, address in found]


def by_ssh_configuration(
    address: str, ssh_arguments: Sequence[str], seconds: float = SSH_SECONDS
) -> str:
    """Return the host name that ssh connects to for *address*, as ``ssh -G`` prints it.

    Without ssh that is *address* itself. A ``Match exec`` of the configuration is run, as it is
    when Ansible connects. Raises AddressError.
    """
    try:
        process = subprocess.Popen(
            ["ssh", "-G", *ssh_arguments, "--", address],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # so that a Match exec ends with it
        )
    except FileNotFoundError:
        return address
    except (OSError, ValueError) as error:
        raise AddressError(f"ssh -G cannot run: {_canonical.one_line(error)}") from None
    with process:
        try:
            said, complaints = process.communicate(timeout=seconds)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            raise AddressError(f"ssh -G {address} did not end within {seconds:g} s") from None
    if process.returncode:
        lines = complaints.decode("utf-8", "replace").strip().splitlines()
        reason = lines[-1] if lines else f"exit status {process.returncode}"
        raise AddressError(f"ssh -G {address} failed: {_canonical.one_line(reason)}")
    for line in said.decode("utf-8", "replace").splitlines():
        key, _space, value = line.partition(" ")
        if key == "hostname" and value.strip():
            return value.strip()
    raise AddressError(f"ssh -G {address} printed no hostname")


def addresses(
    target: Target,
    lookup: Callable[[str], Sequence[str]] = by_socket,
    ssh_host_name: Callable[[str, Sequence[str]], str] = by_ssh_configuration,
) -> tuple[str, ...]:
    """Return all addresses, IPv4 and IPv6, that a connection to *target* may go to.

    An IPv4-mapped IPv6 address is returned as its IPv4 address; zones (``%eth0``) are left out.
    A ProxyJump or ProxyCommand is not followed: the host's name is resolved here nevertheless.
    Raises AddressError, so that an address that is not known is never taken for a good one.
    """
    connection = target.connection
    for prefix in BUILT_IN:
        connection = connection.removeprefix(prefix)
    if connection == LOCAL:
        return (LOOPBACK,)
    if connection not in SSH | DIRECT:
        shown = _canonical.one_line(target.connection)
        raise AddressError(f"connection {shown} has no network address")
    _check_address(target.address)
    name = target.address
    if connection in SSH:
        name = ssh_host_name(name, target.ssh_arguments)
    return _resolved(name, target.address, lookup)


def _check_address(address: str) -> None:
    """Raise AddressError for what ssh could take as an option, or for what no host is called."""
    # A space is not printable enough: it would split a line of ssh's output.
    if not address or address.startswith("-") or not address.isprintable() or " " in address:
        raise AddressError(
            f"{_canonical.one_line(repr(address))} is not a valid address; valid: a host name or "
            "an IP address"
        )


def _resolved(name: str, address: str, lookup: Callable[[str], Sequence[str]]) -> tuple[str, ...]:
    """Return the addresses of the host *name*, to which ssh takes *address*."""
    shown = _canonical.one_line(name)
    if name != address:
        shown += f" (HostName of {_canonical.one_line(address)})"
    try:
        texts = lookup(name)
        found = tuple(dict.fromkeys(map(_plain, texts)))
    except UnicodeError:
        raise AddressError(f"{shown} is not a valid host name") from None
    except OSError as error:
        reason = _canonical.one_line(error.strerror or error)
        raise AddressError(f"{shown} does not resolve: {reason}") from None
    except ValueError as error:
        raise AddressError(f"{shown} resolves to {_canonical.one_line(error)}") from None
    if not found:
        raise AddressError(f"{shown} does not resolve: no addresses")
    return found


def _plain(text: str) -> str:
    """Return the address *text* in its shortest form; raises ValueError."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)
