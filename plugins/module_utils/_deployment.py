# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's side of a deployment: stage, switch, try, accept, put back, remove, clean.

One order of writes everywhere: whatever gets a final name is whole, verified and on its medium
before, and ``current`` is replaced in one step. A process that ends at any point leaves the old
or the new release live, and the next run settles what it finds.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
from typing import NamedTuple, Optional, Tuple

from . import _codec, _durable, _manifest, _objects, _pack, _root, _service, _state, _tree


class DeploymentError(ValueError):
    """A deployment cannot be done as asked; its text is one line."""


class Overtaken(DeploymentError):
    """Another run has claimed the root since; this one writes nothing more."""


class Damaged(DeploymentError):
    """Contents that should be here are not whole: they must be sent again."""


class PutBack(DeploymentError):
    """A release failed its trial, and the host is back on the one before."""


class Release(NamedTuple):
    """A release as the controller asks for it, with the paths linked to ``shared/``."""

    digest: str
    name: str
    version: str
    serial: int
    links: Tuple[str, ...] = ()


class Deployment:
    """One run's work on a root: it claims the root first, and gives up when it is overtaken.

    *run* names the run for people; *now* returns the time as text; both go into the records.
    """

    def __init__(self, root, run, now, lock_timeout, runtime_paths=()):
        self.root = root
        self._run = run
        self._now = now
        self._lock_timeout = lock_timeout
        self._runtime_paths = tuple(runtime_paths)
        self._token = None
        self._verified = set()  # trees that this process has built or looked through

    def claim(self, access):
        """Take the next token, settle what a killed run left, and return the State.

        *access* is what the root's files shall have, or None for what is recorded.
        """
        with self.root.locked(self._lock_timeout, self._run):
            state = self.root.read_state()
            check_owner(self.root.path, state, access)
            if access and state.access is None:
                state.access = access._asdict()
            if settle(self.root, state, self._now()):
                self._record("settled", state.current, None)
            state.token += 1
            state.run = {"name": self._run, "pid": os.getpid()}
            self.root.write_state(state)
            self._token = state.token
        return state

    def stage(self, release, stream):
        """Make the tree of *release* from the pack in *stream*; return its name in ``releases``.

        Raises Damaged when the contents held here are not what the pack builds upon.
        """
        header = _pack.read_header(stream)
        base = self.root.read_manifest(header.base) if header.base else None
        if header.release != release.digest:
            raise _pack.PackError("the pack brings another release than was asked for")
        if header.base and base is None:
            raise Damaged("the manifest of the release held here is damaged")
        with contextlib.ExitStack() as stack, self._unless_overtaken():
            staging = self._own_staging(stack)
            store = self._folder(stack, "objects")
            scratch = self._subfolder(stack, staging, "objects")
            access = _tree.Access(**self.root.read_state().access)
            objects = _objects.Objects(store, scratch, access)
            with _codec.reader(header.codec, stream) as read_bytes:
                manifest, data = _pack.read(
                    read_bytes, header, release.digest, base, lambda m: _adder(objects, m)
                )
            if manifest[:3] != (release.name, release.version, release.serial):
                raise DeploymentError("the release sent is not %s %s" % release[1:3])
            self._build(staging, _tree.expected(manifest, release.links), access, objects)
            manifests = self._folder(stack, "manifests")
            _durable.write_file(manifests, release.digest, data)
            _durable.barrier(staging)
            tree = self._publish(release, staging, objects)
        self._verified.add(tree)
        return tree

    def activate(self, tree):
        """Verify *tree*, unless this process built it, and point ``current`` to it: on trial."""
        self._verify(tree)
        self._check_shared(tree)
        with self._commit_point() as state:
            self._switch(state, tree)
            self._record("activated", tree, state.live)

    def try_out(self, restart, probe):
        """Restart the service if it was not since the switch, and probe it.

        When either fails, switch back, restart in the same way and raise PutBack.
        """
        state = self.root.read_state()
        try:
            if restart and not state.restarted:
                self._restart(restart)
            if probe:
                _service.probe(probe)
        except _service.ServiceError as error:
            self._put_back(restart, str(error))

    def accept(self):
        """Let the release that is on trial be the live and good one."""
        with self._commit_point() as state:
            if not state.trial:
                return
            state.live, state.trial = state.trial, None
            state.good = _state.accepted(state.good, state.trees[state.live]["digest"])
            self.root.write_state(state)
            self._record("accepted", state.live, None)

    def mark(self, digest, bad):
        """Mark a release as bad, so that nothing goes back to it, or as good again."""
        with self._commit_point() as state:
            if bad:
                state.bad[digest] = {"run": self._run, "at": self._now()}
            else:
                state.bad.pop(digest, None)
            self.root.write_state(state)
            self._record("marked bad" if bad else "marked good", digest, None)

    def clean(self, trees):
        """Remove *trees*, and the manifests and contents that no other tree needs."""
        if not trees:
            return
        with contextlib.ExitStack() as stack:
            staging = self._own_staging(stack)
            with self._commit_point() as state:
                self.root.read_current(state)  # where it cannot be read, nothing is removed
                self._take_away(stack, state, trees, staging)
                self.root.write_state(state)
                self._record("removed", " ".join(trees), None)
                self._drop_unused(stack, state)

    def remove_all(self, purge_shared):
        """Remove everything of ours from the root, ``current`` first, the state last."""
        top = self.root.descriptor
        with contextlib.ExitStack() as stack:
            staging = self._own_staging(stack)
            with self._commit_point() as state:
                if self.root.read_current(state):
                    _durable.remove_file(top, "current")
                    os.fsync(top)
                self._take_away(stack, state, list(state.trees), staging)
                self.root.write_state(_state.State(state.token, state.run, state.uid, state.access))
                self._record("removed", "everything", None)
        for folder in ("objects", "manifests", "staging", "drop"):
            _tree.remove(self.root.ours, folder)
        _remove_if_empty(top, "releases")
        if purge_shared:
            _tree.remove(top, "shared")
        _remove_if_empty(top, "shared")
        _tree.remove(top, _root.OURS)
        _remove_if_empty(None, self.root.path)

    def _take_away(self, stack, state, trees, staging):
        """Move *trees* out of ``releases``, where a name is always a whole release."""
        releases = self._folder(stack, "releases")
        for tree in trees:
            with contextlib.suppress(FileNotFoundError):
                os.rename(tree, tree, src_dir_fd=releases, dst_dir_fd=staging)
            state.trees.pop(tree, None)  # one that somebody else removed is settled already
        os.fsync(releases)

    def _switch(self, state, tree):
        """Point ``current`` to *tree* (None: to nothing), inside a commit point."""
        self.root.read_current(state)  # refuses what is not ours
        state.switching = {"to": tree}
        self.root.write_state(state)
        if tree:
            _durable.replace_link(self.root.descriptor, "current", "releases/" + tree)
        else:
            _durable.remove_file(self.root.descriptor, "current")
            os.fsync(self.root.descriptor)
        _note_switch(state, tree, self._now())
        state.switching = None
        self.root.write_state(state)

    def _restart(self, command):
        _service.restart(command)
        with self._commit_point() as state:
            state.restarted = True
            self.root.write_state(state)

    def _put_back(self, restart, reason):
        with self._commit_point() as state:
            if not state.trial:
                raise DeploymentError("%s; nothing was on trial, so nothing was put back" % reason)
            failed, back = state.trees[state.trial]["version"], _state.describe(state, state.live)
            self._switch(state, state.live)
            self._record("put back", state.live, failed)
        outcome = "back on %s" % back["version"] if back else "nothing is live, as before"
        if restart:
            try:
                self._restart(restart)
            except _service.ServiceError as error:
                # Without an earlier release there is nothing to start: it was stopped, then.
                if back:
                    outcome += ", but its %s" % error
        raise PutBack("%s: %s; %s" % (failed, reason, outcome))

    def _verify(self, tree):
        if tree in self._verified:
            return
        state = self.root.read_state()
        drift, _runtime = look_through(self.root, state, tree, self._runtime_paths)
        if drift:
            raise Damaged("%s differs from what was sealed: %s" % (tree, name_drift(drift)))
        self._verified.add(tree)

    def _check_shared(self, tree):
        """Make the shared directories that *tree* links to; refuse where a file is missing."""
        state = self.root.read_state()
        with contextlib.ExitStack() as stack:
            shared = self._folder(stack, "shared")
            for link in state.trees[tree]["links"]:
                if link.endswith("/"):
                    access = _tree.Access(**state.access)
                    self._make_shared(shared, link.rstrip("/"), access)
                elif not _exists(shared, link):
                    raise DeploymentError(
                        "%s/shared/%s does not exist: put it there first, or write %s/ for a "
                        "directory" % (self.root.path, link, link)
                    )

    @staticmethod
    def _make_shared(shared, path, access):
        names = path.split("/")
        for depth in range(1, len(names) + 1):
            part = "/".join(names[:depth])
            if not _exists(shared, part):
                parent = _root.open_directory(shared, "/".join(names[: depth - 1]) or ".")
                try:
                    _tree.make_directory(parent, names[depth - 1], access, lambda descriptor: None)
                finally:
                    os.close(parent)

    def _build(self, staging, entries, access, objects):
        try:
            _tree.build(staging, "tree", entries, access, objects)
        except FileNotFoundError as error:
            raise Damaged("content held here: %s" % error) from None
        drift, _runtime = _tree.verify(staging, "tree", entries, access, (), objects.trusted)
        if drift:
            raise Damaged("contents held here are damaged: %s" % name_drift(drift))

    def _publish(self, release, staging, objects):
        """Give the staged tree its name, recorded first so that no tree is there unknown."""
        with self._commit_point() as state, contextlib.ExitStack() as stack:
            objects.publish()
            releases = self._folder(stack, "releases")
            tree = free_name(self.root, _manifest.tree_name(release.version, release.digest))
            state.trees[tree] = {
                "name": release.name,
                "version": release.version,
                "serial": release.serial,
                "digest": release.digest,
                "links": list(release.links),
                "token": self._token,
            }
            self.root.write_state(state)
            os.rename("tree", tree, src_dir_fd=staging, dst_dir_fd=releases)
            os.fsync(releases)
            self._record("staged", tree, None)
        return tree

    def _drop_unused(self, stack, state):
        """Remove manifests and contents that no recorded tree needs, inside a commit point."""
        wanted = {record["digest"] for record in state.trees.values()}
        folder = self._folder(stack, "manifests")
        for name in set(os.listdir(folder)) - wanted:
            _durable.remove_file(folder, name)
        needed = set()
        for digest in wanted:
            manifest = self.root.read_manifest(digest)
            if manifest is None:
                return  # what it needs cannot be known, so all contents stay
            needed.update(_manifest.contents(manifest))
        store = self._folder(stack, "objects")
        for prefix in os.listdir(store):
            below = self._subfolder(stack, store, prefix)
            for name in os.listdir(below):
                if name.partition(".")[0] not in needed:
                    _durable.remove_file(below, name)

    @contextlib.contextmanager
    def _commit_point(self):
        """Hold the lock and give the State, once it is sure that no other run has taken over."""
        with self.root.locked(self._lock_timeout, self._run):
            state = self.root.read_state()
            self._check_token(state)
            yield state

    @contextlib.contextmanager
    def _unless_overtaken(self):
        """Tell an overtaken run by its name: whoever took over has cleared its staging."""
        try:
            yield
        except (OSError, Damaged):
            self._check_token(self.root.read_state())
            raise

    def _check_token(self, state):
        if state.token != self._token:
            raise Overtaken(
                "%s was taken over by %s; this run stopped"
                % (self.root.path, state.run.get("name", "another run"))
            )

    def _own_staging(self, stack):
        """Give an empty folder for this run's token; what earlier runs left there is removed."""
        self._check_token(self.root.read_state())
        staging = self._folder(stack, "staging")
        for name in os.listdir(staging):
            if not (name.isdigit() and int(name) > self._token):
                _tree.remove(staging, name)
        name = str(self._token)
        os.mkdir(name, 0o700, dir_fd=staging)
        stack.callback(_discard, staging, name)
        return self._subfolder(stack, staging, name, make=False)

    def _folder(self, stack, name):
        descriptor = self.root.folder(name)
        stack.callback(os.close, descriptor)
        return descriptor

    def _subfolder(self, stack, parent, name, make=True):
        if make:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=parent)
        descriptor = _root.open_directory(parent, name)
        stack.callback(os.close, descriptor)
        return descriptor

    def _record(self, event, tree, other):
        self.root.append_history(
            {"at": self._now(), "run": self._run, "event": event, "tree": tree, "from": other}
        )


def check_owner(path, state, access):
    """Raise DeploymentError unless this user writes the root, and *access*, if any, is its own."""
    if state.token and state.uid != os.geteuid():
        raise DeploymentError(
            "%s is written by %s; this run is %s: become that user"
            % (path, user_name(state.uid), user_name(os.geteuid()))
        )
    if access and state.access not in (None, access._asdict()):
        raise DeploymentError(
            "%s has owner, group and access %s; %s was asked for: remove the deployment first"
            % (path, _spell(state.access), _spell(access._asdict()))
        )


def settle(root, state, now):
    """Bring *state* in line with what a killed run really did; tell whether that had switched."""
    for tree in set(state.trees) - root.existing_trees(state):
        if tree not in (state.live, state.trial):
            del state.trees[tree]
    switching, state.switching = state.switching, None
    if not switching or root.read_current(state) != switching["to"]:
        return False
    _note_switch(state, switching["to"], now)
    return True


def look_through(root, state, tree, runtime_paths):
    """Return the drift of *tree* and its runtime paths, against the manifest it was staged from."""
    record = state.trees[tree]
    manifest = root.read_manifest(record["digest"])
    if manifest is None:
        return [_tree.Drift(".release/manifests/" + record["digest"], "missing")], []
    entries = _tree.expected(manifest, record["links"])
    releases = root.folder("releases")
    try:
        access = _tree.Access(**state.access)
        return _tree.verify(releases, tree, entries, access, runtime_paths)
    finally:
        os.close(releases)


def name_drift(drift, most=5):
    """Return the first of *drift* in words, and how many more there are."""
    words = ", ".join("%s %s" % (item.change, item.path) for item in drift[:most])
    return words + (" and %d more" % (len(drift) - most) if len(drift) > most else "")


def _adder(objects, manifest):
    """Return what keeps a pack's contents, each with the exec bits it is needed with."""
    executables = {}
    for component in manifest.components:
        for entry in component.entries:
            if entry.type == "file":
                executables.setdefault(entry.sha256, set()).add(entry.exec)
    return lambda sha256, size, chunks: objects.add(sha256, size, chunks, executables[sha256])


def _discard(staging, name):
    """Remove what is left in staging; where that fails, the next run does it."""
    with contextlib.suppress(OSError):
        _tree.remove(staging, name)


def free_name(root, name):
    """Return *name* or, where ``releases`` has that, the first of ``name.2``, ``name.3`` …"""
    releases = root.folder("releases")
    try:
        taken = set(os.listdir(releases))
    finally:
        os.close(releases)
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = "%s.%d" % (name, number)
    return candidate


def _note_switch(state, tree, now):
    state.trial = None if tree == state.live else tree
    state.restarted = False
    state.since = now


def _exists(directory, path):
    try:
        os.stat(path, dir_fd=directory)
    except FileNotFoundError:
        return False
    return True


def _remove_if_empty(directory: Optional[int], name):
    with contextlib.suppress(OSError):
        os.rmdir(name, dir_fd=directory)


def user_name(uid):
    """Return the name of the user *uid*, or the number of one that has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return "uid %d" % uid


def _spell(access):
    try:
        group = grp.getgrgid(access["gid"]).gr_name
    except KeyError:
        group = "gid %d" % access["gid"]
    return "%s, %s, %s" % (user_name(access["uid"]), group, access["access"])
