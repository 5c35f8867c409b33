# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations on a host that are swept: what is there before, what is asked, what may be after.

A sweep breaks the one process that an operation is, in a copy of the folder that is made here.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from dataclasses import dataclass, field

from ansible_collections.itops.release.plugins.module_utils import (
    _claim,
    _history,
    _host_call,
    _root,
    _state,
    _trial,
)
from ansible_collections.itops.release.tests.unit.plugins.estate import Host

VERSIONS = ("1", "2", "3", "4", "5")
LINKS = ["etc/conf", "log/"]
RULES = {"private": ("secret",)}
NOTHING = object()  # what a host has where no ``current`` is
DAMAGED = object()  # the live release as it was found


def files(version, more=0):
    """Return the files of a release, as ``write_tree`` takes them, and *more* of them."""
    found = {
        "app*": f"version {version}",
        "lib/common": "the same in all",
        f"lib/only{version}": version,
        "secret": f"key {version}",
        "etc/conf": "as delivered",
        "empty": "",
        "data/": "",
        "latest@": "app",
    }
    for number in range(more):
        found[f"more/{number % 4}/{number}"] = f"{number} {version if number % 3 else ''}" * 50
    return found


def look(tree):
    """Return what a release is made of: ``{path: (mode, content or target)}``; {} where none is."""
    found = {}
    for path in sorted(tree.rglob("*")):
        status = path.lstat()
        content = None
        if stat.S_ISLNK(status.st_mode):
            content = os.readlink(path)
        elif stat.S_ISREG(status.st_mode):
            content = path.read_bytes()
        found[str(path.relative_to(tree))] = (status.st_mode, content)
    return found


@dataclass(frozen=True)
class Operation:
    """One call to a host.

    *before* are the versions that were made live one after the other; *wanted* the one asked for,
    None for the previous one; *old*, *new*: what is live before and after, and *tried* between;
    *back*: the way back after it; *stay*: what is whole at any time; *sent*: whether the pack is
    there already; *damage* is done to the live tree.
    """

    name: str
    before: tuple = ()
    wanted: str | None = None
    old: object = NOTHING
    new: object = NOTHING
    stay: tuple = ()
    back: str | None = None
    tried: str | None = None
    params: dict = field(default_factory=dict)
    sent: bool = False
    damage: object = None
    fails: bool = False  # its trial does, each time
    thorough: bool = False  # every point of it is swept also where the others are sampled
    removed_next: str | None = None  # what another run removes before it is asked for again

    def prepare(self, bench, folder):
        """Make the root below *folder* and the file ``job``: what the driver is to do with it."""
        labels = bench.labels
        host = Host(bench.estate, folder / "srv", self.options(folder))
        (folder / "tmp").mkdir()
        for version in self.before:
            host.deploy(labels[version], seed=True, linked_paths=LINKS, verify=False)
        if "staged" in self.params.get("found", ()):
            host.deploy(labels[self.wanted], state="staged", seed=True, linked_paths=LINKS)
        if self.damage:
            self.damage(host.root / "current")
        params = {**host.options(), **self.asked(folder)}
        label = labels[self.wanted] if self.wanted else None
        call = host.ask(label)
        if self.sent:
            call = host.supply(call, self.act(params)(params, call, host.now, False)["need"])
        job = {"act": self.act(params).__name__, "params": params, "call": call}
        (folder / "job").write_text(json.dumps(job))

    @staticmethod
    def act(params):
        """Return the function that the module would call."""
        if params["state"] == "absent":
            return _host_call.remove
        return _host_call.mark if params["mark"] else _host_call.bring

    @staticmethod
    def options(folder):
        """Return what all deployments of a host have in common."""
        restart = f"readlink {folder}/srv/current >>{folder}/restarts"
        return {"restart": ["/bin/sh", "-c", restart], "keep": 3, "lock_timeout": 5}

    def asked(self, folder):
        """Return the options of this operation alone."""
        asked = {key: value for key, value in self.params.items() if key != "found"}
        if asked.get("probe"):
            command = [word.format(root=folder / "srv") for word in asked["probe"]]
            asked["probe"] = {**PROBE, "command": command}
        return {"linked_paths": LINKS, "seed": True, **asked}

    def problems(self, bench, folder, expected):
        """Return what is not as promised after a process that was broken, and after a re-run.

        *expected* is ``{version: what look() finds}``.
        """
        host = Host(bench.estate, folder / "srv", self.options(folder), run="another run")
        found = self._after_the_fault(host, expected)
        if self.removed_next:
            with contextlib.suppress(_claim.DeploymentError):
                host.deploy(bench.labels[self.removed_next], state="absent")
            found += [f"then removed: {line}" for line in self._after_the_fault(host, expected)]
        for again in (False, True):
            try:
                changed = self._rerun(host, bench.labels, folder)
            except Exception as error:
                return [*found, f"re-run {again + 1}: {type(error).__name__}: {error}"]
            if again and changed:
                found.append("the second re-run changes something")
            found += [f"re-run {again + 1}: {line}" for line in self._settled(host, expected)]
        host.deploy(bench.labels["5"], state="staged", linked_paths=LINKS, seed=True)
        for name in ("staging", "drop"):
            left = os.listdir(host.root / ".release" / name)
            found += [f"{item} is left in {name}" for item in left]
        return found

    def claims_too_much(self, answer, folder, expected):
        """Return what is untrue of the *answer* of a call that did not fail."""
        asks = answer.get("need") or self.params.get("state") or self.params.get("mark")
        if not asks and look(folder / "srv/current") != expected[self.new]:
            return ["it says that all went well"]
        return []

    def _after_the_fault(self, host, expected):
        found = []
        is_live = look(host.root / "current")
        sides = [expected[side] for side in (self.old, self.new, self.tried) if side]
        if is_live not in sides or (not is_live and os.path.lexists(host.root / "current")):
            found.append(f"current leads to {host.current}, which is neither old nor new, whole")
        found += self._lost(host, expected)
        try:
            with _root.opened(str(host.root)) as root:
                if root:
                    root.read_state()
                    _history.read(root, 1000)
        except (OSError, ValueError) as error:
            found.append(f"state or history: {error}")
        return found

    def _lost(self, host, expected):
        """Return which trees are not as they were sealed, or not there although they stay."""
        trees = host.root / "releases"
        there = {path.name: look(path) for path in trees.iterdir()} if trees.is_dir() else {}
        whole = list(expected.values())
        found = [f"{name} is no whole release" for name, it in there.items() if it not in whole]
        kept = there.values()
        return found + [f"{side} is lost" for side in self.stay if expected[side] not in kept]

    def _rerun(self, host, labels, folder):
        """Ask for the same again, as another run does; return whether that changed anything."""
        host.params = {**self.options(folder), **self.asked(folder)}
        version = self.new if self.wanted is None and self.new in labels else self.wanted
        label = labels[version] if version else None
        takeover = None
        for _chance in range(2):
            try:
                return host.deploy(label, takeover=takeover)["changed"]
            except _claim.LeaseHeld as error:
                if "on trial" not in str(error):
                    raise
                takeover = error.lease["run"]  # as the controller does, of a run that is over
            except _trial.PutBack:
                if not self.fails:
                    raise
                return False
        raise AssertionError(f"{takeover} cannot be taken over")

    def _settled(self, host, expected):
        found = self._lost(host, expected)
        if look(host.root / "current") != expected[self.new]:
            found.append(f"{host.current} is live")
        if self.new is NOTHING:
            left = list(host.root.iterdir()) if host.root.exists() else []
            # An empty folder that could not be removed is in nobody's way.
            return found + [
                f"{path.name} is left"
                for path in left
                if path.name != "shared" and not (path.name == "releases" and not os.listdir(path))
            ]
        if host.state.trial or host.state.switching:
            found.append("the trial goes on")
        unknown = set(host.trees) - set(host.state.trees)
        found += [f"{tree} is not known" for tree in unknown]
        restarts = host.root.parent / "restarts"
        runs = restarts.read_text().split()[-1] if restarts.exists() else "nothing"
        if runs != f"releases/{host.current}":
            found.append(f"the service runs {runs}")
        if self.back:
            meant = _state.previous_release(host.state)
            versions = {item["digest"]: item["version"] for item in host.state.trees.values()}
            if versions.get(meant) != self.back:
                found.append(f"the way back leads to {versions.get(meant)}")
        return found


PROBE = {
    "url": None,
    "status": [200],
    "contains": None,
    "timeout": 5,
    "retries": 0,
    "interval": 0,
    "successes": 1,
}
WELL = ["/bin/sh", "-c", "test -s {root}/current/app"]
ILL = ["/bin/sh", "-c", "grep -q 'version 1' {root}/current/app"]


def lose_and_add(tree):
    """Do what can be mended from what the host holds."""
    (tree / "lib/common").unlink()
    (tree / "extra").write_text("not ours")


def tamper(tree):
    """Do what needs a pack: a file and the content that is kept of it are one."""
    (tree / "app").write_text("tampered")


ALL = (
    Operation("ask for a pack", ("1",), "2", old="1", new="2", stay=("1",), back="1"),
    Operation(
        "stage", ("1",), "2", "1", "1", ("1",), params={"state": "staged"}, sent=True, thorough=True
    ),
    Operation("first release", (), "1", new="1", sent=True),
    Operation(
        "replace",
        ("1",),
        "2",
        "1",
        "2",
        ("1",),
        back="1",
        params={"probe": WELL},
        sent=True,
        thorough=True,
    ),
    Operation(
        "put back",
        ("1",),
        "2",
        "1",
        "1",
        ("1",),
        tried="2",
        params={"probe": ILL},
        sent=True,
        fails=True,
    ),
    Operation(
        "roll back", ("1", "2"), None, "2", "1", ("1",), params={"probe": WELL}, thorough=True
    ),
    Operation(
        "mend",
        ("1", "2"),
        "2",
        DAMAGED,
        "2",
        ("1",),
        back="1",
        params={"verify": True},
        damage=lose_and_add,
    ),
    Operation(
        "mend by a pack",
        ("1", "2"),
        "2",
        DAMAGED,
        "2",
        ("1",),
        back="1",
        params={"verify": True},
        sent=True,
        damage=tamper,
    ),
    Operation(
        "clean",
        ("1", "2", "3"),
        "4",
        "3",
        "4",
        ("3",),
        back="3",
        params={"keep": 2, "found": ("staged",)},
    ),
    Operation(
        "remove one",
        ("1", "2", "3"),
        "1",
        "3",
        "3",
        ("2", "3"),
        back="2",
        params={"state": "absent"},
    ),
    Operation(
        "replace, then remove", ("1",), "2", "1", "2", ("1",), back="1", sent=True, removed_next="2"
    ),
    Operation("roll back, then remove", ("1", "2"), None, "2", "1", ("1",), removed_next="1"),
    Operation("remove all", ("1", "2"), None, "2", NOTHING, params={"state": "absent"}),
    Operation("mark bad", ("1", "2"), "1", "2", "2", ("1", "2"), params={"mark": "bad"}),
)
