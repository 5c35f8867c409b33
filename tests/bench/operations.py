# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations that are measured, each from a known beginning, and what they are held against."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench import trees
from tests.bench.measuring import Cost, Meter

CHECKOUT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
ROOT = "/srv/app"
PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - {task}
"""
DEPLOYMENT = "itops.release.release_deployment: {{root: %s, media_library: {library}, %%s}}" % ROOT
PING = "ansible.builtin.ping:"
SSH = "-o ControlMaster=auto -o ControlPersist=60s"


class Bench:
    """The operations, and the Costs of each, by name, a round after the other."""

    def __init__(self, folder, fleet, hosts):
        self.folder = folder
        self.hosts = hosts
        self.costs = {}
        self._fleet = fleet
        self._meter = Meter(fleet, hosts, folder)

    def prepare(self):
        """Make two trees, seal them, and make the tars of the hand-made loop."""
        changed = trees.make_two(self.folder)
        (self.folder / "changed").write_text("\n".join(changed))
        self._shell("tar -C v1/src -cf - . | zstd -q -3 -o first.tar.zst -f")
        self._shell("tar -C v2/src -cf - -T changed | zstd -q -3 -o next.tar.zst -f")
        self._write_inventory()
        self.seal("v1")
        self.seal("v2")

    def round(self):
        """Measure everything once, baselines and ours in turn."""
        self.note("O", lambda: self.play(PING))
        self.empty()
        self.note("L first", lambda: self.by_hand("first"))
        self.note("L next", lambda: self.by_hand("next"))
        self.empty()
        shutil.rmtree(self.folder / "cache", ignore_errors=True)
        self.note("first release", lambda: self.deploy("release: app:v1"))
        self.note("next release", lambda: self.deploy("release: app:v2"))
        self.note("nothing to do", lambda: self.deploy("release: app:v2"))
        self.note("nothing to do, by the role", self.role)
        info = f"itops.release.release_deployment_info: {{root: {ROOT}, verify: true}}"
        self.note("verify", lambda: self.play(info))
        self.note("rollback", lambda: self.deploy("release: previous"))
        self.note("remove", lambda: self.deploy("state: absent"))
        self.round_of_roles()
        self._round_of_sealing()

    def round_of_roles(self):
        """Measure the role beside the module in the same two steps, and with a ledger."""
        for version in ("v1", "v2"):
            name = f"release {version}, module in two steps"
            self.note(name, lambda version=version: self.two_steps(f"app:{version}"))
        self.empty()
        for version in ("v1", "v2"):
            name = f"release {version}, role"
            self.note(name, lambda version=version: self.role(f"app:{version}"))
        self.empty()
        ledger = str(self.folder / "ledger.db")
        for version in ("v1", "v2"):
            name = f"release {version}, role with a ledger"
            recorded = {"release_ledger": ledger}
            self.note(name, lambda v=version, recorded=recorded: self.role(f"app:{v}", **recorded))
        self.empty()

    def _round_of_sealing(self):
        for name in ("library", "in-library", "in-root"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self.note("by hand: tar to zstd -3, and sha256sum", self.seal_by_hand)
        for name in ("seal", "seal_next", "pack", "pack_next", "first", "next", "verify", "back"):
            self.note(f"in one process: {name}", lambda name=name: self.in_process(name))
        self.note("one ping, local", lambda: self.play(PING, "localhost,"))
        self.note("seal by playbook", lambda: self.seal("v1"))
        self.seal("v2")

    def once(self):
        """Measure what does not change from round to round; return the bytes of the next pack."""
        with_c = {"ANSIBLE_SSH_ARGS": f"-C {SSH}"}
        self.deploy("release: app:v1")
        self.note("a call, compressed", lambda: self.deploy("release: app:v1", **with_c))
        self.empty()
        return self.in_process("bytes_of_next")["said"]

    def growth(self, counts):
        """Return {hosts: (O, first release with its pack made)} for each of *counts*."""
        found = {}
        for count in counts:
            self._write_inventory(count)
            self.empty()
            shutil.rmtree(self.folder / "cache", ignore_errors=True)
            ping = self._meter.cost(lambda: self.play(PING))
            first = self._meter.cost(lambda: self.deploy("release: app:v1"))
            cpu = first.controller_cpu * len(self.hosts) / count
            first = first._replace(controller_cpu=cpu)
            found[count] = (ping, first, len(list((self.folder / "cache").rglob("[!.]*-none-*"))))
        self._write_inventory()
        self.empty()
        return found

    def memory(self, sizes):
        """Return {megabytes: {operation: bytes}} for a release of one file of each of *sizes*."""
        found = {}
        for megabytes in sizes:
            with tempfile.TemporaryDirectory(dir=self.folder) as name:
                folder = Path(name)
                trees.make_big(folder / "v1", megabytes)
                (folder / "v1/release.yml").write_text(
                    (folder / "v1/release.yml").read_text().replace('"big"', '"v1"')
                )
                found[megabytes] = {
                    what: self.in_process(what, folder)["memory"]
                    for what in ("seal", "pack", "first", "verify")
                }
        return found

    def note(self, name, act):
        """Do act() and keep what it cost; what it returns may stand for that."""
        said = []
        cost = self._meter.cost(lambda: said.append(act()))
        if isinstance(said[0], dict):
            cost = Cost(said[0]["seconds"], said[0]["cpu"], memory=said[0]["memory"])
        self.costs.setdefault(name, []).append(cost)

    def deploy(self, arguments, **environment):
        task = DEPLOYMENT.format(library=self.folder / "library") % arguments
        self.play(task, **environment)

    def two_steps(self, release):
        """Stage and go live by two tasks, as the role does."""
        task = DEPLOYMENT.format(library=self.folder / "library")
        steps = (task % f"release: '{release}', state: {state}" for state in ("staged", "live"))
        self.play("\n    - ".join(steps))

    def role(self, release="app:v2", **more):
        argv = ["itops.release.deploy", "-i", "inventory.json"]
        variables = {
            "deploy_root": ROOT,
            "deploy_release": release,
            "deploy_media_library": str(self.folder / "library"),
            **more,
        }
        self._playbook([*argv, "-e", json.dumps(variables)])

    def seal(self, version):
        task = (
            f"itops.release.release_package: {{src: {self.folder / version}, "
            f"media_library: {self.folder / 'library'}}}"
        )
        self.play(task, "localhost,")

    def play(self, task, inventory=None, **environment):
        """Run a playbook with the one *task*, with connections that nobody has opened before."""
        (self.folder / "play.yml").write_text(PLAY.format(task=task))
        python = f"ansible_python_interpreter={sys.executable}"
        connection = ["-c", "local", "-e", python] if inventory else []
        argv = ["-i", inventory or "inventory.json", *connection, "play.yml"]
        self._playbook(argv, **environment)

    def _playbook(self, argv, **environment):
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".dev"),
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_FORKS": str(len(self.hosts)),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": tempfile.mkdtemp(prefix="cp", dir=self.folder),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            **environment,
        }
        self._meter.run([str(BIN / "ansible-playbook"), *argv], env=environment)

    def in_process(self, operation, folder=None):
        """Do an operation without Ansible and SSH; return what it took."""
        script = Path(__file__).with_name("in_process.py")
        argv = [sys.executable, script, operation, folder or self.folder]
        done = subprocess.run(argv, stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)

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
                self._meter.run([*argv, f"root@{host.address}", command], stdin=stream)

    def seal_by_hand(self):
        self._shell(
            "tar -C v1/src -cf - . | zstd -q -3 >/dev/null; "
            "find v1/src -type f -print0 | xargs -0 sha256sum >/dev/null"
        )

    def empty(self):
        for host in self.hosts:
            self._fleet.run(host, ["rm", "-rf", ROOT])

    def _write_inventory(self, count=None):
        inventory = self._fleet.inventory(self.hosts[:count])
        (self.folder / "inventory.json").write_text(json.dumps(inventory))
        (self.folder / "inventory.json").chmod(0o644)

    def _shell(self, command):
        self._meter.run(["sh", "-c", command])
