# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment root remembers, and what follows from it."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors._release_error import ReleaseError
from . import _records

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ..tree import _layout

MOST_OVERTAKEN = 20
TIME = "%Y-%m-%dT%H:%M:%SZ"
LEDGER = re.compile(r"[0-9a-f]{32}\Z")  # the id of a ledger
ADOPTED = "adopted:"  # with a tree's name it stands for the digest that nobody knows


class Release(NamedTuple):
    """A release as the controller asks for it, with the paths linked to ``shared/``."""

    digest: str
    name: str
    version: str
    serial: int
    links: tuple[str, ...] = ()


class NoWayBack(ReleaseError):
    """There is no release to go back to."""

    code = "no_rollback_target"


@dataclass
class State:
    """What a root remembers. Trees are named by their directory, releases by their digest.

    It is edited inside commit points only; its parts are frozen.
    ``token``, ``run``: the number last issued, and to whom; ``lease``: who holds the root now.
    ``overtaken``: the runs that others took over of late, each with the name of that other.
    ``access``: owner, group and readers of all files; None before the first release.
    ``trees``: the record of each, whole and verified unless it was adopted.
    ``live``: the tree last accepted as good; ``trial``: the one that is tried out instead.
    ``left``: the tree that was current before the last switch: old processes may still read it.
    ``restarted``: whether the service was restarted since ``current`` was switched; not so, too,
    where the probe after undoing a release failed.
    ``switching``: where ``current`` is being pointed.
    ``change``: what made the live release live; ``trial_change``: what brought the one on trial.
    Each is None where that cannot be undone.
    ``good``: digests accepted, oldest first, the last one being live: the way back.
    ``bad``, ``pinned``: the marks on releases, by digest.
    ``governed``: the id of the ledger whose plans the root demands, or None.
    ``as_read``: which record this State is of, or None where there was none; not recorded itself.
    """

    token: int = 0
    run: _records.Holder | None = None
    lease: _records.Lease | None = None
    overtaken: list[tuple[str, str]] = field(default_factory=list)
    uid: int = 0
    access: _layout.Access | None = None
    trees: dict[str, _records.TreeRecord] = field(default_factory=dict)
    live: str | None = None
    trial: str | None = None
    left: str | None = None
    restarted: bool = True
    switching: _records.Switch | None = None
    change: _records.Change | None = None
    trial_change: _records.Change | None = None
    good: list[str] = field(default_factory=list)
    bad: dict[str, _records.Mark] = field(default_factory=dict)
    pinned: dict[str, _records.Mark] = field(default_factory=dict)
    since: str | None = None
    governed: str | None = None
    as_read: str | None = field(default=None, compare=False, repr=False)

    @property
    def current(self) -> str | None:
        """The tree that ``current`` should point to, or None."""
        return self.trial or self.live

    def record_of(self, tree: str | None) -> _records.TreeRecord | None:
        """Return the record of *tree*; None without a record, or without a tree."""
        return None if tree is None else self.trees.get(tree)

    def known_access(self) -> _layout.Access:
        """Return the access, for what is done only where a release was staged."""
        if not self.access:
            raise AssertionError("releases are recorded without an access")
        return self.access


def recorded(
    release: Release, token: int, at: str | None = None, run: str | None = None
) -> _records.TreeRecord:
    """Return the record of a tree of *release*, staged by *run* with *token* at the time *at*."""
    return _records.TreeRecord(
        name=release.name,
        version=release.version,
        serial=release.serial,
        digest=release.digest,
        links=tuple(release.links),
        token=token,
        at=at,
        run=run,
    )


def is_as_planned(state: State, planned_for: State) -> bool:
    """Tell whether a plan that was made for another State holds: only whose turn it is may differ.

    When ``current`` was switched does not matter either.
    """
    return _of_any_turn(state) == _of_any_turn(planned_for)


def _of_any_turn(state: State) -> State:
    return replace(state, token=0, run=None, lease=None, overtaken=[], since=None)


def taken_over(overtaken: list[tuple[str, str]], run: str, other: str) -> list[tuple[str, str]]:
    """Return *overtaken* after *run* was taken over by *other*, without the oldest of too many."""
    return [*overtaken, (run, other)][-MOST_OVERTAKEN:]


def newest_tree(
    state: State, existing: Collection[str], digest: str, links: Iterable[str] | None = None
) -> str | None:
    """Return the tree staged last for *digest* (with these *links*, if given), or None."""
    trees = [
        (record.token, tree)
        for tree, record in state.trees.items()
        if tree in existing
        and record.digest == digest
        and (links is None or record.links == tuple(links))
    ]
    return max(trees)[1] if trees else None


def was_laid_out(state: State, release: Release) -> bool:
    """Tell whether there was a tree of *release* with the same links: that may be made again."""
    return any(
        record.digest == release.digest and record.links == release.links
        for record in state.trees.values()
    )


def next_step(
    state: State, existing: Collection[str], current: str | None, release: Release, live: bool
) -> tuple[str, str | None]:
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


def ways_back(state: State, existing: Collection[str]) -> list[str]:
    """Return the trees to go back to from a trial, best first: the live one, then earlier ones.

    Those marked bad come last: they are better than a release that has just failed.
    """
    trees = [state.live]
    trees += [newest_tree(state, existing, digest) for digest in reversed(state.good[:-1])]
    there = [tree for tree in dict.fromkeys(trees) if tree in existing and tree != state.trial]
    return sorted(filter(None, there), key=lambda tree: state.trees[tree].digest in state.bad)


def previous_tree(state: State, existing: Collection[str]) -> str | None:
    """Return the tree to go back to, or None: from a trial, else from the live release.

    From a live release, those marked bad are passed over.
    """
    if state.trial:
        return next(iter(ways_back(state, existing)), None)
    with contextlib.suppress(NoWayBack):
        return newest_tree(state, existing, previous_release(state))
    return None


def previous_release(state: State) -> str:
    """Return the digest of the good release before the live one, passing over those marked bad.

    Raises NoWayBack where there is none.
    """
    for digest in reversed(state.good[:-1]):
        if digest not in state.bad:
            return digest
    raise NoWayBack("there is no earlier good release to go back to")


def is_older(state: State, tree: str | None, other: str | None) -> bool:
    """Tell whether *tree* holds an earlier release than *other*, both recorded or None.

    Serials count within one application; those of adopted releases are unknown.
    """
    release, there = state.record_of(tree), state.record_of(other)
    if not release or not there or release.name != there.name:
        return False
    return release.serial < there.serial


def accepted(good: list[str], digest: str) -> list[str]:
    """Return the way back after *digest* was accepted: going back forgets what lay above."""
    return good[: good.index(digest) + 1] if digest in good else [*good, digest]


def superfluous(
    state: State, existing: Collection[str], keep: int, since: str | None = None
) -> list[str]:
    """Return the trees that retention removes when *keep* releases are to stay, oldest first.

    Those staged before the time *since*, if given, go although they are among the last *keep*.
    Live, on trial, previous good, pinned and adopted ones always stay, and so does the damaged
    tree that the live one replaced: processes may still read it. Age is what was recorded.
    """
    ours = [tree for tree in existing if not state.trees[tree].adopted]
    newest = {tree for tree in ours if tree == _newest_like(state, existing, tree)}
    kept = {state.live, state.trial, previous_tree(state, existing)} & set(ours)
    spared = {tree for tree in newest if state.trees[tree].digest in state.pinned}
    by_age = sorted(ours, key=lambda tree: state.trees[tree].token, reverse=True)
    for tree in by_age:
        if len(kept) >= keep:
            break
        if tree in newest and not (since and (state.trees[tree].at or "") < since):
            kept.add(tree)
    if state.left in ours and state.trees[state.left].digest == state.good[-1]:
        spared.add(state.left)
    return [tree for tree in reversed(by_age) if tree not in kept | spared]


def _newest_like(state: State, existing: Collection[str], tree: str) -> str | None:
    return newest_tree(state, existing, state.trees[tree].digest)


def since(now: str, days: int | None) -> str | None:
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


def summary(path: str, state: State) -> dict[str, Any]:
    """Return what *state* says as plain data: phase, current, live, trial, previous, releases.

    ``governed`` is there only where a ledger governs the root.
    """
    existing = set(state.trees)
    return {
        "root": path,
        "phase": phase(state),
        "current": state.current,
        "live": describe(state, state.live),
        "trial": describe(state, state.trial),
        "previous": describe(state, previous_tree(state, existing)),
        "since": state.since,
        "run": state.lease.run if state.lease and state.trial else None,
        **({"governed": state.governed} if state.governed else {}),
        "releases": [
            {
                **_description(tree, record),
                "links": list(record.links),
                "bad": record.digest in state.bad,
                "pinned": record.digest in state.pinned,
                "adopted": record.adopted,
            }
            for tree, record in sorted(state.trees.items(), key=lambda item: item[1].token)
        ],
    }


def brought_by(state: State) -> str | None:
    """Return the run that made live what is current, whose change ``reverted`` can undo; or None.

    What was live before that run is known only where it is the last that changed anything. A run
    that went back to an older release brought nothing.
    """
    for change, tree in ((state.trial_change, state.trial), (state.change, state.live)):
        if change and tree and change.to == tree == state.current:
            return None if is_older(state, tree, change.back) else change.run
    return None


def phase(state: State) -> str:
    """Return ``none``, ``live`` or ``on trial``."""
    return "on trial" if state.trial else "live" if state.live else "none"


def describe(state: State, tree: str | None) -> dict[str, Any] | None:
    """Return {name, version, serial, digest, tree} of a recorded tree, or None.

    The digest of one that was adopted is None: nobody knows what it should be.
    """
    record = state.record_of(tree)
    return None if tree is None or record is None else _description(tree, record)


def _description(tree: str, record: _records.TreeRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "version": record.version,
        "serial": record.serial,
        "digest": None if record.adopted else record.digest,
        "tree": tree,
    }
