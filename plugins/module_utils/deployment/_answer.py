# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host answers the controller: plain data that say what was, what is, and what it needs."""

from __future__ import annotations

import os
import sys

from ..root import _state

OS_RELEASE = "/etc/os-release"
MOST_AGAIN = 200  # contents that are asked for by name; of more, the whole release is sent


def result(path, before, after, changed, removed=(), drift=()):
    """Return the plain result of a call; *before* and *after* are States, or None for nothing.

    *drift* has what differed from what was sealed, each as {path, change, tree}.
    """
    deployment = _state.summary(path, after or _state.State())
    return {
        "changed": changed,
        "before": _brief(_state.summary(path, before or _state.State())),
        "after": _brief(deployment),
        "deployment": deployment,
        "removed": list(removed),
        "drift": list(drift),
        "switched_back": False,
        "is_live": False,
        "seeded": [],
        "took_over": None,
        "warnings": [],
    }


def need(path, release, held, damaged=None):
    """Return what the controller must know to send *release*, or to tell that it does not fit.

    *held* are the digests of releases that are here, those staged last first; *damaged* is the
    Damaged that was met, if contents of theirs are not whole.
    """
    from ..formats import _codec
    from . import _drop

    again = damaged.contents if damaged else []
    named = 0 < len(again) <= MOST_AGAIN
    return {
        "digest": release.digest,
        "held": [] if damaged else held,
        "again": again if named else [],
        "base": release.digest if named else None,
        "damaged": str(damaged) if damaged else None,
        "links": list(release.links),
        "codecs": _codec.readable(),
        "free": _drop.space(path),
        "host": _host(),
    }


def _host():
    """Return what a release may demand of a host."""
    try:
        with open(OS_RELEASE, encoding="utf-8", errors="replace") as stream:
            lines = [line for line in stream if line.startswith(("ID=", "VERSION_ID="))]
    except OSError:
        lines = []
    python = ".".join(map(str, sys.version_info[:3]))
    return {"os": "".join(lines), "architecture": os.uname().machine, "python": python}


def held(root, state):
    """Return the digests of the releases that are here, those staged last first."""
    newest_first = sorted(root.existing_trees(state), key=lambda name: -state.trees[name].token)
    records = [state.trees[name] for name in newest_first]
    return list(dict.fromkeys(r.digest for r in records if not r.adopted))


def _brief(summary):
    """Return what of a summary tells one moment from another."""
    nothing = dict.fromkeys(("name", "version", "serial", "digest", "tree"))
    return {
        "phase": summary["phase"],
        "since": summary["since"],
        "releases": [release["tree"] for release in summary["releases"]],
        "links": {each["tree"]: each["links"] for each in summary["releases"] if each["links"]},
        **(summary["trial"] or summary["live"] or nothing),
    }
