# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What root does on a host, or while it seals, where a local user swaps its directories for links.

An attack is a generator of steps: each is one call, which may be refused. Each takes an Arena.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
from dataclasses import dataclass

from ansible_collections.itops.release.plugins.module_utils.checksums import _file
from ansible_collections.itops.release.plugins.module_utils.errors._release_error import (
    ReleaseError,
)
from ansible_collections.itops.release.plugins.module_utils.root import _directory, _inspection
from ansible_collections.itops.release.plugins.plugin_utils.building import _sealing
from ansible_collections.itops.release.tests.fakes.estate import Estate, Host, write_tree
from ansible_collections.itops.release.tests.faults import attacking

SEEDED = "var/seed/deep/conf"
LINKS = ["var/new/deep/dir/", SEEDED]
EMPTIED = ("-dir", "-.dir.new", "-conf", ".dir.new")
REFUSALS = (OSError, ReleaseError)


def files(version):
    """Return the files of a release, as ``write_tree`` takes them."""
    found = {f"lib/{number % 3}/{number}": f"{number} of {version}" for number in range(12)}
    return {**found, "app*": f"version {version}", "etc/same": "in all", SEEDED: "as delivered"}


@dataclass
class Arena:
    """Releases, a host whose root is *folder*/srv, the Attacker, and what it wants."""

    folder: pathlib.Path
    host: Host
    labels: dict
    attacker: attacking.Attacker | None = None

    def attempt(self, act):
        """Do *act*; tell whether it was not refused."""
        try:
            act()
            return True
        except REFUSALS:
            return False

    def attack_releases(self):
        for tree in sorted((self.host.root / "releases").iterdir()):
            self.attacker.attack(tree)


class Sender(Host):
    """A Host whose uploads belong to the attacker, who attacks it as soon as the pack is there."""

    attacker = None

    def request(self, *args, **params):
        return super().request(*args, **params).after(becomes=True)

    def send(self, path, *args):
        drop = pathlib.Path(path).parent
        scratch = drop.parent.parent.parent.parent / "pack"
        super().send(str(scratch), *args)
        pack = scratch.read_bytes()
        # As a transfer that was resumed leaves it: joined, it is the pack.
        parts = {"kept": pack[:40], "kept.20": pack[20:], "pack": pack}
        names = list(parts) if len(self.sent) % 2 else ["pack"]
        for name in names:
            (drop / name).write_bytes(parts[name])
            os.chown(drop / name, attacking.USER, -1)
        self.attacker.attack(drop, *names)


def make_arena(folder):
    """Return an Arena below *folder*, which the attacker can get to, and its Canary."""
    folder.chmod(0o711)
    estate = Estate(folder)
    labels = {version: estate.seal(version, files(version)) for version in ("1", "2")}
    names = {**files("2"), "new/deep/": "", "seed/deep/": "", "shop/current/app": ""}
    names.update(dict.fromkeys(("pack", "kept", "kept.20"), "0123456789" * 10))
    canary = write_tree(folder / "canary", names)
    canary.chmod(0o755)
    host = Host(estate, folder / "srv" / "shop", {"lock_timeout": 5})
    return Arena(folder, host, labels), attacking.Canary(canary)


def releases(arena):
    """The service owns the files of the releases: they are verified, replaced and cleaned."""
    host, labels = arena.host, arena.labels
    host.params.update(owner=str(attacking.USER), group=str(attacking.USER), keep=2)
    host.deploy(labels["1"])
    for label in (labels["2"], labels["1"]):
        arena.attack_releases()
        yield lambda label=label: host.deploy(label)
        arena.attack_releases()
        yield lambda: _look_through(host)
        yield lambda: host.deploy(None, release="current", verify=True)
        yield lambda: host.deploy(None)
    arena.attack_releases()
    yield lambda: host.deploy(labels["2"], keep=1)
    arena.attack_releases()
    yield lambda: host.deploy(labels["1"], state="absent")
    yield lambda: host.deploy(None, state="absent", purge_shared=True)


def _look_through(host):
    with _directory.opened(str(host.root)) as root:
        state = root.read_state()
        _inspection.look_through(root, state, host.current, ())


def shared(arena):
    """The service owns what is in ``shared``: linked paths are made and seeded there."""
    host, labels = arena.host, arena.labels
    host.params.update(linked_paths=LINKS, seed=True)
    for label in labels.values():
        host.deploy(label, state="staged")
    var = host.root / "shared/var"
    for folder in ("new/deep", "seed/deep"):
        (var / folder).mkdir(parents=True)
    for folder in (var, *var.rglob("*")):
        os.chown(folder, attacking.USER, attacking.USER)
    for label in 5 * tuple(labels.values()):
        _attack_shared(arena, var)
        yield lambda label=label: host.deploy(label)
    _attack_shared(arena, var)
    yield lambda: host.deploy(None, state="absent", purge_shared=True)


def _attack_shared(arena, var):
    """Let it swap the folders on the way, and take away what is to be made."""
    names = [f"{folder}/deep/{name}" for folder in ("new", "seed") for name in EMPTIED]
    arena.attacker.attack(var, *names)


def drop(arena):
    """The attacker logs in, and sends the packs: they are resumed, joined and opened."""
    arena.host.__class__ = Sender
    arena.host.attacker = arena.attacker
    os.environ["SUDO_UID"] = str(attacking.USER)
    try:
        for label in arena.labels.values():
            for _chance in range(6):
                yield lambda label=label: arena.host.deploy(label)
        yield lambda: arena.host.deploy(None, state="absent")
    finally:
        del os.environ["SUDO_UID"]


def above(arena):
    """The attacker owns the directory that the root lies in."""
    host = arena.host
    host.deploy(arena.labels["1"])
    os.chown(host.root.parent, attacking.USER, attacking.USER)
    arena.attacker.attack(host.root.parent)
    for params in ({}, {"verify": True}, {"state": "absent"}, {"state": "staged"}):
        for label in arena.labels.values():
            yield lambda label=label, params=params: host.deploy(label, **params)


def sources(arena):
    """The attacker writes the files that are sealed, or listed in a checksum file."""
    source = write_tree(arena.folder / "sealed", files("2"))
    for path in (source, *source.rglob("*")):
        os.chown(path, attacking.USER, attacking.USER)
    arena.attacker.attack(source, "=lib")
    for number in range(30):
        yield lambda number=number: _seal(arena, source, 10 + number)
        yield lambda: _list(source)
    arena.host.deploy(arena.labels["1"])


def _seal(arena, source, serial):
    release = arena.host.estate.declare(str(serial), serial, exclude=("*.lure",))
    _sealing.seal(arena.host.estate.library, release, _sealing.pack_here(str(source)))


def _list(source):
    with contextlib.closing(_file.ChecksumFile(str(source), "SHA256SUMS")) as listing:
        data = listing.make("sha256", ("*.lure",))[0]
        listing.write(data)
        listing.verify(exclude=("*.lure",))


ATTACKS = {attack.__name__: attack for attack in (releases, shared, drop, above, sources)}
