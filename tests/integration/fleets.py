# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet in one environment that nobody has to approve, to deploy plans to in waves."""

from __future__ import annotations

import os
import pwd

import yaml

from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger
from ansible_collections.itops.release.plugins.plugin_utils.registers import _register
from ansible_collections.itops.release.tests.integration.ansible_run import Controller
from ansible_collections.itops.release.tests.integration.applications import (
    live_version,
    read_state,
    seal_all,
    write_application,
)

USER = pwd.getpwuid(os.getuid()).pw_name
POLICY = {
    "format": 1,
    "people": {"ada": {"roles": ["release_manager"], "os_user": USER}},
    "environments": {"production": {"plan_required": False, "strength": "claimed"}},
}
# A host is well unless it has the file "sick", or "sick-VERSION" for the version that is live.
PROBE = (
    'test ! -e "$1/sick" && v=$(cat "$1/shop/current/version" 2>/dev/null);'
    ' test ! -e "$1/sick" -a ! -e "$1/sick-$v"'
)


def seal_versions(directory, sockets, versions=("1.0.0", "2.0.0", "3.0.0")):
    """Return a media library with shop in these *versions*."""
    made = [
        write_application(directory / version, {"version": version}, version, number)
        for number, version in enumerate(versions, 1)
    ]
    seal_all(Controller(directory / "controller", sockets), directory / "media", made)
    return directory / "media"


def end_of(run, task="End the run"):
    """Return why a run ended badly, as its last task said it."""
    return run.result(task)["msg"]


class FleetOfShop:
    """Hosts that plans are deployed to; ``plan`` and ``settings`` may be changed by a test."""

    def __init__(self, hosts, inventory, controller, library, folder, **variables):
        self.hosts, self.folder, self.controller = hosts, folder, controller
        self._inventory = inventory
        self.names = [host.name for host in hosts]
        self.place = str(folder / "ledger.db")
        self.settings = {
            "deploy_root": "{{ srv }}/shop",
            "deploy_media_library": str(library),
            "deploy_probe": {"command": ["sh", "-c", PROBE, "sh", "{{ srv }}"], "retries": 0},
            "release_ledger": self.place,
            "release_policy": str(folder / "policy.yml"),
            "release_approvals": str(folder / "approvals"),
            **variables,
        }
        self.inventory = self.written()
        self.write(policy=POLICY)
        self.step = {"environment": "production", "hosts": "production"}

    def written(self, hosts=None, **variables):
        """Return an inventory with other *variables*."""
        hosts = hosts or self.hosts
        groups = {"production": [host.name for host in hosts]}
        return self._inventory(hosts, groups, **{**self.settings, **variables})

    def write(self, **files):
        """Write files by their name without .yml."""
        for name, content in files.items():
            text = yaml.safe_dump(content, sort_keys=False)
            (self.folder / f"{name}.yml").write_text(text)

    def plan(self, version, name=None, on_failure="back_out", **step):
        """Write a plan that brings *version* to all hosts; return its path."""
        name = name or f"shop-{version}"
        self.write(
            **{
                name: {
                    "format": 1,
                    "plan": name,
                    "author": "ada",
                    "release": f"shop:{version}",
                    "why": "A test",
                    "change": "normal",
                    "path": [{**self.step, **step}],
                    "on_failure": on_failure,
                }
            }
        )
        return str(self.folder / f"{name}.yml")

    def run(self, playbook, *, inventory=None, check=False, limit=None, **variables):
        return self.controller.run(
            f"itops.release.{playbook}",
            inventory or self.inventory,
            check=check,
            limit=limit,
            extra_vars=variables,
            env={"HOME": str(self.folder)},
        )

    def start(self, playbook, **variables):
        """Begin a run; return it while it goes on."""
        return self.controller.start(
            f"itops.release.{playbook}",
            self.inventory,
            extra_vars=variables,
            env={"HOME": str(self.folder)},
        )

    def begin_with(self, version):
        """Deploy *version* without a plan."""
        run = self.run("deploy", deploy_release=f"shop:{version}")
        assert run.rc == 0, run.output

    def propose(self, version, **options):
        plan = self.plan(version, **options)
        run = self.run("plan", release_plan=plan)
        assert run.rc == 0, run.output
        return plan

    def deploy(self, plan, **options):
        return self.run("deploy", release_plan=plan, release_env="production", **options)

    def live(self):
        """Return the version that is live on each host, None for nothing."""
        return [
            live_version(host) if (host.seen / "shop/current").is_symlink() else None
            for host in self.hosts
        ]

    def on_trial(self):
        return [host.name for host in self.hosts if read_state(host).get("trial")]

    def make_sick(self, host, version):
        (host.seen / f"sick-{version}").touch()

    def make_well(self, host, version):
        (host.seen / f"sick-{version}").unlink()

    def runs(self):
        """Return act and verdict of all runs on record, in their order."""
        rows = Ledger(self.place).rows("runs", "began", "sequence")
        return [(row["act"], row["verdict"]) for row in rows]

    def recorded(self):
        """Return the version that the ledger has for each host."""
        rows = {row["host"]: row["version"] for row in Ledger(self.place).rows("deployments")}
        return [rows.get(name) for name in self.names]

    def issues(self):
        return _register.of_ledger(Ledger(self.place))
