# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run's claim on a root: lease and token; it gives up when another run took the next one."""

from __future__ import annotations

import contextlib
import copy
import grp
import os
import time
from typing import TYPE_CHECKING, Any, Callable

from ..errors._release_error import ReleaseError
from ..files import _deletion
from ..tree import _drift
from . import _adoption, _directory, _history, _lease, _records, _state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..tree import _layout


NOT_TAKEN = -1  # the token of no State


class DeploymentError(ReleaseError):
    """A deployment cannot be done as asked; its text is one line."""

    code = "refused"


class Overtaken(DeploymentError):
    """Another run has claimed the root since; this one writes nothing more."""

    code = "overtaken"


class LeaseHeld(DeploymentError):
    """Another run holds the ``lease``."""

    code = "lease_held"

    def __init__(self, message: str, lease: _records.Lease) -> None:
        super().__init__(message)
        self.lease = lease


class Claim:
    """One run's claim on *root*, and what every write of that run goes through.

    *run* names the run; *takeover* names another one whose lease ends by this; *undoes* one whose
    lease ends by this unless a call of it is at work; *now* returns the time as text, which goes
    into the records; *ledger* is the head of the ledger that the run knew before, for the history.
    ``took_over`` is the run that was taken over.
    ``tries`` tells whether what is on trial is this run's own: its lease outlasts the call then.
    ``leftovers``: ``{path: why it cannot be removed}`` of what it wanted to clear away.
    """

    def __init__(
        self,
        root: _directory.Root,
        run: str,
        now: Callable[[], str],
        lock_timeout: float,
        takeover: str | None = None,
        undoes: str | None = None,
        process: str | None = None,
        ledger: Mapping[str, Any] | None = None,
    ) -> None:
        self.root = root
        self.run = run
        self.now = now
        self.token = NOT_TAKEN
        self.took_over: str | None = None
        self.tries = False
        self.leftovers: dict[str, str] = {}
        self._lock_timeout = lock_timeout
        self._takeover = takeover
        self._undoes = undoes
        self.process = process or run
        self._ledger = ledger

    def take(self, access: _layout.Access | None, adopted: str | None = None) -> _state.State:
        """Take the lease and the next token, settle what a killed run left; return the State.

        *access* is what the root's files shall have, or None for what is recorded; *adopted* is
        the tree to be recorded as what was here before. Raises LeaseHeld.
        """
        with self._turn() as state:
            check_owner(self.root.path, state, access)
            if access and state.access is None:
                state.access = access
            if adopted and not state.token:
                _adoption.record(state, adopted, self.now())
                self.record("adopted", adopted, None)
            if settle(self.root, state, self.now()):
                self.record("settled", state.current, None)
            self._note_lease(state)
            if self.took_over:
                self.record("took over", state.current, self.took_over)
            if self.took_over and self.took_over in (self._takeover, self._undoes):
                state.overtaken = _state.taken_over(state.overtaken, self.took_over, self.run)
            state.token += 1
            state.run = _records.Holder(self.run, os.getpid())
            state.lease = _lease.taken(self.run, self.now())
            self.root.write_state(state)
            self.token = state.token
        return state

    def await_turn(self, adopted: str | None = None) -> _state.State:
        """Return the State as ``take`` would give it, once no other run holds the lease.

        Nothing is taken, nor written. Raises LeaseHeld.
        """
        with self._turn() as state:
            if adopted and not state.token:
                _adoption.record(state, adopted, self.now())
            settle(self.root, state, None)
            return state

    def check_turn(self, state: _state.State) -> None:
        """Raise LeaseHeld if *state* says that another run holds the lease now."""
        self._check_not_over(state)
        settled, hindrance = self._hindrance(state)
        if hindrance:
            raise _held(self.root.path, settled, hindrance)
        self._note_lease(state)

    def give_back(self, hold: bool) -> None:
        """End the lease, or with *hold* leave it to the run while that has a release on trial."""
        # Where that cannot be written, this process is gone soon, and the lease ends by that.
        gone = (Overtaken, _directory.RootError, OSError)
        with contextlib.suppress(*gone), self.commit_point() as state:
            held = hold and state.trial and self.tries
            state.lease = _lease.left_open(state.lease) if held and state.lease else None
            self.root.write_state(state)

    @contextlib.contextmanager
    def noting(self) -> Iterator[_state.State]:
        """Hold the lock and give the State for a remark on a release: that needs no lease."""
        with self.root.locked(self._lock_timeout, self.run):
            state = self.root.read_state()
            check_owner(self.root.path, state, None)
            yield state
            self.root.write_state(state)

    @contextlib.contextmanager
    def _turn(self) -> Iterator[_state.State]:
        """Hold the lock and give the State as soon as this run may have the lease.

        A call of another run is waited for, as long as for the lock; a release that another run
        has on trial is not: that takes as long as people take.
        """
        deadline = time.monotonic() + self._lock_timeout
        while True:
            with self.root.locked(self._lock_timeout, self.run):
                state = self.root.read_state()
                self._check_not_over(state)
                settled, hindrance = self._hindrance(state)
                if hindrance is None:
                    yield state
                    return
            if hindrance != "busy" or time.monotonic() >= deadline:
                raise _held(self.root.path, settled, hindrance)
            time.sleep(0.1)

    def _hindrance(self, state: _state.State) -> tuple[_state.State, str | None]:
        """Return *state* as it is once settled, and why this run cannot have the lease, if so."""
        settled = copy.deepcopy(state)
        settle(self.root, settled, None)
        hindrance = _lease.hindrance(settled, self.run, self._takeover)
        if hindrance == "on trial" and settled.lease and settled.lease.run == self._undoes:
            hindrance = None
        return settled, hindrance

    def _note_lease(self, state: _state.State) -> None:
        """Remember whose lease this run ends, or that what is on trial is its own."""
        if state.lease and state.lease.run != self.run:
            self.took_over = state.lease.run
        self.tries = bool(state.lease and not self.took_over and state.trial)

    @contextlib.contextmanager
    def commit_point(self) -> Iterator[_state.State]:
        """Hold the lock and give the State, once it is sure that no other run has taken over."""
        with self.root.locked(self._lock_timeout, self.run):
            state = self.root.read_state()
            self._check_token(state)
            yield state

    @contextlib.contextmanager
    def unless_overtaken(self) -> Iterator[None]:
        """Tell an overtaken run who took over, whatever it stumbled over because of that."""
        try:
            yield
        except (OSError, KeyError, _drift.Damaged, _directory.Moved, _directory.RootError):
            self._check_token(self.root.read_state())
            raise

    def staging(self, stack: contextlib.ExitStack) -> int:
        """Give an empty folder for this run's token; what earlier runs left there is removed."""
        self._check_token(self.root.read_state())
        staging = self.folder(stack, "staging")
        for name in os.listdir(staging):
            if not (name.isdigit() and int(name) > self.token):
                self.discard(staging, name, "staging")
        name = str(self.token)
        os.mkdir(name, 0o700, dir_fd=staging)
        stack.callback(self.discard, staging, name, "staging")
        return self.subfolder(stack, staging, name, make=False)

    def folder(self, stack: contextlib.ExitStack, name: str) -> int:
        """Return a descriptor of one of the root's folders, closed with *stack*."""
        descriptor = self.root.folder(name)
        stack.callback(os.close, descriptor)
        return descriptor

    def subfolder(
        self, stack: contextlib.ExitStack, parent: int, name: str, make: bool = True
    ) -> int:
        """Return a descriptor of the folder *name* in *parent*, made if need be."""
        if make:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=parent)
        descriptor = _directory.open_directory(parent, name)
        stack.callback(os.close, descriptor)
        return descriptor

    def discard(self, directory: int, name: str, *where: str) -> None:
        """Remove *name* from the descriptor of a folder of ours, the path *where*.

        What cannot be removed is noted; the next run tries it again.
        """
        reason = _deletion.discard(directory, name)
        if reason:
            self.leftovers[os.path.join(self.root.path, _directory.OURS, *where, name)] = reason

    def record(self, event: str, tree: str | None, other: str | None) -> None:
        """Add an event to the history."""
        said = {"at": self.now(), "run": self.run, "event": event, "tree": tree, "from": other}
        _history.append(self.root, {**said, "ledger": dict(self._ledger)} if self._ledger else said)

    def _check_token(self, state: _state.State) -> None:
        if state.token != self.token:
            raise self._overtaken(state.run.name if state.run else "another run")

    def _check_not_over(self, state: _state.State) -> None:
        """Raise Overtaken if an earlier call of this run was: the run ended by that."""
        for run, other in state.overtaken:
            if run == self.run:
                raise self._overtaken(other)

    def _overtaken(self, other: str) -> Overtaken:
        return Overtaken("%s was taken over by %s; this run stopped" % (self.root.path, other))


def check_owner(path: str, state: _state.State, access: _layout.Access | None) -> None:
    """Raise DeploymentError unless this user writes the root, and *access*, if any, is its own."""
    if state.token and state.uid != os.geteuid():
        raise DeploymentError(_directory.written_by(path, state.uid))
    if access and state.access and state.access != access:
        raise DeploymentError(
            "%s has owner, group and access %s; %s was asked for: remove the deployment first"
            % (path, _spell(state.access), _spell(access))
        )


def _held(path: str, state: _state.State, hindrance: str | None) -> LeaseHeld:
    """Return the LeaseHeld that says who holds the root and what can be done."""
    lease = state.lease
    if not lease:
        raise AssertionError("without a lease there is no hindrance")
    if hindrance == "busy" or not state.trial:
        what = "whose process %s works here since %s" % (lease.pid, lease.since)
    else:
        what = "which has %s on trial since %s" % (state.trees[state.trial].version, lease.since)
    message = "%s is held by %s, %s" % (path, lease.run, what)
    way = ": wait for it or, if that run is over, set takeover (deploy_takeover in the role) to "
    return LeaseHeld(message + way + lease.run, lease)


def settle(root: _directory.Root, state: _state.State, now: str | None) -> bool:
    """Bring *state* in line with what a killed run really did; tell whether that had switched."""
    switching, state.switching = state.switching, None
    needed = {state.live, state.trial, switching and switching.to}
    for tree in set(state.trees) - root.existing_trees(state) - needed:
        del state.trees[tree]
    if not switching or root.read_current(state) != switching.to:
        return False
    note_switch(state, switching.to, now)
    return True


def note_switch(state: _state.State, tree: str | None, now: str | None) -> None:
    """Record in *state* that ``current`` was pointed to *tree*."""
    state.left = state.current
    state.trial = None if tree == state.live else tree
    state.restarted = False
    state.since = now
    if state.trial_change and state.trial_change.to != tree:
        state.trial_change = None  # it is undone


def _spell(access: _layout.Access) -> str:
    try:
        group = grp.getgrgid(access.gid).gr_name
    except KeyError:
        group = "gid %d" % access.gid
    return "%s, %s, %s" % (_directory.user_name(access.uid), group, access.access)
