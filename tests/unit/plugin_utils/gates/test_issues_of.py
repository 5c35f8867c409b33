# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Issues come from the build notes between what is live and a release; a gap is never guessed."""

from __future__ import annotations

import hashlib
import subprocess

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.building import _sealing
from ansible_collections.itops.release.plugins.plugin_utils.evidence import _attachments
from ansible_collections.itops.release.plugins.plugin_utils.gates._issues_of import (
    Issues,
    issues_since,
)
from ansible_collections.itops.release.plugins.plugin_utils.notes import _build_note, _chain
from ansible_collections.itops.release.plugins.plugin_utils.oci._layout import LibraryError
from ansible_collections.itops.release.tests.fakes.estate import write_tree
from ansible_collections.itops.release.tests.fakes.shops import Shop
from ansible_collections.itops.release.tests.fakes.signing import public_key, signer

KNOWN = {public_key(1).fingerprint: public_key(1)}


def name_of(number):
    return hashlib.sha1(str(number).encode()).hexdigest()


def commit(number, *issues, reverts="", repository="https://git.example.org/shop.git", gone=False):
    return {
        "id": name_of(number),
        "repository": repository,
        "author": "A",
        "time": number,
        "is_merge": False,
        "is_taken_back": gone,
        "type": "",
        "scope": "",
        "text": "x",
        "breaking": "",
        "issues": list(issues),
        "reverts": reverts,
        "components": ["app"],
    }


def revert(number, of, *issues, length=40, **options):
    return commit(number, *issues, reverts=name_of(of)[:length], **options)


class Line:
    """Releases of one application, by serial, to which build notes are attached."""

    def __init__(self, estate):
        self.estate = estate
        self.labels = {}

    def seal(self, serial, *commits, previous=True, key=1, **changes):
        """Seal release *serial* with the note of *commits*; *previous* is a serial or None."""
        label = self.labels[serial] = self.estate.seal(str(serial), {"app": str(serial)}, serial)
        before = self.labels.get(serial - 1 if previous is True else previous)
        note = {
            "format": 1,
            "release": label._asdict(),
            "previous": before and before._asdict(),
            "built": None,
            "commits": list(commits),
            "findings": [],
            "lacks": [],
            **changes,
        }
        if key:
            kind = _build_note.PREDICATE_TYPE
            _attachments.attach(self.estate.library, label, kind, note, signer(key))

    def since(self, serial, *live, **options):
        trust = options.get("trust", KNOWN)
        digests = [self.labels[each].digest for each in live]
        return issues_since(self.estate.library, self.labels[serial], digests, trust)

    def problem(self, serial, *live, **options):
        """Return why the issues are not known; none is returned then."""
        found = self.since(serial, *live, **options)
        assert found.found == ()
        assert found.problem.isprintable()
        return found.problem


@pytest.fixture
def line(estate):
    return Line(estate)


@pytest.fixture
def four(line):
    for serial in range(1, 5):
        line.seal(serial, commit(serial, f"SHOP-{serial}"))
    return line


@pytest.mark.parametrize(
    ("serial", "live", "found"),
    [
        (4, [3], ["SHOP-4"]),
        (4, [2], ["SHOP-3", "SHOP-4"]),
        (4, [2, 3], ["SHOP-3", "SHOP-4"]),
        (4, [2, 4], ["SHOP-3", "SHOP-4"]),
        (4, [], ["SHOP-1", "SHOP-2", "SHOP-3", "SHOP-4"]),
        (1, [], ["SHOP-1"]),
        (4, [4], []),
        (2, [4], []),  # it goes back
    ],
)
def test_issues_are_those_of_all_releases_since_what_is_live(four, serial, live, found):
    assert four.since(serial, *live) == Issues(tuple(found))


def test_issues_of_a_release_beside_the_way_are_not_counted(line):
    line.seal(1, commit(1, "SHOP-1"))
    line.seal(2, commit(2, "SHOP-2"))
    line.seal(3, commit(3, "SHOP-3"), previous=1)

    assert line.since(3, 1) == Issues(("SHOP-3",))
    assert line.since(3, 2) == Issues(("SHOP-3",))


def test_each_issue_is_found_once_and_sorted(line):
    line.seal(1)
    line.seal(2, commit(3, "SHOP-2", "#7"), commit(2, "SHOP-2"), commit(1, gone=True))
    line.seal(3, commit(4, "SHOP-1"), commit(5, "SHOP-9", gone=True))

    assert line.since(3, 1).found == ("#7", "SHOP-1", "SHOP-2")


@pytest.mark.parametrize("length", [7, 12, 40])
def test_what_is_reverted_on_the_way_brings_no_issue(line, length):
    line.seal(1)
    line.seal(2, commit(10, "SHOP-1"), commit(11, "SHOP-2"))
    line.seal(3, revert(12, 10, "SHOP-1", length=length), commit(13, "SHOP-3"))

    assert line.since(3, 1).found == ("SHOP-2", "SHOP-3")


def test_what_reverts_something_live_names_the_issue(line):
    line.seal(1, commit(10, "SHOP-1"))
    line.seal(2, revert(11, 10, "SHOP-1"))

    assert line.since(2, 1).found == ("SHOP-1",)


def test_a_revert_that_is_reverted_takes_nothing_back(line):
    line.seal(1)
    line.seal(2, revert(12, 11, "SHOP-1"), revert(11, 10, "SHOP-1"), commit(10, "SHOP-1"))

    assert line.since(2, 1).found == ("SHOP-1",)


def test_a_revert_counts_in_its_own_repository_only(line):
    line.seal(1)
    line.seal(2, revert(11, 10, repository="other"), commit(10, "SHOP-1"))

    assert line.since(2, 1).found == ("SHOP-1",)


def test_a_revert_that_goes_takes_nothing_back(line):
    line.seal(1)
    line.seal(2, revert(11, 10, gone=True), commit(10, "SHOP-1"))

    assert line.since(2, 1).found == ("SHOP-1",)


def test_a_release_without_a_note_is_a_gap(line):
    line.seal(1)
    line.seal(2, key=None)
    line.seal(3, commit(3, "SHOP-3"))

    assert line.problem(3, 1) == "shop:2: it has no build note, so its commits are not known"
    assert line.problem(3).startswith("shop:2: it has no build note")
    assert line.since(3, 2) == Issues(("SHOP-3",))
    assert line.problem(2, 1, 3)  # one way without a gap does not make up for another


def test_a_note_by_an_unknown_key_is_a_gap(line):
    line.seal(1)
    line.seal(2, commit(2, "SHOP-2"), key=2)

    assert "its build note is not believed" in line.problem(2, 1)
    assert "its build note is not believed" in line.problem(2, 1, trust={})
    assert line.since(2, 1, trust=None) == Issues(("SHOP-2",))


def test_what_a_note_does_not_know_is_a_gap(line):
    line.seal(1)
    line.seal(2, commit(2, "SHOP-2"), lacks=["web: unknown", "api: unknown"])

    assert line.problem(2, 1) == "shop:2: web: unknown; and 1 more"


def test_a_finding_is_no_gap(line):
    line.seal(1)
    line.seal(2, commit(2, "SHOP-2"), findings=["web: its version did not change"])

    assert line.since(2, 1) == Issues(("SHOP-2",))


def test_a_malformed_note_is_a_gap(line):
    line.seal(1)
    line.seal(2, commits=[{"id": "2"}])

    assert line.problem(2, 1) == (
        "shop:2: its build note is malformed, so its commits are not known"
    )


def test_a_live_release_that_is_not_in_the_library_is_a_problem(four):
    digest = four.labels[1].digest
    four.estate.library.remove(digest)

    assert f"has no release sha256:{digest}" in four.problem(4, 1)
    assert f"has no release sha256:{digest}" in four.problem(4, 1, 3)


@pytest.mark.parametrize(
    ("digest", "said"), [("", "was adopted"), ("sha256:1", "neither name:version nor sha256")]
)
def test_what_is_no_release_digest_is_a_problem(four, digest, said):
    found = issues_since(four.estate.library, four.labels[4], [digest], KNOWN)

    assert said in found.problem
    assert not found.found


def test_a_release_of_another_application_is_no_baseline(four):
    api = four.estate.declare("1")._replace(name="api")
    pack = _sealing.pack_here(str(write_tree(four.estate.folder / "api", {"f": "1"})))
    digest = _sealing.seal(four.estate.library, api, pack)[0].label.digest
    found = issues_since(four.estate.library, four.labels[4], [digest], KNOWN)

    assert found == Issues((), "api:1 is live, which is no release of shop")


def test_a_release_that_is_not_in_the_library_is_a_problem(four):
    four.estate.library.remove(four.labels[4].digest)

    assert four.problem(4, 3).startswith("shop:4: it is not in the media library")


def test_a_way_that_is_too_long_to_follow_is_a_gap(four, monkeypatch):
    monkeypatch.setattr(_chain, "MOST_RELEASES", 2)

    assert four.since(4, 3) == Issues(("SHOP-4",))
    assert four.problem(4, 1) == "the build notes do not lead from shop:1 to shop:4"
    assert four.problem(4) == "the build notes do not lead from the first release to shop:4"


def test_a_way_that_leads_in_a_circle_is_a_gap(line):
    line.seal(1)
    line.labels[2] = line.estate.seal("2", {"app": "2"}, 2)
    line.seal(3, commit(3, "SHOP-3"), previous=2)
    line.seal(2, commit(2, "SHOP-2"), previous=3)

    assert line.problem(3, 1) == "the build notes do not lead from shop:1 to shop:3"
    assert line.problem(3) == "the build notes do not lead from the first release to shop:3"


@pytest.mark.parametrize("error", [LibraryError("no\nregistry"), PermissionError(13, "denied")])
def test_a_library_that_cannot_be_read_is_a_problem(four, monkeypatch, error):
    def fails(*_arguments):
        raise error

    monkeypatch.setattr(_attachments, "read", fails)
    assert four.problem(4, 1)


def test_notes_of_real_builds_are_read(tmp_path):
    shop = Shop(tmp_path)
    labels = []
    for serial in range(1, 4):
        shop.commit(f"feat: {serial} (SHOP-{serial})", app=str(serial))
        labels.append(shop.seal(str(serial), serial))
        attach_note(shop, labels[-1])

    found = issues_since(shop.library, labels[2], [labels[0].digest], KNOWN)
    assert found == Issues(("SHOP-2", "SHOP-3"))


def test_a_shallow_clone_is_a_gap(tmp_path):
    shop = Shop(tmp_path)
    for number in range(3):
        shop.commit(f"feat: {number} (SHOP-{number})", app=str(number))
    shop.repository.rename(tmp_path / "whole")
    there = f"file://{tmp_path}/whole"
    subprocess.run(["git", "clone", "-q", "--depth=2", there, shop.repository], check=True)
    label = shop.seal("1", 1)
    attach_note(shop, label)

    found = issues_since(shop.library, label, [], KNOWN)
    assert found.found == ()
    assert "the repository is a shallow clone" in found.problem


def attach_note(shop, label):
    note = shop.notes().of_build(label).to_plain()
    _attachments.attach(shop.library, label, _build_note.PREDICATE_TYPE, note, signer(1))
