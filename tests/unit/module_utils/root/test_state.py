# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from a root's state: the next step, the way back, and what retention removes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.module_utils.root import _records, _state

MARK = _records.Mark("a run", "then")


def state(*trees, **changes):
    """Return a State with trees named as ``digest`` or ``digest.2``, staged in this order."""
    records = {
        tree: _records.TreeRecord("shop", tree, token, tree.partition(".")[0], (), token)
        for token, tree in enumerate(trees, 1)
    }
    return _state.State(token=len(trees), trees=records, **changes)


def release(digest, *links):
    return _state.Release(digest, "shop", digest, 1, links)


@pytest.mark.parametrize(
    ("there", "current", "live", "step"),
    [
        (state(), None, True, ("stage", None)),
        (state("b"), "b", True, ("stage", None)),
        (state("a"), None, False, ("nothing", "a")),
        (state("a"), None, True, ("activate", "a")),
        (state("a", "b", live="b"), "b", True, ("activate", "a")),
        (state("a", live="a"), "a", True, ("nothing", "a")),
        (state("a", live="a"), None, True, ("activate", "a")),
        (state("a", live="a", switching=_records.Switch("a")), "a", True, ("activate", "a")),
        (state("a", "b", live="a", trial="b"), "b", True, ("activate", "a")),
        (state("b", "a", live="b", trial="a"), "a", True, ("settle", "a")),
        (state("b", "a", live="b", trial="a"), "a", False, ("nothing", "a")),
        (state("a", "a.2", live="a.2"), "a.2", True, ("nothing", "a.2")),
        (state("a", "a.2", live="a"), "a", True, ("activate", "a.2")),
        # The link and the record say different things: it is pointed there again.
        (state("a", "b", live="a"), "b", True, ("activate", "a")),
    ],
)
def test_the_next_step(there, current, live, step):
    assert _state.next_step(there, set(there.trees), current, release("a"), live) == step


def test_a_tree_that_is_not_there_or_linked_otherwise_is_staged_anew():
    there = state("a", live="a")

    assert _state.next_step(there, set(), "a", release("a"), True) == ("stage", None)
    assert _state.next_step(there, {"a"}, "a", release("a", "log"), True) == ("stage", None)


@pytest.mark.parametrize(
    ("there", "digest"),
    [
        (state("a", "b", live="b", good=["a", "b"]), "a"),
        (state("a", "b", "c", live="c", good=["a", "b", "c"]), "b"),
        (state("a", "b", "c", live="c", good=["a", "b", "c"], bad={"b": MARK}), "a"),
        # Staged last is not the way back; accepted before is.
        (state("b", "a", "c", live="b", good=["a", "b"]), "a"),
        (state("a", "b", live="a", trial="b", good=["a"]), "a"),
        (state("a", "b", "c", live="b", trial="c", good=["a", "b"]), "b"),
        (state("a", live="a", good=["a"]), None),
        (state("a", "b", live="b", good=["a", "b"], bad={"a": MARK}), None),
        (state("a", trial="a"), None),
        (state(), None),
    ],
)
def test_the_way_back(there, digest):
    assert _state.previous_tree(there, set(there.trees)) == digest


def test_the_way_back_from_a_trial_prefers_what_is_not_marked_bad():
    there = state("a", "b", "c", live="b", trial="c", good=["a", "b"], bad={"b": MARK})

    assert _state.ways_back(there, {"a", "b", "c"}) == ["a", "b"]
    assert _state.ways_back(there, {"b", "c"}) == ["b"]


@pytest.mark.parametrize(
    ("good", "digest", "after"),
    [
        ([], "a", ["a"]),
        (["a"], "b", ["a", "b"]),
        (["a", "b"], "b", ["a", "b"]),
        (["a", "b", "c"], "b", ["a", "b"]),
        (["a", "b", "c"], "a", ["a"]),
    ],
)
def test_accepting_leads_on_and_going_back_forgets_what_lay_above(good, digest, after):
    assert _state.accepted(good, digest) == after


FIVE = ("a", "b", "c", "d", "e")


@pytest.mark.parametrize(
    ("there", "keep", "removed"),
    [
        (state(*FIVE, live="e", good=[*FIVE]), 5, []),
        (state(*FIVE, live="e", good=[*FIVE]), 3, ["a", "b"]),
        (state(*FIVE, live="e", good=[*FIVE]), 1, ["a", "b", "c"]),
        (state(*FIVE, live="e", good=[*FIVE]), 0, ["a", "b", "c"]),
        (state(*FIVE, live="e", good=[*FIVE]), -1, ["a", "b", "c"]),
        # After a rollback to the oldest: it stays, with what was staged last.
        (state(*FIVE, live="a", good=["a"]), 2, ["b", "c", "d"]),
        (state(*FIVE, live="b", good=["a", "b"]), 1, ["c", "d", "e"]),
        (state(*FIVE, live="b", trial="d", good=["a", "b"]), 1, ["a", "c", "e"]),
        (state(*FIVE, trial="a"), 1, ["b", "c", "d", "e"]),
        (state(*FIVE, live="e", good=["c", "d", "e"], bad={"d": MARK}), 1, ["a", "b", "d"]),
        # A tree that was rebuilt counts once.
        (state("a", "b", "b.2", "c", live="c", good=["a", "b", "c"]), 3, ["b"]),
        (state("a", "a.2", "b", live="b", good=["b"]), 2, ["a"]),
        # A way back whose tree is gone takes nobody's place.
        (state("b", "c", live="c", good=["a", "c"]), 2, []),
    ],
)
def test_what_retention_removes(there, keep, removed):
    assert _state.superfluous(there, set(there.trees), keep) == removed


@given(st.data())
def test_retention_never_removes_what_is_needed(data):
    trees = data.draw(st.permutations(FIVE))
    good = data.draw(st.lists(st.sampled_from(FIVE), unique=True))
    trial = data.draw(st.none() | st.sampled_from(FIVE))
    there = state(*trees, live=good[-1] if good else None, trial=trial, good=good)
    keep = data.draw(st.integers(0, 6))

    removed = _state.superfluous(there, set(trees), keep)

    assert not {there.live, there.trial} & set(removed)
    assert _state.previous_tree(there, set(trees)) not in removed
    assert len(trees) - len(removed) >= min(keep, len(trees))


def test_a_summary_tells_all():
    there = state("a", "b", "c", live="b", trial="c", good=["a", "b"], bad={"a": MARK}, since="now")

    told = _state.summary("/srv/shop", there)

    assert {key: told[key] for key in ("root", "phase", "current", "since")} == {
        "root": "/srv/shop",
        "phase": "on trial",
        "current": "c",
        "since": "now",
    }
    assert told["live"] == {
        "name": "shop",
        "version": "b",
        "serial": 2,
        "digest": "b",
        "tree": "b",
    }
    assert "governed" not in told
    assert _state.summary("/srv/shop", replace(there, governed="0f" * 16))["governed"] == "0f" * 16
    assert told["trial"]["tree"] == "c"
    assert told["previous"]["tree"] == "b"
    assert [(item["tree"], item["bad"]) for item in told["releases"]] == [
        ("a", True),
        ("b", False),
        ("c", False),
    ]


def test_a_summary_of_nothing():
    told = _state.summary("/srv/shop", _state.State())

    assert told["phase"] == "none"
    assert [told[key] for key in ("current", "live", "trial", "previous", "since")] == [None] * 5
    assert told["releases"] == []


def test_pinned_and_adopted_trees_stay_beside_the_last_ones():
    there = state("a", "b", "c", "d", "e", live="e", good=["e"], pinned={"b": MARK})
    there.trees["c"] = replace(there.trees["c"], adopted=True)

    assert _state.superfluous(there, set(there.trees), 2) == ["a"]


def test_trees_that_are_too_old_go_although_they_are_among_the_last():
    there = state("a", "b", "c", live="c", good=["c"])
    for tree, day in zip("abc", ("2026-01-01", "2026-01-05", "2026-01-02"), strict=True):
        there.trees[tree] = replace(there.trees[tree], at=day + "T12:00:00Z")

    since = _state.since("2026-01-09T12:00:00Z", 4)
    assert since == "2026-01-05T12:00:00Z"
    assert _state.superfluous(there, set(there.trees), 5, since) == ["a"]
    assert _state.superfluous(there, set(there.trees), 5, _state.since("x", None)) == []


@pytest.mark.parametrize("days", [500_000, 999_999, 10**12])
def test_days_that_reach_back_beyond_all_records_let_nothing_go(days):
    there = state("a", "b", live="b", good=["b"])
    for tree in "ab":
        there.trees[tree] = replace(there.trees[tree], at="2026-01-01T12:00:00Z")

    since = _state.since("2026-01-09T12:00:00Z", days)

    assert _state.superfluous(there, set(there.trees), 5, since) == []


def test_a_tree_without_a_time_counts_as_old():
    there = state("a", "b", live="b", good=["b"])

    assert _state.superfluous(there, set(there.trees), 5, "2026-01-01T00:00:00Z") == ["a"]
