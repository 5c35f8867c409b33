# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The critical path method, on networks of textbooks whose answers were published."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.plugin_utils.measures._critical_path import (
    MOST_PATHS,
    Activity,
    ScheduleError,
    schedule,
)


def network(text):
    """Return activities from words such as ``C:2:A,B``: id, duration, what it comes after."""
    parts = [word.split(":") for word in text.split()]
    return [
        Activity(id_, id_, float(seconds), tuple(filter(None, after.split(","))))
        for id_, seconds, after in parts
    ]


def paths(found):
    return ["-".join(path) for path in found.paths]


def slacks(found):
    return {each.activity.id: round(each.slack, 2) for each in found.timed if not each.is_critical}


RELIABLE = """
A:2: B:4:A C:10:B D:6:C E:4:C F:5:E G:7:D H:9:E,G I:7:C J:8:F,I K:4:J L:5:J M:2:H N:6:K,L
"""
MILWAUKEE = "A:2: B:3: C:2:A D:4:A,B E:4:C F:3:C G:5:D,E H:2:F,G"


def test_one_critical_path():
    """Reliable Construction Co. (Hillier and Lieberman, Introduction to Operations Research).

    Published: 44 weeks; slack of D, G, H and M 4, of I 2, of K 1.
    """
    found = schedule(network(RELIABLE))

    assert (found.seconds, paths(found)) == (44, ["A-B-C-E-F-J-L-N"])
    assert slacks(found) == {"D": 4, "G": 4, "H": 4, "M": 4, "I": 2, "K": 1}
    timed = found.of("H")
    assert (timed.earliest_start, timed.earliest_finish) == (29, 38)
    assert (timed.latest_start, timed.latest_finish) == (33, 42)


def test_two_critical_paths():
    """The network of six activities in Wikipedia's articles on PERT and the critical path method.

    Published: 7 months; critical are B and C, and A, D and F; the slack of E is 1 month.
    """
    found = schedule(network("A:3: B:4: C:3:B D:1:A E:3:A F:3:D"))

    assert (found.seconds, sorted(paths(found))) == (7, ["A-D-F", "B-C"])
    assert slacks(found) == {"E": 1}


def test_fractions():
    """The example of expected times in Wikipedia's article on PERT.

    Published: a, c, e and g are critical, 19.51 days; slack of b 3.84, of d and f 4.68.
    """
    text = "a:4: b:5.33: c:5.17:a d:6.33:a e:5.17:b,c f:4.5:d g:5.17:e"

    found = schedule(network(text))

    assert (round(found.seconds, 2), paths(found)) == (19.51, ["a-c-e-g"])
    assert slacks(found) == {"b": 3.84, "d": 4.68, "f": 4.68}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (MILWAUKEE, "A-C-E-G-H"),
        # With arrows for activities, D is after A by a dummy activity that takes no time.
        (MILWAUKEE.replace("D:4:A,B", "dummy:0:A D:4:dummy,B"), "A-C-E-G-H"),
    ],
)
def test_dummy_activities(text, path):
    """Milwaukee Paper Manufacturing (Heizer and Render, Operations Management).

    Published: 15 weeks; slack of B and D 1, of F 6.
    """
    found = schedule(network(text))

    assert (found.seconds, paths(found)) == (15, [path])
    assert {k: v for k, v in slacks(found).items() if k != "dummy"} == {"B": 1, "D": 1, "F": 6}


def test_a_lag_is_a_dummy_activity_that_takes_time():
    """Reliable Construction Co., whose foundation hardens for 3 weeks: critical, so 3 more."""
    text = RELIABLE.replace("C:10:B", "lag:3:B C:10:lag")

    found = schedule(network(text))

    assert (found.seconds, paths(found)) == (47, ["A-B-lag-C-E-F-J-L-N"])


def test_single_activity_and_none():
    one = schedule(network("A:5:"))

    assert (one.seconds, paths(one), slacks(one)) == (5, ["A"], {})
    none = schedule([])
    assert (none.seconds, none.timed, none.paths) == (0, (), ())


def test_an_activity_that_nobody_waits_for_in_time_is_on_no_critical_path_twice():
    """A is critical by B, and C comes after both: the path goes through B alone."""
    found = schedule(network("A:2: B:3:A C:1:A,B"))

    assert paths(found) == ["A-B-C"]


def test_the_order_of_activities_does_not_matter():
    forward, backward = schedule(network(RELIABLE)), schedule(network(RELIABLE)[::-1])

    assert forward.paths == backward.paths
    assert {each.activity.id: each for each in forward.timed} == {
        each.activity.id: each for each in backward.timed
    }


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("A:1:C B:1:A C:1:B", "cycle of activities: "),
        ("A:1:A", "cycle of activities: A → A"),
        ("A:1: B:1:X", "activity B: there is no activity X before it"),
        ("A:1: A:2:", "activity A: the id is there twice"),
        ("A:-1:", "activity A: -1.0 is not a duration in seconds"),
        ("A:nan:", "activity A: nan is not a duration in seconds"),
        ("A:inf:", "activity A: inf is not a duration in seconds"),
    ],
)
def test_what_has_no_order_is_refused(text, error):
    with pytest.raises(ScheduleError) as raised:
        schedule(network(text))

    assert str(raised.value).startswith(error)
    assert "\n" not in str(raised.value)


def test_there_are_no_more_paths_than_anybody_reads():
    names = [f"{stage}{number}" for stage in range(20) for number in range(2)]
    before = {
        name: () if name[:-1] == "0" else names[(int(name[:-1]) - 1) * 2 :][:2] for name in names
    }
    activities = [Activity(name, name, 1, tuple(before[name])) for name in names]

    assert len(schedule(activities).paths) == MOST_PATHS


def test_as_plain_data():
    plain = schedule(network("A:1: B:2:A")).to_plain()

    assert plain["critical_paths"] == [["A", "B"]]
    assert plain["activities"][1] == {
        "id": "B",
        "name": "B",
        "seconds": 2,
        "after": ["A"],
        "earliest_start": 1,
        "earliest_finish": 3,
        "latest_start": 1,
        "latest_finish": 3,
        "slack": 0,
        "critical": True,
    }


@st.composite
def networks(draw):
    count = draw(st.integers(1, 8))
    return [
        Activity(
            str(number),
            "",
            draw(st.integers(0, 4)),
            tuple(map(str, sorted(draw(st.sets(st.integers(0, number - 1)))))) if number else (),
        )
        for number in range(count)
    ]


@given(networks())
@settings(deadline=None)
def test_critical_paths_take_all_the_time_and_a_second_more_delays_all(activities):
    found = schedule(activities)
    known = {each.id: each for each in activities}

    assert found.paths
    for path in found.paths:
        assert sum(known[id_].seconds for id_ in path) == found.seconds
    for timed in found.timed:
        longer = [
            Activity(a.id, "", a.seconds + timed.slack + (a.id == timed.activity.id), a.after)
            if a.id == timed.activity.id
            else a
            for a in activities
        ]
        assert schedule(longer).seconds == found.seconds + 1
