# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of hosts: made, cut off, switched off, put back to new, counted, removed."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from . import network, processes
from .commands import HostsError, run
from .debian import debian_root, locked
from .requirements import cache_home, why_not

LAUNCH = Path(__file__).with_name("launch.sh")
STORES = ("tmpfs", "disk")  # what /srv of a host is on; "disk" is the cache's file system
ANSWER_S = 30


@dataclass(frozen=True)
class Host:
    """One host: its name, its address, and the directory where its disk is kept."""

    name: str
    address: str
    directory: Path
    client_key: Path
    known_hosts: Path

    @property
    def srv(self):
        """The host's ``/srv``, as seen from this machine."""
        return self.directory / "srv"

    def ssh_options(self):
        return [
            *("-o", f"UserKnownHostsFile={self.known_hosts}"),
            *("-o", "GlobalKnownHostsFile=/dev/null"),
            *("-o", "LogLevel=ERROR"),
        ]

    def variables(self, user="root"):
        """Return the inventory variables that let Ansible log in as *user* (root or deploy)."""
        return {
            "ansible_host": self.address,
            "ansible_user": user,
            "ansible_ssh_private_key_file": str(self.client_key),
            "ansible_ssh_common_args": shlex.join(self.ssh_options()),
            "ansible_python_interpreter": "/usr/bin/python3",
        }


@dataclass(frozen=True)
class Counters:
    """What one host has seen since it was made: bytes on its link, SSH logins and sessions."""

    bytes_in: int = 0
    bytes_out: int = 0
    logins: int = 0
    sessions: int = 0

    def __add__(self, other):
        return Counters(*(getattr(self, name) + getattr(other, name) for name in vars(self)))

    def __sub__(self, other):
        return Counters(*(getattr(self, name) - getattr(other, name) for name in vars(self)))


class Fleet:
    """Hosts ``h001``, ``h002`` … on a bridge of their own; fleets of other names are apart."""

    def __init__(self, name="dev"):
        if not re.fullmatch(r"[a-z][a-z0-9]{0,9}", name):
            raise HostsError(f"{name!r} is not a fleet's name: up to ten of a-z, 0-9")
        self.name = name
        self.directory = cache_home() / "fleets" / name

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.down()

    def up(self, count, store="tmpfs"):
        """Start the hosts up to *count* that do not exist yet; return the first *count*."""
        if not 0 < count <= network.MOST_HOSTS:
            raise HostsError(f"a fleet has 1 to {network.MOST_HOSTS} hosts, not {count}")
        if store not in STORES:
            raise HostsError(f"/srv of a host is on {' or '.join(STORES)}, not on {store!r}")
        wanted = [f"h{number:03d}" for number in range(1, count + 1)]
        with self._changing():
            self._prepare()
            existing = self._names()
            self._add({name: store for name in wanted if name not in existing})
        return [self.host(name) for name in wanted]

    def take(self, count, store="tmpfs"):
        """Return the first *count* hosts, up and as new."""
        wanted = {f"h{number:03d}" for number in range(1, count + 1)}
        with self._changing():
            self._remove(sorted(wanted & set(self._names())))
        return self.up(count, store)

    def reset(self, hosts=None):
        """Put *hosts* (default: all) back to new: an empty disk, a live link, counters at 0."""
        hosts = self.hosts() if hosts is None else hosts
        stores = {host.name: "tmpfs" if host.srv.is_mount() else "disk" for host in hosts}
        with self._changing():
            self._remove(list(stores))
            self._add(stores)

    def hosts(self):
        """Return all hosts of the fleet, on or off."""
        return [self.host(name) for name in self._names()]

    def host(self, name):
        """Return the host called *name*, or raise HostsError."""
        if not (self.directory / name).is_dir():
            raise HostsError(f"fleet {self.name} has no host {name!r}")
        state, root = self._state(), debian_root()
        return Host(
            name=name,
            address=network.address_of(state["subnet"], int(name[1:])),
            directory=self.directory / name,
            client_key=root.client_key,
            known_hosts=root.known_hosts,
        )

    def cut(self, hosts):
        """Cut the links of *hosts*: packets vanish, connections hang, nothing is closed."""
        network.set_links(self.name, [host.name for host in hosts], "down")

    def restore(self, hosts):
        """Restore the links of *hosts*; those that are on answer again when this returns.

        This machine may have noted meanwhile that nobody is at such an address, and would believe
        that for some seconds.
        """
        names = [host.name for host in hosts]
        network.set_links(self.name, names, "up")
        running = processes.by_host(self._namespaces(names))
        self._wait_until_up([name for name in names if running[name]])

    def kill(self, hosts):
        """Switch *hosts* off, as a power cut would; their disks stay."""
        processes.end(self._namespaces([host.name for host in hosts]))

    def revive(self, hosts):
        """Switch *hosts* on again with the disks that they had."""
        running = processes.by_host(self._namespaces([host.name for host in hosts]))
        off = [host.name for host in hosts if not running[host.name]]
        self._start(off)

    def run(self, host, argv):
        """Run *argv* as root on *host*, without SSH; return the finished process (text)."""
        inside = processes.by_host(self._namespaces([host.name]))[host.name]
        first = processes.first_of(inside)
        if first is None:
            raise HostsError(f"host {host.name} is off")
        spaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd"]
        path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
        return subprocess.run(
            ["nsenter", "-t", str(first), *spaces, "env", "-i", path, "HOME=/root", *argv],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def counters(self, hosts=None):
        """Return ``{name: Counters}`` of *hosts* (default: all), counted since they were made."""
        return {host.name: self._count(host) for host in hosts or self.hosts()}

    def inventory(self, hosts=None, user="root"):
        """Return an inventory of *hosts* (default: all) as data; as JSON, Ansible reads it."""
        hosts = self.hosts() if hosts is None else hosts
        return {"all": {"hosts": {host.name: host.variables(user) for host in hosts}}}

    def own(self):
        """Bind the fleet to this process: after its end ``sweep`` removes the fleet."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._write_state({**self._state(), "owner": [os.getpid(), processes.started(os.getpid())]})

    def down(self):
        """Remove all that the fleet made, also what an earlier run left behind half-made."""
        with self._changing():
            spaces = network.namespaces(self.name)
            self._remove(sorted({*spaces, *self._names()}))
            network.remove_bridge(self.name)
            shutil.rmtree(self.directory, ignore_errors=True)

    @classmethod
    def sweep(cls):
        """Remove the fleets whose owner ended without doing so."""
        for state in cache_home().glob("fleets/*/fleet.json"):
            fleet = cls(state.parent.name)
            owner = fleet._state().get("owner")
            if owner and processes.started(owner[0]) != owner[1]:
                fleet.down()

    # What follows changes or reads one thing each; the caller holds the lock where it matters.

    def _changing(self):
        fleets = cache_home() / "fleets"
        fleets.mkdir(parents=True, exist_ok=True)
        return locked(fleets / "lock")

    def _prepare(self):
        reason = why_not()
        if reason:
            raise HostsError(reason)
        debian_root()
        self.directory.mkdir(parents=True, exist_ok=True)
        self._write_state({**self._state(), "subnet": network.make_bridge(self.name)})

    def _state(self):
        try:
            return json.loads((self.directory / "fleet.json").read_text(encoding="ascii"))
        except FileNotFoundError:
            return {}

    def _write_state(self, state):
        """Replace the state in one step: a sweep may be reading it."""
        scratch = self.directory / "fleet.json.new"
        scratch.write_text(json.dumps(state), encoding="ascii")
        scratch.replace(self.directory / "fleet.json")

    def _names(self):
        return sorted(path.name for path in self.directory.glob("h[0-9][0-9][0-9]"))

    def _namespaces(self, names):
        existing = network.namespaces(self.name)
        return {name: existing[name] for name in names if name in existing}

    def _add(self, stores):
        """Make and start new hosts; *stores* is ``{name: what its /srv is on}``."""
        numbers = {name: int(name[1:]) for name in stores}
        for name, store in stores.items():
            directory = self.directory / name
            for part in ("upper", "work", "root", "srv"):
                (directory / part).mkdir(parents=True)
            if store == "tmpfs":
                run(["mount", "-t", "tmpfs", "-o", "mode=755", "srv", str(directory / "srv")])
        network.link_hosts(self.name, self._state()["subnet"], numbers)
        self._start(list(stores))

    def _start(self, names):
        for name in names:
            self._launch(name)
        self._wait_until_up(names)

    def _wait_until_up(self, names):
        deadline = time.monotonic() + ANSWER_S
        for name in names:
            self._wait_for_ssh(self.host(name), deadline)

    def _launch(self, name):
        """Start a host that outlives this process; its process 1 is sshd."""
        directory = self.directory / name
        space = network.NAMESPACES / network.namespace_of(self.name, name)
        with open(directory / "launch.log", "w", encoding="utf-8") as log:
            subprocess.run(
                [
                    *("nsenter", f"--net={space}", "setsid", "--fork"),
                    *("unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child"),
                    *("sh", str(LAUNCH), name, str(debian_root().tree), str(directory)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=True,
            )

    def _wait_for_ssh(self, host, deadline):
        while True:
            try:
                with socket.create_connection((host.address, 22), timeout=1) as connection:
                    if connection.recv(4) == b"SSH-":
                        return
            except OSError:
                pass
            if time.monotonic() > deadline:
                said = (host.directory / "launch.log").read_text(encoding="utf-8").split("\n")[0]
                raise HostsError(f"host {host.name} does not answer at {host.address}: {said}")
            time.sleep(0.02)

    def _remove(self, names):
        processes.end(self._namespaces(names))
        network.unlink_hosts(self.name, list(self._namespaces(names)))
        for name in names:
            directory = self.directory / name
            if (directory / "srv").is_mount():
                run(["umount", str(directory / "srv")])
            shutil.rmtree(directory, ignore_errors=True)

    def _count(self, host):
        log = host.directory / "upper/var/log/sshd.log"
        text = log.read_bytes() if log.exists() else b""
        return Counters(
            *network.traffic(self.name, host.name),
            logins=text.count(b"Accepted publickey"),
            sessions=text.count(b"Starting session"),
        )
