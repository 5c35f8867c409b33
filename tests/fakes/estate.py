# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application's releases, their media library and a host, all below one folder, for tests.

Everything is done by the collection's own code: only Ansible and the connection are left out.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import pathlib
import stat
from dataclasses import dataclass, field, replace

from ansible_collections.itops.release.plugins.module_utils.deployment import (
    _answer,
    _host_call,
    _request,
)
from ansible_collections.itops.release.plugins.module_utils.files import _paths
from ansible_collections.itops.release.plugins.module_utils.options import _deployment
from ansible_collections.itops.release.plugins.module_utils.release import _manifest
from ansible_collections.itops.release.plugins.module_utils.root import (
    _directory,
    _inspection,
    _state,
)
from ansible_collections.itops.release.plugins.module_utils.tree import _layout
from ansible_collections.itops.release.plugins.plugin_utils.building import _sealing
from ansible_collections.itops.release.plugins.plugin_utils.definition import _release_file
from ansible_collections.itops.release.plugins.plugin_utils.deployment import _options, _packs
from ansible_collections.itops.release.plugins.plugin_utils.library import _store

RULES = {
    "include": ("**",),
    "exclude": (),
    "private": (),
    "writable": (),
    "case_sensitive": False,
}


def sha256(content):
    return hashlib.sha256(content.encode("utf-8")).hexdigest()


def file(path, content="", **flags):
    """Return the manifest's Entry of a file that holds the text *content*."""
    return _manifest.Entry(
        path, "file", size=len(content.encode("utf-8")), sha256=sha256(content), **flags
    )


def directory(path):
    return _manifest.Entry(path, "dir")


def link(path, target):
    return _manifest.Entry(path, "symlink", target=target)


def component(*entries, name="app", version="1", path="."):
    return _manifest.Component(name, version, "files", path, entries)


def manifest(*components, version="1", serial=1):
    return _manifest.Manifest("shop", version, serial, components)


def write_tree(folder, files):
    """Write *files* below *folder*: ``{"file": …, "script*": …, "dir/": "", "link@": target}``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name.rstrip("*/@")
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        elif name.endswith("@"):
            path.symlink_to(content)
        else:
            path.write_text(content, encoding="utf-8")
            path.chmod(0o755 if name.endswith("*") else 0o644)
    return folder


def probe_of(given):
    """Return a probe with all its options; it measures once, unless *given* says more."""
    defaults = {key: option.get("default") for key, option in _deployment.PROBE.items()}
    once = {} if "count" in given else {"retries": 0}
    return {**defaults, "interval": 0, **once, **given}


def snapshot(folder):
    """Return what is below *folder*: ``{path: (mode, inode, content or target)}``."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = None
        if stat.S_ISLNK(status.st_mode):
            content = os.readlink(path)
        elif stat.S_ISREG(status.st_mode):
            content = path.read_bytes()
        found[str(path.relative_to(folder))] = (status.st_mode, status.st_ino, content)
    return found


@dataclass
class Estate:
    """Everything of one application below *folder*."""

    folder: pathlib.Path
    serials: itertools.count = field(default_factory=lambda: itertools.count(1))

    @property
    def library(self):
        return _store.Library(str(self.folder / "library"))

    def declare(self, version, serial=None, **rules):
        """Return a ReleaseFile of one component with the given globs."""
        source = _release_file.ComponentSource(
            name="app",
            version=version,
            kind="files",
            source=".",
            path=".",
            **{**RULES, **rules},
        )
        number = next(self.serials) if serial is None else serial
        return _release_file.ReleaseFile("shop", version, number, (source,))

    def seal(self, version, files, serial=None, **rules):
        """Seal *files*, as ``write_tree`` takes them, and return the Label."""
        source = write_tree(self.folder / "sources" / version, files)
        return self.seal_folder(version, source, serial, **rules)

    def seal_folder(self, version, source, serial=None, **rules):
        """Seal all that is below the folder *source* and return the Label."""
        release = self.declare(version, serial, **rules)
        stored, _new = _sealing.seal(self.library, release, _sealing.pack_here(str(source)))
        return stored.label

    def host(self, **params):
        return Host(self, self.folder / "srv" / "shop", params)


@dataclass
class Host:
    """One host, and the controller's half of the module's dealings with it."""

    estate: Estate
    root: pathlib.Path
    params: dict
    calls: int = 0
    run: str = "the test's run"
    forward: bool = False  # whether releases are asked for by their names, not their digests
    sent: list = field(default_factory=list)
    clock: itertools.count = field(default_factory=lambda: itertools.count(1))

    def now(self):
        return f"2026-01-01T00:{next(self.clock):02d}:00Z"

    def deploy(self, label, check_mode=False, **params):
        """Do ``state: live``, or what *params* say; None stands for the previous release.

        Return the outcome; raises what the host refuses it by.
        """
        request = self.request(label, check=check_mode, **params)
        self.calls = 1
        answer = self.answer(request)
        again = False
        while not check_mode and answer.need:
            need = answer.need
            if again:  # that did not do, so everything is sent
                need = replace(need, resend=(), base=None, held=())
            again = bool(need.resend)
            request = self.supply(request, need)
            self.calls += 1
            answer = self.answer(request)
        if answer.need and not answer.outcome["after"]["name"]:
            wanted = self.estate.library.find("sha256:" + answer.need.digest)
            answer = self.answer(
                request.after(release=_state.Release(*wanted), links=answer.need.links)
            )
        return dict(answer.outcome)

    def request(self, label=None, check=False, **params):
        """Return the Request about the release of a Label, or the previous one, as the first is."""
        options = {**self.options(), **params}
        if options["probe"]:
            given = options["probe"]
            probes = [given] if isinstance(given, dict) else given
            options["probe"] = [probe_of(probe) for probe in probes]
        told = _options.Options.from_arguments(options, self.run, check, None, False)
        request = told.asks_for(_state.Release(*label) if label else None)
        return request.after(forward=bool(label) and self.forward)

    def answer(self, request):
        """Return what the host answers to *request*, over the wire; raises what it refuses by."""
        told, secret = request.to_plain()
        wire = json.loads(json.dumps({**told, **secret}))
        answer = _host_call.carry_out(_request.Request.from_plain(wire), self.now)
        return _answer.Answer.from_plain(json.loads(json.dumps(answer.to_plain())))

    def supply(self, request, need):
        """Send what the host needs; return the request that follows."""
        base = need.base or next(iter(need.held), None)
        self.send(need.upload_dir + "/pack", need.digest, base, need.resend)
        wanted = self.estate.library.find("sha256:" + need.digest)
        return request.after(
            release=_state.Release(*wanted),
            upload_dir=need.upload_dir,
            links=need.links,
            resend=need.resend,
            full_pack=base is None,
        )

    def send(self, path, digest, base, again=()):
        path = _paths.local(path)
        with open(path, "wb") as stream:
            _packs.write(stream, self.estate.library, digest, base, "gzip", again)
        self.sent.append(os.path.getsize(path))

    def options(self):
        defaults = {key: option.get("default") for key, option in _deployment.options().items()}
        return {**defaults, "root": str(self.root), "lock_timeout": 1, **self.params}

    @property
    def current(self):
        """The name of the tree that ``current`` leads to, or None where there is no such name."""
        try:
            return os.readlink(self.root / "current").rpartition("/")[2]
        except FileNotFoundError:
            return None

    def read(self, path):
        return (self.root / "current" / path).read_text("utf-8")

    @property
    def state(self):
        with _directory.opened(str(self.root)) as root:
            return root.read_state()

    @property
    def trees(self):
        return sorted(os.listdir(self.root / "releases"))

    def drift(self, tree=None, runtime_paths=("**/__pycache__",)):
        """Return how a tree, the current one by default, differs, as ``{path: change}``."""
        with _directory.opened(str(self.root)) as root:
            state = root.read_state()
            found, _runtime = _inspection.look_through(
                root, state, tree or self.current, runtime_paths
            )
        return sorted((item.path, item.change) for item in found)

    def tree_of(self, label):
        return _manifest.tree_name(label.version, label.digest)

    def damage(self, label, path, content="tampered"):
        """Change a file of a staged release behind its back: it and its object are one inode."""
        there = self.root / "releases" / self.tree_of(label) / path
        there.chmod(0o644)
        there.write_text(content)


def access(**changes):
    """Return the Access of the user who runs the tests."""
    return replace(_layout.Access(os.geteuid(), os.getegid(), "public"), **changes)
