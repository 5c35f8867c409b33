# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long each operation takes on SSH hosts, beside baselines measured in turn in the same run.

O is a playbook with one ``ansible.builtin.ping``. L is a hand-made loop, one ssh a host, that
unpacks a ready zstd tar and ends with ``sync -f``; for the next release it copies the tree by hard
links and unpacks only the changed files. Seconds depend on the machine; the ratios are what counts.

    make bench
    .venv/bin/python tests/bench/bench.py --hosts 10 --rounds 3 --store disk
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from tests.hosts import Fleet, HostsError, why_not  # noqa: E402 - the path comes first

FILES, FILE_BYTES, CHANGED_PART = 8000, 6250, 0.02
ROOT = "/srv/app"
PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - {task}
"""
DEPLOYMENT = "itops.release.release_deployment: {{root: %s, media_library: {library}, %%s}}" % ROOT


def main():
    options = parse_options()
    reason = why_not()
    if reason:
        sys.exit(f"bench: no hosts can be made here: {reason}")
    with tempfile.TemporaryDirectory() as folder, Fleet("bench") as fleet:
        hosts = fleet.up(options.hosts, options.store)
        bench = Bench(Path(folder), fleet, hosts)
        print(
            f"{len(hosts)} hosts, /srv on {options.store}, {FILES} files of {FILE_BYTES} bytes, "
            f"{CHANGED_PART:.0%} of them changed; {options.rounds} rounds",
            flush=True,
        )
        bench.prepare()
        for number in range(options.rounds):
            print(f"round {number + 1} …", file=sys.stderr, flush=True)
            bench.round()
        bench.report()


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--hosts", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--store", choices=["tmpfs", "disk"], default="tmpfs")
    return parser.parse_args()


class Bench:
    """The operations, each from a known beginning, and what they took."""

    def __init__(self, folder, fleet, hosts):
        self.folder = folder
        self.fleet = fleet
        self.hosts = hosts
        self.seconds = {}
        self.sent = {}
        self.sessions = {}

    def prepare(self):
        """Make two trees, seal them, and make the tars of the hand-made loop."""
        make_tree(self.folder / "v1")
        shutil.copytree(self.folder / "v1", self.folder / "v2")
        changed = change_some(self.folder / "v2")
        for version in ("v1", "v2"):
            (self.folder / version / "release.yml").write_text(
                f'name: app\nversion: "{version}"\nserial: {version[1]}\n'
                "components: [{name: app, kind: files, source: src}]\n"
            )
        pack = "tar -C v1/src -cf - . | zstd -q -3 -o first.tar.zst -f"
        self.shell(pack)
        (self.folder / "changed").write_text("\n".join(changed))
        self.shell("tar -C v2/src -cf - -T changed | zstd -q -3 -o next.tar.zst -f")
        inventory = self.fleet.inventory(self.hosts)
        (self.folder / "inventory.json").write_text(json.dumps(inventory))
        (self.folder / "inventory.json").chmod(0o644)

    def round(self):
        """Measure everything once, baselines and ours in turn."""
        shutil.rmtree(self.folder / "library", ignore_errors=True)
        self.time("seal: tar | zstd -3, and sha256sum", self.seal_by_hand)
        self.time("seal: a playbook with release_package", lambda: self.seal("v1"))
        self.seal("v2")
        self.time("O: one ping", lambda: self.play("ansible.builtin.ping:"))
        self.empty()
        self.time("L: first release by hand", lambda: self.by_hand("first"))
        self.time("L: next release by hand", lambda: self.by_hand("next"))
        self.empty()
        shutil.rmtree(self.folder / "cache", ignore_errors=True)
        self.time("first release", lambda: self.deploy("release: app:v1"))
        self.time("next release", lambda: self.deploy("release: app:v2"))
        self.time("nothing to do", lambda: self.deploy("release: app:v2"))
        self.time("rollback", lambda: self.deploy("release: previous"))
        info = f"itops.release.release_deployment_info: {{root: {ROOT}, verify: true}}"
        self.time("verify", lambda: self.play(info))
        self.time("remove", lambda: self.deploy("state: absent"))

    def report(self):
        """Print each operation's seconds, median with spread, and its ratio to the baselines."""
        medians = {name: statistics.median(times) for name, times in self.seconds.items()}
        ping, first, following = (
            medians["O: one ping"],
            medians["L: first release by hand"],
            medians["L: next release by hand"],
        )
        seal = medians["seal: tar | zstd -3, and sha256sum"]
        beside = {
            "first release": ("O + 1.3 L", ping + 1.3 * first),
            "next release": ("O + 1.3 L", ping + 1.3 * following),
            "nothing to do": ("1.15 O", 1.15 * ping),
            "rollback": (
                "1.15 O + 0.5 s x hosts / 2 cores",
                1.15 * ping + 0.5 * len(self.hosts) / 2,
            ),
            "verify": ("O + 0.5 s x hosts / 2 cores", ping + 0.5 * len(self.hosts) / 2),
            "seal: a playbook with release_package": ("1.5 x by hand", 1.5 * seal),
        }
        print(f"{'':46} {'median s':>8} {'min':>6} {'max':>6}  ratio to budget")
        for name, times in self.seconds.items():
            row = f"{name:46} {medians[name]:8.2f} {min(times):6.2f} {max(times):6.2f}"
            if name in beside:
                words, budget = beside[name]
                row += f"  {medians[name] / budget:.2f} of {words}"
            if name in self.sessions:
                logins, sessions, bytes_in = self.sessions[name]
                row += f"; {logins:.1f} logins, {sessions:.1f} sessions"
                row += f", {bytes_in / 1e6:.2f} MB a host"
            print(row)

    def time(self, name, act):
        before = sum_up(self.fleet.counters(self.hosts))
        start = time.monotonic()
        act()
        self.seconds.setdefault(name, []).append(time.monotonic() - start)
        after = sum_up(self.fleet.counters(self.hosts))
        logins, sessions, bytes_in = (
            (b - a) / len(self.hosts) for a, b in zip(before, after, strict=True)
        )
        if logins:
            self.sessions[name] = (logins, sessions, bytes_in)

    def deploy(self, arguments):
        task = DEPLOYMENT.format(library=self.folder / "library") % arguments
        self.play(task)

    def seal(self, version):
        # A connection of its own is not needed: all of this happens on the controller.
        task = (
            f"itops.release.release_package: {{src: {self.folder / version}, "
            f"media_library: {self.folder / 'library'}}}"
        )
        self.play(task, "localhost,")

    def play(self, task, inventory=None):
        """Run a playbook with the one *task*, with connections that nobody has opened before."""
        (self.folder / "play.yml").write_text(PLAY.format(task=task))
        argv = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            inventory or "inventory.json",
            *(["-c", "local"] if inventory else []),
            "play.yml",
        ]
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".dev"),
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_FORKS": str(len(self.hosts)),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": tempfile.mkdtemp(prefix="cp", dir=self.folder),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }
        self.run(argv, env=environment)

    def by_hand(self, which):
        """Unpack a ready tar on each host, one ssh after the other."""
        unpack = "zstd -qdc | tar -C {to} -xf - && ln -sfn {to} {root}/live && sync -f {root}"
        commands = {
            "first": "mkdir -p {root}/a && " + unpack.format(to="{root}/a", root="{root}"),
            "next": "cp -al {root}/a {root}/b && "
            + unpack.format(to="{root}/b", root="{root}").replace("tar ", "tar --unlink-first "),
        }
        command = commands[which].format(root=ROOT)
        for host in self.hosts:
            argv = ["ssh", "-i", str(host.client_key), *host.ssh_options()]
            with open(self.folder / f"{which}.tar.zst", "rb") as stream:
                self.run([*argv, f"root@{host.address}", command], stdin=stream)

    def seal_by_hand(self):
        self.shell(
            "tar -C v1/src -cf - . | zstd -q -3 >/dev/null; "
            "find v1/src -type f -print0 | xargs -0 sha256sum >/dev/null"
        )

    def empty(self):
        for host in self.hosts:
            self.fleet.run(host, ["rm", "-rf", ROOT])

    def shell(self, command):
        self.run(["sh", "-c", command])

    def run(self, argv, **options):
        done = subprocess.run(
            argv, cwd=self.folder, capture_output=True, text=True, check=False, **options
        )
        if done.returncode:
            sys.exit(f"bench: {' '.join(argv)} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


def make_tree(folder):
    """Make the files of a release: words, so that they compress as sources do."""
    chance = random.Random(8000)
    words = [
        "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 10)))
        for dummy in range(20000)
    ]
    for number in range(FILES):
        path = folder / "src" / f"d{number // 20 % 20}" / f"e{number // 400}" / f"f{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(" ".join(chance.choices(words, k=1100))[:FILE_BYTES])


def change_some(folder):
    """Change a part of the files; return their paths."""
    paths = sorted((folder / "src").rglob("*.txt"))
    step = int(1 / CHANGED_PART)
    for path in paths[::step]:
        path.write_text(path.read_text()[::-1])
    return [str(path.relative_to(folder / "src")) for path in paths[::step]]


def sum_up(counters):
    rows = counters.values()
    return (
        sum(row.logins for row in rows),
        sum(row.sessions for row in rows),
        sum(row.bytes_in for row in rows),
    )


if __name__ == "__main__":
    try:
        main()
    except HostsError as error:
        sys.exit(f"bench: {error}")
