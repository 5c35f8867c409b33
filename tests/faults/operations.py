# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operation on a host: what is there before, what is asked, and what must be true afterwards.

A sweep breaks the one process that an operation is, in a copy of the folder that is made here.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from dataclasses import dataclass, field

from ansible_collections.itops.release.plugins.module_utils.deployment import _trial
from ansible_collections.itops.release.plugins.module_utils.release import _manifest
from ansible_collections.itops.release.plugins.module_utils.root import (
    _claim,
    _directory,
    _history,
    _state,
)
from ansible_collections.itops.release.tests.fakes.estate import Host, write_tree

VERSIONS = ("1", "2", "3", "4", "5")
LINKS = ["etc/conf", "log/"]
SHARED = {  # its owner may be anybody
    "etc": (stat.S_IFDIR | 0o755, None),
    "etc/conf": (stat.S_IFREG | 0o644, b"as delivered"),
    "log": (stat.S_IFDIR | 0o755, None),
}
RULES = {"private": ("secret",), "writable": ("var/db",)}
# Only root can give files away.
OWNER = {"owner": "daemon", "group": "daemon"} if os.geteuid() == 0 else {}
FOREIGN, OLDER_FOREIGN = "20150120114500", "20141231000000"  # as Capistrano and others name them
FOREIGN_FILES = {"app*": "laid out by another tool", "log@": "../../shared/log"}
NOTHING = object()  # what a host has where no ``current`` is
DAMAGED = object()  # the live release as it was found


def files(version, more=0):
    """Return the files of a release, as ``write_tree`` takes them, and *more* of them."""
    found = {
        "app*": f"version {version}",
        "lib/common": "the same in all",
        f"lib/only{version}": version,
        "secret": f"key {version}",
        "var/db": "as delivered",
        "etc/conf": "as delivered",
        "empty": "",
        "data/": "",
        "latest@": "app",
    }
    for number in range(more):
        found[f"more/{number % 4}/{number}"] = f"{number} {version if number % 3 else ''}" * 50
    return found


def look(tree):
    """Return what a release is made of: ``{path: (mode, owner, group, content or target)}``.

    It is {} where there is none.
    """
    found = {}
    for path in sorted(tree.rglob("*")):
        status = path.lstat()
        content = None
        if stat.S_ISLNK(status.st_mode):
            content = os.readlink(path)
        elif stat.S_ISREG(status.st_mode):
            content = path.read_bytes()
        found[str(path.relative_to(tree))] = (status.st_mode, status.st_uid, status.st_gid, content)
    return found


def lay_out_foreign(root, link):
    """Lay out below *root* what another tool would, ``current`` leading to *link*."""
    for name in (OLDER_FOREIGN, FOREIGN):
        write_tree(root / "releases" / name, FOREIGN_FILES)
    (root / "shared/log").mkdir(parents=True)
    os.symlink(link.format(root=root), root / "current")


def unneeded(host):
    """Return the names of manifests and contents that no release on a Host needs."""
    with _directory.opened(str(host.root)) as root:
        digests = {record.digest for record in root.read_state().trees.values()}
        found = root.names("manifests") - digests
        there = filter(None, (root.read_manifest(digest) for digest in digests - found))
        needed = {content for manifest in there for content in _manifest.contents(manifest)}
    kept = (host.root / ".release/objects").glob("*/*")
    return sorted(found) + sorted(path.name for path in kept if path.stem not in needed)


def remembered(host):
    """Return what a root remembers that decides what is live, and what the way back is."""
    state = host.state
    if state.current != host.current or state.switching:
        return f"the state says {state.current}, and {host.current} is live"
    return {"live": state.live, "trial": state.trial, "good": state.good, "bad": [*state.bad]}


UNUSED = {"live": None, "trial": None, "good": [], "bad": []}


def made_live(version):
    """Return the name of the run that made *version* live before an operation."""
    return f"the run of {version}"


def job_of(request):
    """Return the text of the driver's job that is *request*."""
    told, secret = request.to_plain()
    return json.dumps({"request": {**told, **secret}})


@dataclass(frozen=True)
class Operation:
    """One call to a host.

    *before* are the versions that were made live one after the other; *wanted* the one asked for,
    None for the previous one; *old*, *new*: what is live before and after, and *tried* between;
    *back*: the way back after it; *stay*: what is whole at any time; *sent*: whether the pack is
    there already; *damage* is done to the link of the live tree; *layout* is what ``current`` of
    another tool leads to, with {root}.
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
    layout: str | None = None
    fails: bool = False  # its trial does, each time
    thorough: bool = False  # more of its points are swept where they are sampled
    removed_next: str | None = None  # what another run removes before it is asked for again

    def prepare(self, bench, folder):
        """Make the root below *folder* and the file ``job``: what the driver is to do with it."""
        labels = bench.labels
        host = Host(bench.estate, folder / "srv", self.options(folder))
        actor = host.run
        (folder / "tmp").mkdir()
        if self.layout:
            lay_out_foreign(host.root, self.layout)
            host.params["adopt"] = True
        found = self.params.get("found", ())
        for version in self.before:
            host.run = made_live(version)
            self._note(host)
            host.deploy(labels[version], seed=True, linked_paths=LINKS, verify=False)
        for _time in range(found.count("rolled back")):
            host.run = "a rollback"
            self._note(host)
            host.deploy(None)
        if "on trial" in found:
            host.run = made_live(self.old)
            self._note(host)
            host.deploy(labels[self.old], seed=True, linked_paths=LINKS, commit=False)
        host.run = actor
        if "staged" in found:
            host.deploy(labels[self.wanted], state="staged", seed=True, linked_paths=LINKS)
        if self.damage:
            self.damage(host.root / "current")
        label = labels[self.wanted] if self.wanted else None
        request = host.request(label, **self.asked(folder))
        if self.sent:
            request = host.supply(request, host.answer(request).need)
        (folder / "job").write_text(job_of(request))

    def _note(self, host):
        """Write down what a root remembers, if the run that comes is the one to be undone."""
        if host.run == self.params.get("run"):
            before = remembered(host) if (host.root / ".release").exists() else None
            (host.root.parent / "before").write_text(json.dumps(before))

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
            asked["probe"] = {"command": command}
        return {"linked_paths": LINKS, "seed": True, **asked}

    def problems(self, bench, folder, expected, answered=False):
        """Return what is not as promised after a process that was broken, and after a re-run.

        *expected* is ``{version: what look() finds}``. With *answered*, the process had said that
        all is done, so that the first re-run changes nothing either.
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
            if (again or answered) and changed:
                found.append(f"re-run {again + 1} changes something")
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
        found += self._lost(host, expected) + self._spoilt(host)
        try:
            with _directory.opened(str(host.root)) as root:
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

    @staticmethod
    def _spoilt(host, needed=False):
        """Return what is in ``shared`` and not as it was brought there, or *needed* and missing."""
        shared = host.root / "shared"
        there = {name for name in SHARED if needed or (shared / name).exists()}
        return [
            f"shared/{name} is {look(shared).get(name)}"
            for name in sorted(there)
            if look(shared).get(name, ())[::3] != SHARED[name]
        ]

    def _rerun(self, host, labels, folder):
        """Ask for the same again, as another run does; return whether that changed anything."""
        host.params = {**self.options(folder), **self.asked(folder)}
        version = self.wanted
        if version is None and self.new in labels and "state" not in self.params:
            version = self.new
        label = labels[version] if version else None
        takeover = None
        for _chance in range(2):
            try:
                return host.deploy(label, takeover=takeover)["changed"]
            except _claim.LeaseHeld as error:
                if "on trial" not in str(error):
                    raise
                takeover = error.lease.run  # as the controller does, of a run that is over
            except _trial.PutBack:
                if not self.fails:
                    raise
                return False
        raise AssertionError(f"{takeover} cannot be taken over")

    @staticmethod
    def _left(host):
        """Return what should have gone with all releases of ours."""
        left = {path.name for path in host.root.iterdir()} if host.root.exists() else set()
        if "releases" in left and set(host.trees) == {FOREIGN, OLDER_FOREIGN}:
            left.discard("releases")
        return [f"{name} is left" for name in left - {"shared"}]

    def _settled(self, host, expected):
        found = self._lost(host, expected) + self._spoilt(host, self.new is not NOTHING)
        if look(host.root / "current") != expected[self.new]:
            found.append(f"{host.current} is live")
        if self.new is NOTHING and self.params.get("state") == "absent":
            return found + self._left(host)
        if host.state.trial or host.state.switching:
            found.append("the trial goes on")
        unknown = set(host.trees) - {FOREIGN, OLDER_FOREIGN} - set(host.state.trees)
        found += [f"{tree} is not known" for tree in unknown]
        if self.params.get("state") == "absent":
            found += [f"{name} is not needed" for name in unneeded(host)]
        restarts = host.root.parent / "restarts"
        runs = restarts.read_text().split()[-1] if restarts.exists() else "nothing"
        if host.current and runs != f"releases/{host.current}":
            found.append(f"the service runs {runs}")
        before = host.root.parent / "before"
        if before.exists() and remembered(host) != (json.loads(before.read_text()) or UNUSED):
            found.append(f"the state is {remembered(host)}, not as before {before.read_text()}")
        if self.back:
            meant = _state.previous_release(host.state)
            versions = {item.digest: item.version for item in host.state.trees.values()}
            if versions.get(meant) != self.back:
                found.append(f"the way back leads to {versions.get(meant)}")
        return found
