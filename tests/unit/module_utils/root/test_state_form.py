# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A state is recorded as it was, and refused in a line where anything in it is wrong."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ansible_collections.itops.release.plugins.module_utils.root import (
    _directory,
    _records,
    _state,
    _state_form,
)
from ansible_collections.itops.release.plugins.module_utils.tree import _layout
from ansible_collections.itops.release.tests.fakes.estate import snapshot

GONE = object()
TREE = {
    "name": "shop",
    "version": "1",
    "serial": 1,
    "digest": "ab" * 32,
    "links": ["log"],
    "token": 1,
    "at": "2026-01-01T00:00:00Z",
}
WHOLE = {
    "token": 3,
    "run": {"name": "somebody", "pid": 4711},
    "lease": {"run": "somebody", "since": "then", "pid": None, "started": None, "boot": None},
    "overtaken": [["anna", "ben"]],
    "uid": 0,
    "access": {"uid": 0, "gid": 0, "access": "public"},
    "trees": {"1-abababababab": TREE},
    "live": "1-abababababab",
    "switching": {"to": None},
    "change": {"run": "anna", "to": "1-abababababab", "back": None, "good": ["ef" * 32]},
    "good": ["ab" * 32],
    "bad": {"cd" * 32: {"run": "somebody", "at": "then"}},
    "since": "2026-01-01T00:00:00Z",
}


def without(mapping, key):
    return {name: value for name, value in mapping.items() if name != key}


STATE = _state.State(
    token=3,
    run=_records.Holder("somebody", 4711),
    lease=_records.Lease("somebody", "then"),
    overtaken=[("anna", "ben")],
    access=_layout.Access(0, 0, "public"),
    trees={
        "1-abababababab": _records.TreeRecord(
            "shop", "1", 1, "ab" * 32, ("log",), 1, "2026-01-01T00:00:00Z"
        )
    },
    live="1-abababababab",
    switching=_records.Switch(None),
    change=_records.Change("anna", "1-abababababab", None, ("ef" * 32,)),
    good=["ab" * 32],
    bad={"cd" * 32: _records.Mark("somebody", "then")},
    since="2026-01-01T00:00:00Z",
)
# What is recorded of it by name, though it is nothing.
REST = {"left": None, "pinned": {}, "restarted": True, "trial": None, "trial_change": None}


def test_a_state_is_recorded_and_read_as_it_was():
    plain = _state_form.to_plain(STATE)

    assert plain == {**WHOLE, **REST}
    assert _state_form.from_plain(WHOLE) == _state_form.from_plain(plain) == STATE


def test_the_state_of_a_new_root_is_recorded_without_a_holder():
    plain = _state_form.to_plain(_state.State())

    assert (plain["run"], plain["lease"], plain["access"], plain["overtaken"]) == (
        {},
        None,
        None,
        [],
    )
    assert _state_form.from_plain(plain) == _state_form.from_plain({}) == _state.State()


@pytest.mark.parametrize(
    "part",
    [{}, {"at": TREE["at"]}, {"run": "anna"}, {"at": TREE["at"], "adopted": True}],
    ids=" ".join,
)
def test_a_tree_is_recorded_with_its_time_and_origin_only_where_they_are_known(part):
    recorded = {**without(TREE, "at"), **part}

    state = _state_form.from_plain({**WHOLE, "trees": {"1-abababababab": recorded}})

    assert _state_form.to_plain(state)["trees"] == {"1-abababababab": recorded}


def test_the_ledger_that_governs_a_root_is_recorded_only_where_there_is_one():
    governed = replace(STATE, governed="0f" * 16)

    plain = _state_form.to_plain(governed)

    assert plain == {**WHOLE, **REST, "governed": "0f" * 16}
    assert _state_form.from_plain(plain) == governed


def test_no_part_of_a_state_shares_data_with_what_was_recorded_of_it():
    state = _state_form.from_plain(WHOLE)
    plain = _state_form.to_plain(state)

    state.good.append("ef" * 32)
    state.trees.clear()
    state.bad.clear()

    assert plain == {**WHOLE, **REST}


@pytest.mark.parametrize(
    "change",
    [
        {"token": -1},
        {"token": True},
        {"uid": None},
        {"run": {"name": "somebody"}},
        {"lease": without(WHOLE["lease"], "pid")},
        {"lease": {**WHOLE["lease"], "run": None}},
        {"access": None},
        {"access": {"uid": 0}},
        {"access": {**WHOLE["access"], "access": "everybody"}},
        {"trees": []},
        {"trees": {"1-abababababab": []}},
        *({"trees": {"1-abababababab": without(TREE, key)}} for key in TREE if key != "at"),
        {"trees": {"1-abababababab": {**TREE, "serial": "1"}}},
        {"trees": {"1-abababababab": {**TREE, "digest": "../state.json"}}},
        {"trees": {"1-abababababab": {**TREE, "version": ""}}},
        {"trees": {"1-abababababab": {**TREE, "links": "log"}}},
        {"trees": {"1-abababababab": {**TREE, "links": ["a\0b"]}}},
        {"trees": {"1-abababababab": {**TREE, "at": 5}}},
        {"trees": {"1-abababababab": {**TREE, "run": 5}}},
        {"trees": {"1-abababababab": {**TREE, "adopted": 1}}},
        {"trees": {"1-abababababab": {**TREE, "novelty": True}}},
        {"overtaken": [["anna"]]},
        {"overtaken": [["anna", None]]},
        *(
            {"trees": {name: TREE}, "live": name}
            for name in ("", ".", "..", "a/b", "a\0b", "a\nb", "\ud800")
        ),
        {"live": "2-abababababab"},
        {"trial": "2-abababababab"},
        {"switching": {"to": "2-abababababab"}},
        {"switching": {}},
        *({"change": without(WHOLE["change"], key)} for key in WHOLE["change"]),
        {"change": {**WHOLE["change"], "back": "../1"}},
        {"change": {**WHOLE["change"], "to": None}},
        {"change": {**WHOLE["change"], "good": "ef"}},
        {"trial_change": {**WHOLE["change"], "run": None}},
        {"good": []},
        {"good": ["abc"]},
        {"good": [["ab" * 32]]},
        {"bad": {"cd" * 32: {}}},
        {"pinned": {"shop:1": {"run": "somebody", "at": "then"}}},
        {"restarted": None},
        {"since": 5},
        {"governed": ""},
        {"governed": "0f" * 16 + "\n"},
        {"governed": 5},
    ],
    ids=ascii,
)
def test_a_part_that_is_not_of_its_form_is_named_in_a_line(change):
    with pytest.raises(TypeError) as caught:
        _state_form.from_plain({**WHOLE, **change})

    line = str(caught.value)
    assert line.isprintable()
    assert len(line) < 200


def test_a_root_with_such_a_state_is_refused_and_untouched(estate):
    host = estate.host()
    label = estate.seal("1", {"app": "one"})
    host.deploy(label)
    path = host.root / ".release/state.json"
    plain = json.loads(path.read_text())
    del plain["sum"]
    plain["trees"] = {}
    path.write_text(json.dumps(plain))
    before = snapshot(host.root)

    for check_mode in (False, True):
        with pytest.raises(_directory.RootError, match=r"state\.json cannot be read: live is "):
            host.deploy(label, check_mode)

    assert snapshot(host.root) == before
