# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment root remembers, and what follows from it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Dict, List, NamedTuple, Optional, Tuple

from ..errors._release_error import ReleaseError

MOST_OVERTAKEN = 20
TIME = "%Y-%m-%dT%H:%M:%SZ"
ADOPTED = "adopted:"  # with a tree's name it stands for the digest that nobody knows


class Release(NamedTuple):
    """A release as the controller asks for it, with the paths linked to ``shared/``."""

    digest: str
    name: str
    version: str
    serial: int
    links: Tuple[str, ...] = ()


class NoWayBack(ReleaseError):
    """There is no release to go back to."""

    code = "no_rollback_target"


@dataclass
class State:
    """What a root remembers. Trees are named by their directory, releases by their digest.

    ``token``, ``run``: the number last issued, and to whom; ``lease``: who holds the root now.
    ``overtaken``: the runs that others took over of late, each with the name of that other.
    ``trees``: ``{tree: {name, version, serial, digest, links, token, at}}``, each whole and
    verified; one that was adopted is neither, and has ``adopted`` instead of a digest of ours.
    ``live``: the tree last accepted as good; ``trial``: the one that is tried out instead.
    ``left``: the tree that was current before the last switch: old processes may still read it.
    ``restarted``: whether the service was restarted since ``current`` was switched.
    ``switching``: where ``current`` is being pointed, as {"to": tree or None}.
    ``good``: digests accepted, oldest first, the last one being live: the way back.
    ``bad``, ``pinned``: digests marked so, with the run and the time.
    ``as_read``: which record this State is of, or None where there was none; not recorded itself.
    """

    token: int = 0
    run: Dict = field(default_factory=dict)
    lease: Optional[Dict] = None
    overtaken: List[List[str]] = field(default_factory=list)
    uid: int = 0
    access: Optional[Dict] = None
    trees: Dict[str, Dict] = field(default_factory=dict)
    live: Optional[str] = None
    trial: Optional[str] = None
    left: Optional[str] = None
    restarted: bool = True
    switching: Optional[Dict] = None
    good: List[str] = field(default_factory=list)
    bad: Dict[str, Dict] = field(default_factory=dict)
    pinned: Dict[str, Dict] = field(default_factory=dict)
    since: Optional[str] = None
    as_read: Optional[str] = field(default=None, compare=False, repr=False)

    @property
    def current(self):
        """The tree that ``current`` should point to, or None."""
        return self.trial or self.live


def is_as_planned(state, planned_for):
    """Tell whether a plan that was made for another State holds: only whose turn it is may differ.

    When ``current`` was switched does not matter either.
    """
    turn = {"token": 0, "run": {}, "lease": None, "overtaken": [], "since": None}
    return replace(state, **turn) == replace(planned_for, **turn)


def taken_over(overtaken, run, other):
    """Return *overtaken* after *run* was taken over by *other*, without the oldest of too many."""
    return [*overtaken, [run, other]][-MOST_OVERTAKEN:]


def newest_tree(state, existing, digest, links=None):
    """Return the tree staged last for *digest* (with these *links*, if given), or None."""
    trees = [
        (record["token"], tree)
        for tree, record in state.trees.items()
        if tree in existing
        and record["digest"] == digest
        and (links is None or tuple(record["links"]) == tuple(links))
    ]
    return max(trees)[1] if trees else None


def was_laid_out(state, release):
    """Tell whether there was a tree of *release* with the same links: that may be made again."""
    return any(
        record["digest"] == release.digest and tuple(record["links"]) == release.links
        for record in state.trees.values()
    )


def next_step(state, existing, current, release, live):
    """Return (what is to be done, the tree it is about) for *release*.

    ``nothing``; ``stage``: it is not here; ``activate``: it is here and not current; ``settle``:
    it is on trial.
    """
    tree = newest_tree(state, existing, release.digest, release.links)
    if tree is None:
        return "stage", None
    if not live:
        return "nothing", tree
    if current != tree or state.current != tree or state.switching:
        return "activate", tree
    return ("settle" if state.trial else "nothing"), tree


def ways_back(state, existing):
    """Return the trees to go back to from a trial, best first: the live one, then earlier ones.

    Those marked bad come last: they are better than a release that has just failed.
    """
    trees = [state.live]
    trees += [newest_tree(state, existing, digest) for digest in reversed(state.good[:-1])]
    there = [tree for tree in dict.fromkeys(trees) if tree in existing and tree != state.trial]
    return sorted(there, key=lambda tree: state.trees[tree]["digest"] in state.bad)


def previous_tree(state, existing):
    """Return the tree to go back to, or None: from a trial, else from the live release.

    From a live release, those marked bad are passed over.
    """
    if state.trial:
        return next(iter(ways_back(state, existing)), None)
    with contextlib.suppress(NoWayBack):
        return newest_tree(state, existing, previous_release(state))
    return None


def previous_release(state):
    """Return the digest of the good release before the live one, passing over those marked bad.

    Raises NoWayBack where there is none.
    """
    for digest in reversed(state.good[:-1]):
        if digest not in state.bad:
            return digest
    raise NoWayBack("there is no earlier good release to go back to")


def is_older(state, tree, other):
    """Tell whether *tree* holds an earlier release than *other*, both recorded or None.

    Serials count within one application; those of adopted releases are unknown.
    """
    release, there = state.trees.get(tree), state.trees.get(other)
    if not release or not there or release["name"] != there["name"]:
        return False
    return release["serial"] < there["serial"]


def accepted(good, digest):
    """Return the way back after *digest* was accepted: going back forgets what lay above."""
    return good[: good.index(digest) + 1] if digest in good else [*good, digest]


def superfluous(state, existing, keep, since=None) -> List[str]:
    """Return the trees that retention removes when *keep* releases are to stay, oldest first.

    Those staged before the time *since*, if given, go although they are among the last *keep*.
    Live, on trial, previous good, pinned and adopted ones always stay, and so does the damaged
    tree that the live one replaced: processes may still read it. Age is what was recorded.
    """
    ours = [tree for tree in existing if not state.trees[tree].get("adopted")]
    newest = {tree for tree in ours if tree == _newest_like(state, existing, tree)}
    kept = {state.live, state.trial, previous_tree(state, existing)} & set(ours)
    spared = {tree for tree in newest if state.trees[tree]["digest"] in state.pinned}
    by_age = sorted(ours, key=lambda tree: state.trees[tree]["token"], reverse=True)
    for tree in by_age:
        if len(kept) >= keep:
            break
        if tree in newest and not (since and state.trees[tree].get("at", "") < since):
            kept.add(tree)
    if state.left in ours and state.trees[state.left]["digest"] == state.good[-1]:
        spared.add(state.left)
    return [tree for tree in reversed(by_age) if tree not in kept | spared]


def _newest_like(state, existing, tree):
    return newest_tree(state, existing, state.trees[tree]["digest"])


def since(now, days):
    """Return the time *days* before *now*, as ISO 8601 in UTC to the second; None for no limit.

    There is none without *days*, nor where they reach back beyond the calendar.
    """
    if days is None:
        return None
    try:
        moment = datetime.strptime(now, TIME) - timedelta(days=days)
    except OverflowError:
        return None
    return moment.isoformat() + "Z"  # strftime would write a year before 1000 with fewer digits


def summary(path, state):
    """Return what *state* says as plain data: phase, current, live, trial, previous, releases."""
    existing = set(state.trees)
    return {
        "root": path,
        "phase": phase(state),
        "current": state.current,
        "live": describe(state, state.live),
        "trial": describe(state, state.trial),
        "previous": describe(state, previous_tree(state, existing)),
        "since": state.since,
        "run": state.lease["run"] if state.lease and state.trial else None,
        "releases": [
            {
                **describe(state, tree),
                "links": list(state.trees[tree]["links"]),
                "bad": state.trees[tree]["digest"] in state.bad,
                "pinned": state.trees[tree]["digest"] in state.pinned,
                "adopted": bool(state.trees[tree].get("adopted")),
            }
            for tree in sorted(existing, key=lambda tree: state.trees[tree]["token"])
        ],
    }


def phase(state):
    """Return ``none``, ``live`` or ``on trial``."""
    return "on trial" if state.trial else "live" if state.live else "none"


def describe(state, tree):
    """Return {name, version, serial, digest, tree} of a recorded tree, or None.

    The digest of one that was adopted is None: nobody knows what it should be.
    """
    record = state.trees.get(tree)
    if record is None:
        return None
    told = {**{key: record[key] for key in ("name", "version", "serial", "digest")}, "tree": tree}
    return {**told, "digest": None} if record.get("adopted") else told
