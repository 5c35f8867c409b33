# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host is doing with ``shop`` right now, and how to hold it there."""

from __future__ import annotations

import contextlib
import fcntl
import json


def ours(host):
    """Return the folder in which a deployment root of ``shop`` keeps what is its own."""
    return host.seen / "shop/.release"


def state_of(host):
    """Return what the root remembers."""
    state = json.loads((ours(host) / "state.json").read_bytes())
    state.pop("sum", None)
    return state


def history_of(host):
    """Return the events of the root's history, oldest first."""
    lines = (ours(host) / "history.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def bytes_sent(host):
    """Return how much of a pack has come to the host."""
    try:
        packs = ours(host).glob("drop/*/[pk]*")
        return sum(path.stat().st_size for path in packs)
    except FileNotFoundError:
        return 0


def being_staged(host):
    """Tell whether contents come out of a pack."""
    try:
        return any(ours(host).glob("staging/*/objects/*"))
    except FileNotFoundError:
        return False


def being_tried(host, run):
    """Tell whether *run* has a release on trial, and its module is at work."""
    try:
        state = state_of(host)
    except FileNotFoundError:
        return False
    lease = state["lease"] or {}
    return bool(state["trial"] and lease.get("run") == run and lease["pid"])


@contextlib.contextmanager
def held(hosts):
    """Hold the locks of all roots: what needs one waits."""
    with contextlib.ExitStack() as stack:
        for host in hosts:
            lock = stack.enter_context(open(ours(host) / "lock", "r+", encoding="utf-8"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
