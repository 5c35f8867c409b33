# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An actor that is stopped at a system call, overtaken by another run, and continued.

Another run deploys with ``takeover`` while the actor is stopped. What the root is then, it stays.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
import signal
import tempfile
import time

from ansible_collections.itops.release.plugins.module_utils.root import _directory, _history
from ansible_collections.itops.release.tests.fakes.estate import Host
from ansible_collections.itops.release.tests.faults import points, sweeping
from ansible_collections.itops.release.tests.faults.operations import DAMAGED, LINKS, VERSIONS, look

ACTOR = "the test's run"  # as the jobs of the operations have it
OVERTAKER = "another run"
STOPPED = "--- stopped by SIGSTOP ---"
LOCK_TIMEOUT_S = 0.2
NEWEST = VERSIONS[-1]  # which no operation asks for
PATIENCE_S = 30
LAST_EVENTS = ("accepted", "staged", "removed", "put back", "marked bad")
MOVES = ("activated", "went back", "put back", "settled")
OWN = ("lock", "staging", "drop")  # what a run has there is its own, and names no release


class Actor:
    """A process that is stopped as soon as it has made the call *point*."""

    def __init__(self, stack, command, point, environment):
        self._log = pathlib.Path(stack.enter_context(tempfile.NamedTemporaryFile()).name)
        inject = f"inject={point.name}:signal=STOP:when={point.number}"
        options = ["-o", str(self._log), "-e", f"trace={point.name}", "-e", inject]
        self._traced = stack.enter_context(points.Traced(command, environment, options))
        self.pid = self._traced.pid
        deadline = time.monotonic() + PATIENCE_S
        while STOPPED not in self._log.read_text("utf-8", "replace"):
            assert not self._traced.is_over(), f"it ended before {point}"
            assert time.monotonic() < deadline, f"it does not come to {point}"
            time.sleep(0.002)

    def go_on(self):
        """Let the process go on; return how it was Done."""
        os.kill(self.pid, signal.SIGCONT)
        return self._traced.end()


def sweep(bench, operation, most=None, chosen_by=None):
    """Stop *operation* after its calls, *most* of them; return how many, and the problems."""
    with bench.prepared(operation) as template:
        _done, found = sweeping.undisturbed(operation, template)
        wanted = [point for point in found if chosen_by is None or chosen_by(point)]
        chosen = sweeping.sampled(wanted, most)
        problems = []
        for point in chosen:
            with sweeping.Copy(template) as folder:
                lines = _overtake(bench, operation, folder, point)
            problems += [f"stopped after {point.number}. {point.line}: {line}" for line in lines]
        return len(chosen), problems


def _overtake(bench, operation, folder, point):
    """Return what is not as promised when *operation* is stopped after *point* and overtaken."""
    host = Host(bench.estate, folder / "srv", operation.options(folder), run=OVERTAKER)
    expected = {**bench.expected, DAMAGED: look(folder / "srv/current")}
    with contextlib.ExitStack() as stack:
        command, environment = sweeping.command(operation, folder), sweeping.environment(folder)
        actor = Actor(stack, command, point, environment)
        if is_locked(host.root):
            found = _locked_out(bench, host, actor)
        else:
            found = _fenced(bench, host, actor)
    return found + at_rest(host, expected) + goes_on(bench, host)


def is_locked(root):
    """Tell whether some process holds the lock of the *root*."""
    with contextlib.suppress(FileNotFoundError), open(root / ".release/lock", "rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _locked_out(bench, host, actor):
    """See that nobody gets by a process that is stopped while it holds the lock."""
    began = time.monotonic()
    try:
        deploy(bench, host, lock_timeout=LOCK_TIMEOUT_S)
        found = ["the other run got by the lock"]
    except _directory.RootError as error:
        wanted = f"is locked by pid {actor.pid} of {ACTOR} for more than"
        found = [] if wanted in str(error) else [f"the line does not name who locks: {error}"]
    if time.monotonic() - began > LOCK_TIMEOUT_S + 2:
        found.append("the other run waited for too long")
    done = actor.go_on()
    return found + wrong_words(done)


def _fenced(bench, host, actor):
    """See that a process that was overtaken says so, and changes nothing any more."""
    has_begun, is_over = _progress(host)
    try:
        deploy(bench, host)
    except (OSError, ValueError) as error:
        return [f"the other run: {type(error).__name__}: {error}"]
    before = fingerprint(host.root)
    done = actor.go_on()
    found = wrong_words(done)
    if not has_begun:
        return found  # it was nobody yet, and comes after the other run
    changed = sorted(set(before.items()) ^ set(fingerprint(host.root).items()))
    found += [f"it changed {path}" for path in dict.fromkeys(path for path, _what in changed)]
    if not is_over and f"was taken over by {OVERTAKER}" not in done.stdout:
        found.append(f"it does not say that it was overtaken: {done.stdout}")
    return found


def _progress(host):
    """Return whether the actor has the lease, and whether all that it does is done."""
    with _directory.opened(str(host.root)) as root:
        if root is None:
            return False, False
        lease = root.read_state().lease
        events = _history.read(root, 1)
    is_last = bool(events) and events[0]["run"] == ACTOR and events[0]["event"] in LAST_EVENTS
    return bool(lease) and lease.run == ACTOR, is_last


def deploy(bench, host, version=NEWEST, **params):
    """Deploy as the other run does, which takes over."""
    options = {"linked_paths": LINKS, "seed": True, "takeover": ACTOR, **params}
    return host.deploy(bench.labels[version], **options)


def wrong_words(done):
    """Return what is wrong with how a process ended: it says one line, whatever happened."""
    if done.status not in (0, 1) or done.stderr:
        return [f"it ended by itself: {done}"]
    line = json.loads(done.stdout).get("msg", "")
    return [] if line.isprintable() else [f"its line is none: {line!r}"]


def fingerprint(root):
    """Return ``{path: what a write would change of it}`` of all but what is a run's own."""
    found = {}
    for folder, folders, names in os.walk(root):
        below = os.path.relpath(folder, root)
        if below == ".release":
            folders[:] = [name for name in folders if name not in OWN]
            names = [name for name in names if name not in OWN]
        for path in (os.path.join(folder, name) for name in [*folders, *names]):
            status = os.lstat(path)
            what = (status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns)
            found[os.path.relpath(path, root)] = what
    return found


def at_rest(host, expected):
    """Return what is not as it must be while no run is at work at *host*.

    *expected* is ``{version: what look() finds}``; ``current``, state and history agree.
    """
    try:
        with _directory.opened(str(host.root)) as root:
            if root is None:
                return [] if not os.path.lexists(host.root / "current") else ["current is left"]
            state, events = root.read_state(), _history.read(root, 100000)
    except (OSError, ValueError) as error:
        return [f"state or history: {error}"]
    found = []
    if state.current != host.current or state.switching:
        found.append(f"the state says {state.current}, and {host.current} is live")
    moves = [event for event in events if event["event"] in MOVES]
    moved_to = moves[-1]["tree"] if moves else None
    if moved_to != host.current:
        found.append(f"the history says {moved_to}, and {host.current} is live")
    whole = list(expected.values())
    if look(host.root / "current") not in whole:
        found.append(f"{host.current} is live, and not whole")
    trees = set(host.trees) if (host.root / "releases").is_dir() else set()
    found += [
        f"{tree} is not whole" for tree in trees if look(host.root / "releases" / tree) not in whole
    ]
    if trees != set(state.trees):
        found.append(f"{sorted(trees)} are there, {sorted(state.trees)} are recorded")
    kept = {state.live, *(t for t, r in state.trees.items() if r.digest in state.pinned)}
    return found + [f"{tree} is lost" for tree in kept - {None} - trees]


def goes_on(bench, host):
    """See that the next calls go as any, and leave nothing behind."""
    try:
        deploy(bench, host)
        if look(host.root / "current") != bench.expected[NEWEST]:
            return ["the next release is not live"]
        if deploy(bench, host)["changed"]:
            return ["the next call changes something"]
        held = {record.version for record in host.state.trees.values()}
        deploy(bench, host, next(each for each in VERSIONS if each not in held), state="staged")
    except (OSError, ValueError) as error:
        return [f"the next call: {type(error).__name__}: {error}"]
    ours = host.root / ".release"
    left = [f"{name}/{item}" for name in ("staging", "drop") for item in os.listdir(ours / name)]
    return [f"{item} is left" for item in left]
