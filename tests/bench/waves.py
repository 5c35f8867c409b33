# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What waves cost: a plan over SSH hosts in three waves beside the same in one, in turn.

.venv/bin/python tests/bench/waves.py --hosts 20 --rounds 3

And what it costs to decide after a wave, of pretended hosts with a real ledger and journal.
"""

from __future__ import annotations

import argparse
import json
import os
import pwd
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

sys.path.insert(0, str(CHECKOUT / ".dev"))

from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import (  # noqa: E402
    Ledger,
)
from ansible_collections.itops.release.tests.fakes import (  # noqa: E402
    simulated_run,
    simulated_stories,
)
from tests.hosts import Fleet  # noqa: E402 - the path comes first

BIN = Path(sys.executable).parent
USER = pwd.getpwuid(os.getuid()).pw_name
ONE, THREE = ["100%"], [1, "25%", "100%"]
BUDGET = 1.3  # three waves, by one wave
DECIDING_BUDGET = 50  # milliseconds to read the verdicts of a wave, record it, and decide
DECIDING_HOSTS = (20, 1000)
POLICY = {
    "format": 1,
    "people": {"ada": {"roles": ["release_manager"], "os_user": USER}},
    "environments": {"production": {"plan_required": False, "strength": "claimed"}},
}
COMPONENT = {"name": "app", "kind": "files", "source": "src"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--hosts", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(section(options.rounds, options.hosts))


def section(rounds, count=20):
    """Measure, and return the Markdown of all figures."""
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder, Fleet("waves") as fleet:
        bench = Bench(Path(folder), fleet, fleet.up(count, "tmpfs"))
        found = bench.measured(rounds)
    ratios = [three / one for one, three in zip(found["one"], found["three"], strict=True)]
    mark = "met" if statistics.median(ratios) <= BUDGET else "**missed**"
    load = f"{before:.1f} at the beginning and {os.getloadavg()[0]:.1f} at the end"
    return "\n".join(
        [
            f"## Waves over {count} hosts",
            "",
            f"{time.strftime('%Y-%m-%d')}, {rounds} rounds; load average {load}. Median (least to "
            "most).",
            "",
            "| | | |",
            "|---|---|---|",
            f"| one wave, seconds | {spread(found['one'])} | |",
            f"| waves {THREE}, seconds | {spread(found['three'])} | |",
            f"| three waves by one, budget {BUDGET} | {spread(ratios)} | {mark} |",
            *map(deciding, DECIDING_HOSTS),
            "",
        ]
    )


def deciding(hosts):
    """Return a row: how long the decision after each of six waves took, with files for a ledger."""
    taken = []
    waves = simulated_run._rolling_out

    def timed(*arguments, **more):
        start = time.perf_counter()
        result = decide(*arguments, **more)
        taken.append((time.perf_counter() - start) * 1000)
        return result

    decide, waves.switched = waves.switched, timed
    try:
        with tempfile.TemporaryDirectory() as folder:
            ledger = Ledger(f"{folder}/ledger.db")
            fleet = simulated_stories.quiet(hosts, ledger=ledger, folder=folder, waves=("17%",))
            verdict = simulated_run.Run(fleet).deploy()
    finally:
        waves.switched = decide
    if verdict != "done":
        sys.exit(f"bench: the pretended run ended as {verdict}")
    mark = "met" if statistics.median(taken) <= DECIDING_BUDGET else "**missed**"
    budget = f"budget {DECIDING_BUDGET} at {DECIDING_HOSTS[0]} hosts"
    shown = mark if hosts == DECIDING_HOSTS[0] else ""
    return f"| deciding after a wave of {hosts} hosts, ms, {budget} | {spread(taken)} | {shown} |"


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


class Bench:
    """Plans that bring one release after the other to the *hosts* of a *fleet*."""

    def __init__(self, folder, fleet, hosts):
        self.folder, self.hosts = folder, hosts
        inventory = fleet.inventory(hosts)
        names = [host.name for host in hosts]
        inventory["all"].setdefault("children", {})["production"] = {
            "hosts": {name: {} for name in names}
        }
        inventory["all"].setdefault("vars", {}).update(
            deploy_root="/srv/shop",
            deploy_media_library=str(folder / "library"),
            deploy_probe={"command": ["true"]},
            release_ledger=str(folder / "ledger.db"),
            release_policy=str(folder / "policy.yml"),
        )
        (folder / "inventory.json").write_text(json.dumps(inventory))
        (folder / "policy.yml").write_text(json.dumps(POLICY))

    def measured(self, rounds):
        """Return the seconds of deployments in one wave and in three, a list each."""
        found, serial = {"one": [], "three": []}, 0
        for number in range(rounds + 1):
            for name, waves in (("one", ONE), ("three", THREE)):
                serial += 1
                plan = self._planned(f"{serial}.0.0", serial, waves)
                start = time.monotonic()
                self._run("deploy", release_plan=plan, release_env="production")
                if number:  # the first round warms up
                    found[name].append(time.monotonic() - start)
        return found

    def _planned(self, version, serial, waves):
        """Seal a *version*, and propose the plan that brings it to all hosts in *waves*."""
        source = self.folder / version
        (source / "src").mkdir(parents=True)
        (source / "src/version").write_text(version)
        release = {"name": "shop", "version": version, "serial": serial, "components": [COMPONENT]}
        (source / "release.yml").write_text(json.dumps(release))
        self._seal(source)
        step = {"environment": "production", "hosts": "production", "waves": waves}
        plan = {
            "format": 1,
            "plan": f"shop-{version}",
            "author": "ada",
            "release": f"shop:{version}",
            "why": "Measure it",
            "change": "normal",
            "path": [step],
        }
        path = self.folder / f"{version}.yml"
        path.write_text(json.dumps(plan))
        self._run("plan", release_plan=str(path))
        return str(path)

    def _seal(self, source):
        task = {"src": str(source), "media_library": str(self.folder / "library")}
        play = [
            {
                "hosts": "localhost",
                "gather_facts": False,
                "tasks": [{"itops.release.release_package": task}],
            }
        ]
        (self.folder / "seal.json").write_text(json.dumps(play))
        self._ansible("seal.json", "-i", "localhost,", "-c", "local")

    def _run(self, playbook, **variables):
        arguments = ["-i", "inventory.json", "-e", json.dumps(variables)]
        self._ansible(f"itops.release.{playbook}", *arguments)

    def _ansible(self, *arguments):
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".dev"),
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_FORKS": str(len(self.hosts)),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.folder),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "HOME": str(self.folder),
        }
        done = subprocess.run(
            [str(BIN / "ansible-playbook"), *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"bench: {arguments[0]} failed:\n{done.stdout[-4000:]}")


if __name__ == "__main__":
    main()
