# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of hosts, sizes of waves, and batches that leave enough hosts in service."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.plugin_utils.fleet import _waves
from ansible_collections.itops.release.plugins.plugin_utils.fleet._waves import Batch, FleetError

FOUR = ("a", "b", "c", "d")


def parts(batches):
    return [batch.hosts for batch in batches]


@pytest.mark.parametrize(
    ("canaries", "racks", "order"),
    [
        ((), {}, "abcd"),
        (("c",), {}, "cabd"),
        ((), {"a": "1", "b": "1", "c": "2", "d": "2"}, "acbd"),
        (("b", "a"), {"a": "1", "b": "1", "c": "2", "d": "2"}, "abcd"),
        (("d",), {"a": "1", "b": "1", "c": "2", "d": "2"}, "dacb"),
        ((), {"a": "1", "b": "2"}, "abcd"),
    ],
)
def test_canaries_come_first_and_failure_domains_take_turns(canaries, racks, order):
    assert "".join(_waves.ordered(FOUR, canaries, racks)) == order


@pytest.mark.parametrize(
    ("total", "waves", "sizes"),
    [
        (10, (), [10]),
        (10, (1, "50%", "100%"), [1, 5, 4]),
        (10, (1,), [1] * 10),
        (10, (3, 4), [3, 4, 3]),
        (3, ("10%",), [1, 1, 1]),
        (7, ("30%", "100%"), [2, 5]),
        (2, (5,), [2]),
        (0, (1,), []),
    ],
)
def test_sizes_are_those_of_serial(total, waves, sizes):
    assert _waves.sizes(total, waves) == sizes


def test_a_wave_that_is_too_large_is_done_in_parts_and_soaks_once():
    found = _waves.batches(FOUR, (1, "100%"), capacity=2)

    assert found == [Batch(1, ("a",)), Batch(2, ("b", "c"), soaks=False), Batch(2, ("d",))]


def test_hosts_out_of_service_take_no_capacity():
    assert parts(_waves.batches(FOUR, (), ("a", "b"), 1)) == [("a", "b", "c"), ("d",)]


def test_no_host_may_change_where_none_can_be_spared():
    with pytest.raises(FleetError, match="min_in_service leaves no host that may change"):
        _waves.batches(FOUR, (), (), 0)


def test_hosts_out_of_service_change_where_none_can_be_spared():
    assert parts(_waves.batches(("a", "b"), (), ("a", "b"), 0)) == [("a", "b")]


def test_a_batch_survives_the_journal():
    batch = Batch(2, ("a", "b"), soaks=False)

    assert Batch.from_plain(batch.to_plain()) == batch


@given(
    st.integers(1, 30),
    st.lists(st.integers(1, 9) | st.sampled_from(["1%", "20%", "100%"]), max_size=4),
    st.integers(1, 9),
    st.sets(st.integers(0, 29)),
)
def test_each_host_is_in_one_batch_in_its_order_within_the_capacity(count, waves, capacity, out):
    hosts = [str(number) for number in range(count)]
    down = {str(number) for number in out}

    found = _waves.batches(hosts, waves, down, capacity)

    assert [host for batch in found for host in batch.hosts] == hosts
    assert all(len(set(batch.hosts) - down) <= capacity for batch in found)
    last_of_each = {batch.wave: batch.soaks for batch in found}
    assert all(last_of_each.values())
