# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run's claim on a root: it holds a token, and gives up when another run took the next one."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd

from . import _drift, _root, _tree


class DeploymentError(ValueError):
    """A deployment cannot be done as asked; its text is one line."""


class Overtaken(DeploymentError):
    """Another run has claimed the root since; this one writes nothing more."""


class Claim:
    """One run's claim on *root*, and what every write of that run goes through.

    *run* names the run for people; *now* returns the time as text; both go into the records.
    """

    def __init__(self, root, run, now, lock_timeout):
        self.root = root
        self.run = run
        self.now = now
        self.token = None
        self._lock_timeout = lock_timeout

    def take(self, access):
        """Take the next token, settle what a killed run left, and return the State.

        *access* is what the root's files shall have, or None for what is recorded.
        """
        with self.root.locked(self._lock_timeout, self.run):
            state = self.root.read_state()
            check_owner(self.root.path, state, access)
            if access and state.access is None:
                state.access = access._asdict()
            if settle(self.root, state, self.now()):
                self.record("settled", state.current, None)
            state.token += 1
            state.run = {"name": self.run, "pid": os.getpid()}
            self.root.write_state(state)
            self.token = state.token
        return state

    @contextlib.contextmanager
    def commit_point(self):
        """Hold the lock and give the State, once it is sure that no other run has taken over."""
        with self.root.locked(self._lock_timeout, self.run):
            state = self.root.read_state()
            self._check_token(state)
            yield state

    @contextlib.contextmanager
    def unless_overtaken(self):
        """Tell an overtaken run by its name: whoever took over has cleared its staging."""
        try:
            yield
        except (OSError, _drift.Damaged):
            self._check_token(self.root.read_state())
            raise

    def staging(self, stack):
        """Give an empty folder for this run's token; what earlier runs left there is removed."""
        self._check_token(self.root.read_state())
        staging = self.folder(stack, "staging")
        for name in os.listdir(staging):
            if not (name.isdigit() and int(name) > self.token):
                _tree.remove(staging, name)
        name = str(self.token)
        os.mkdir(name, 0o700, dir_fd=staging)
        stack.callback(_discard, staging, name)
        return self.subfolder(stack, staging, name, make=False)

    def folder(self, stack, name):
        """Return a descriptor of one of the root's folders, closed with *stack*."""
        descriptor = self.root.folder(name)
        stack.callback(os.close, descriptor)
        return descriptor

    def subfolder(self, stack, parent, name, make=True):
        """Return a descriptor of the folder *name* in *parent*, made if need be."""
        if make:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=parent)
        descriptor = _root.open_directory(parent, name)
        stack.callback(os.close, descriptor)
        return descriptor

    def record(self, event, tree, other):
        """Add an event to the history."""
        self.root.append_history(
            {"at": self.now(), "run": self.run, "event": event, "tree": tree, "from": other}
        )

    def _check_token(self, state):
        if state.token != self.token:
            raise Overtaken(
                "%s was taken over by %s; this run stopped"
                % (self.root.path, state.run.get("name", "another run"))
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
    note_switch(state, switching["to"], now)
    return True


def note_switch(state, tree, now):
    """Record in *state* that ``current`` was pointed to *tree*."""
    state.trial = None if tree == state.live else tree
    state.restarted = False
    state.since = now


def user_name(uid):
    """Return the name of the user *uid*, or the number of one that has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return "uid %d" % uid


def _discard(staging, name):
    """Remove what is left in staging; where that fails, the next run does it."""
    with contextlib.suppress(OSError):
        _tree.remove(staging, name)


def _spell(access):
    try:
        group = grp.getgrgid(access["gid"]).gr_name
    except KeyError:
        group = "gid %d" % access["gid"]
    return "%s, %s, %s" % (user_name(access["uid"]), group, access["access"])
