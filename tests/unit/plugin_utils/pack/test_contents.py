# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pack contains: of the plan all, of other plans hashes, of releases what is believed."""

from __future__ import annotations

import json

import pytest

from ansible_collections.itops.release.plugins.module_utils.formats import _canonical
from ansible_collections.itops.release.plugins.plugin_utils.evidence import _dsse
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import Actor, Draft, Head
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger
from ansible_collections.itops.release.plugins.plugin_utils.library._store import Library
from ansible_collections.itops.release.plugins.plugin_utils.oci._layout import LibraryError
from ansible_collections.itops.release.plugins.plugin_utils.pack import _contents, _tar
from ansible_collections.itops.release.plugins.plugin_utils.pack._tar import PackError
from ansible_collections.itops.release.tests.fakes.evidence_packs import (
    PAGES,
    POLICY,
    RELEASES,
    Closed,
    known_keys,
)
from ansible_collections.itops.release.tests.fakes.memory_ledger import MemoryLedger
from ansible_collections.itops.release.tests.fakes.signing import LABEL, envelope


def collected(closed, folder, plan="shop-1.5", pages=PAGES, ledger=None, library=None, known=None):
    """Return what was collected, and the files by path."""
    folder.mkdir(exist_ok=True)
    shelf = _contents.Shelf(str(folder))
    library = library or closed.estate.library
    source = _contents.Source(ledger or closed.ledger, library, known)
    found = _contents.collect(source, plan, shelf, pages)
    files = {file.name.partition("/")[2]: file for file in shelf.files("top")}
    return found, {path: open_bytes(file.path) for path, file in files.items()}


def open_bytes(path):
    with open(path, "rb") as stream:
        return stream.read()


@pytest.fixture
def own(tmp_path):
    return Closed(tmp_path)


def test_the_ledger_is_there_as_far_as_it_is_about_the_plan(closed, tmp_path):
    found, files = collected(closed, tmp_path / "shelf")
    events = [json.loads(line) for line in files["ledger/events.jsonl"].splitlines()]
    chain = files["ledger/chain.txt"].decode().splitlines()

    assert found.head == closed.ledger.head()
    assert chain == [event.hash for event in closed.ledger.events()]
    assert all(chain[event["sequence"] - 1] == event["hash"] for event in events)
    assert b"other" not in files["ledger/events.jsonl"]
    kinds = {event["kind"] for event in events}
    assert kinds >= {"ledger_opened", "policy_changed", "plan_proposed", "statement_recorded"}
    assert kinds >= {"gates_answered", "run_began", "run_ended", "register_changed", "plan_ended"}


def test_plan_statements_and_policy_are_files_to_the_byte(closed, tmp_path):
    found, files = collected(closed, tmp_path / "shelf")
    events = {event.sequence: event for event in closed.ledger.events()}

    assert files["plan.json"] == files["revisions/2.json"] != files["revisions/1.json"]
    assert _canonical.sha256_hex(files["plan.json"]) == found.plan_digest == closed.resolved.digest
    assert files["statements/11.json"].decode() == events[11].body["statement"]
    assert files["statements/11.json.sig"].decode() == events[11].body["signature"]
    assert "statements/9.json.sig" not in files
    assert files["policies/3.yml"].decode() == POLICY
    assert "policies/2.yml" not in files
    assert (found.revision, found.ended) == (2, "closed")


def test_of_releases_it_has_the_manifest_and_what_is_attached(closed, tmp_path):
    _found, files = collected(closed, tmp_path / "shelf")
    folder = f"releases/{closed.label.digest}/"
    names = [path.removeprefix(folder) for path in files if path.startswith(folder)]

    assert _canonical.sha256_hex(files[folder + "manifest.json"]) == closed.label.digest
    assert sorted(name.rpartition("-")[0] for name in names) == [
        "", "build-note", "sbom", "signature"
    ]  # fmt: skip


def test_with_trust_what_is_not_believed_is_left_out_and_named(own, tmp_path):
    library = own.estate.library
    for said in (envelope(40, label=own.label), envelope(RELEASES, label=LABEL)):
        library.attach(own.label.digest, _dsse.ENVELOPE_TYPE, _dsse.render(said), {})
    library.attach(own.label.digest, _dsse.ENVELOPE_TYPE, b"{}", {})

    found, files = collected(own, tmp_path / "shelf", known=known_keys())
    assert len(found.left_out) == 3
    assert all(line.startswith("shop:1.5.0 sha256:") for line in found.left_out)
    assert len([path for path in files if "/signature-" in path]) == 1

    found, files = collected(own, tmp_path / "other")  # of another release, and none at all
    assert len(found.left_out) == 2
    assert len([path for path in files if "/signature-" in path]) == 2


def test_a_plan_that_is_not_on_record_is_refused(closed, tmp_path):
    with pytest.raises(PackError, match="there is no plan shop-9 on record"):
        collected(closed, tmp_path / "shelf", plan="shop-9")
    with pytest.raises(PackError, match="there is no ledger"):
        collected(closed, tmp_path / "shelf", ledger=Ledger(str(tmp_path / "none.db")))


def test_a_release_that_is_not_in_the_library_is_refused(closed, tmp_path):
    with pytest.raises(LibraryError, match=closed.label.digest):
        collected(closed, tmp_path / "shelf", library=Library(str(tmp_path / "media")))


@pytest.mark.parametrize("path", ["../x", "/x", "a//b", "a/../b", "", "a b", ".x"])
def test_a_page_lies_below_pages(closed, tmp_path, path):
    with pytest.raises(PackError, match="path of a page"):
        collected(closed, tmp_path / "shelf", pages={path: b""})


class Altered(MemoryLedger):
    """A ledger in which one event was changed afterwards."""

    def __init__(self, events, **changes):
        super().__init__()
        self._events = [
            type(event)(**{**event.__dict__, **changes.get(f"e{event.sequence}", {})})
            for event in events
        ]


@pytest.mark.parametrize(
    "changes",
    [
        {"e5": {"actor": "mallory"}},
        {"e5": {"previous": "0" * 64}},
        {"e5": {"sequence": 6}},
        {"e25": {"hash": "0" * 64}},
    ],
)
def test_a_ledger_that_was_altered_is_evidence_of_nothing(closed, tmp_path, changes):
    ledger = Altered(closed.ledger.events(), **changes)

    with pytest.raises(PackError, match=r"the chain is broken at event \d+"):
        collected(closed, tmp_path / "shelf", ledger=ledger)


@pytest.mark.parametrize("number", [25, 26])
def test_a_ledger_that_was_cut_or_has_another_head_is_evidence_of_nothing(closed, tmp_path, number):
    class Cut(Altered):
        def head(self):
            return Head("1" * 32, number, "0" * 64)

    with pytest.raises(PackError, match=f"the chain is broken at event {number}"):
        collected(closed, tmp_path / "shelf", ledger=Cut(closed.ledger.events()))


def test_a_ledger_is_read_a_part_at_a_time(closed, tmp_path, monkeypatch):
    asked = []

    class Counted(Altered):
        def events(self, after=0, most=None, **which):
            asked.append(most)
            return super().events(after, most, **which)

    monkeypatch.setattr(_contents, "AT_ONCE", 7)
    _found, files = collected(closed, tmp_path / "shelf", ledger=Counted(closed.ledger.events()))

    assert max(asked) == 7
    assert len(files["ledger/chain.txt"]) == 65 * 25


def test_what_is_recorded_meanwhile_is_not_in_the_pack(own, tmp_path):
    class Growing(Ledger):
        def head(self):
            head = super().head()
            own.told.append(
                Draft("policy_changed", "policy", {"policy": "1" * 64, "content": "x"}, "later"),
                actor=Actor("eve", "claimed"),
            )
            return head

    found, files = collected(own, tmp_path / "shelf", ledger=Growing(own.ledger.place))

    assert found.head.sequence == 25
    assert len(files["ledger/chain.txt"]) == 65 * 25


def test_names_fit_into_the_tar(closed, tmp_path):
    shelf = _contents.Shelf(str(tmp_path))
    shelf.put(f"releases/{'0' * 64}/build-note-{'0' * 16}.json", [b"x"])
    (file,) = shelf.files("p" * 63)

    assert len(_tar.header(file.name, file.size)) == 512
