# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence: attached to a release, believed by whose key it is, and gone with the release."""

from __future__ import annotations

import json

import pytest

from ansible_collections.itops.release.plugins.module_utils.formats import _canonical
from ansible_collections.itops.release.plugins.plugin_utils.evidence import (
    _attachments,
    _dsse,
    _signatures,
    _statement,
)
from ansible_collections.itops.release.plugins.plugin_utils.library import _retention, _store
from ansible_collections.itops.release.plugins.plugin_utils.oci import _referrers
from ansible_collections.itops.release.tests.fakes.estate import snapshot
from ansible_collections.itops.release.tests.fakes.signing import (
    NOW,
    envelope,
    key,
    public_key,
    signer,
    trust,
)

TYPE = "https://example.org/tested/v1"
SAID = {"tests": 12, "share": 0.5, "by": "ä\u2028"}
KNOWN = {public_key(1).fingerprint: public_key(1)}


def attach(estate, label, number=1, predicate=None, keep=True):
    said = SAID if predicate is None else predicate
    return _attachments.attach(estate.library, label, TYPE, said, signer(number), keep)


def attach_raw(estate, label, found):
    data = found if isinstance(found, bytes) else _dsse.render(found)
    notes = {_attachments.PREDICATE_NOTE: TYPE}
    estate.library.attach(label.digest, _attachments.ARTIFACT_TYPE, data, notes)


def only(estate, label, known=None):
    (found,) = _attachments.read(estate.library, label, known)
    return found


def signed(label, **changes):
    """Return an envelope of key 1 around a statement about a release, changed by *changes*."""
    plain = json.loads(_statement.render_any(label, TYPE, SAID))
    return envelope(1, payload=_canonical.dumps({**plain, **changes}))


def test_evidence_is_read_as_it_was_attached_and_attaching_again_changes_nothing(estate):
    label = estate.seal("1.0", {"app": "one"})

    assert attach(estate, label)
    before = snapshot(estate.folder / "library")

    assert not attach(estate, label)
    assert not attach(estate, label, keep=False)
    assert before == snapshot(estate.folder / "library")
    found = only(estate, label, KNOWN)
    assert (found.predicate_type, found.predicate, found.problem) == (TYPE, SAID, "")
    assert found.keys == (public_key(1),)
    assert attach(estate, label, 2)
    assert attach(estate, label, predicate={"tests": 13})


def test_foreseeing_evidence_writes_nothing_and_asks_nobody(estate):
    label = estate.seal("1.0", {"app": "one"})
    before = snapshot(estate.folder / "library")
    unable = signer(1)._replace(make=None)

    assert _attachments.attach(estate.library, label, TYPE, SAID, unable, keep=False)
    missing = label._replace(digest="0" * 64)
    assert _attachments.attach(estate.library, missing, TYPE, SAID, unable, keep=False)

    assert before == snapshot(estate.folder / "library")


def test_other_tools_find_evidence_by_the_types_they_know(estate):
    label = estate.seal("1.0", {"app": "one"})
    attach(estate, label)
    layout = estate.library.layout
    lists = [item for item in layout.descriptors() if _referrers.is_list(item)]

    (listed,) = layout.read_json(lists[0])["manifests"]
    manifest = layout.read_json(listed)

    assert listed["artifactType"] == manifest["artifactType"] == "application/vnd.in-toto+json"
    assert listed["annotations"]["in-toto.io/predicate-type"] == TYPE
    (layer,) = manifest["layers"]
    assert layer["mediaType"] == "application/vnd.dsse.envelope.v1+json"
    assert layout.read_json(layer)["payloadType"] == "application/vnd.in-toto+json"


def test_without_keys_evidence_is_told_as_nobody_s_word(estate):
    label = estate.seal("1.0", {"app": "one"})
    attach(estate, label)

    found = only(estate, label)

    assert (found.predicate, found.keys) == (SAID, ())
    assert found.problem == "it is not verified: no trust was given"


def test_what_no_known_key_verified_is_not_even_read(estate):
    label = estate.seal("1.0", {"app": "one"})
    attach(estate, label, 2)
    attach_raw(estate, label, envelope(1)._replace(payload=b"{"))

    unknown, altered = _attachments.read(estate.library, label, KNOWN)

    assert unknown.predicate is None
    assert unknown.predicate_type == TYPE
    assert unknown.problem.endswith(f"verified it; it names {public_key(2).fingerprint}")
    assert altered.predicate is None
    assert altered.problem.endswith(f"verified it; it names {public_key(1).fingerprint}")
    assert only_problems(_attachments.read(estate.library, label, {})) == [True, True]


def only_problems(found):
    return [bool(item.problem) and item.predicate is None for item in found]


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda label: b"{", "it cannot be read: not a DSSE envelope"),
        (lambda label: envelope(1, payload=b"{"), "not JSON"),
        (lambda label: envelope(1, payload=b"[" * 50_000), "nested too deep"),
        (lambda label: envelope(1, payload=b'{"_type":1,"_type":2}'), "key '_type' is repeated"),
        (lambda label: envelope(1, kind="text/\x1b"), "its type is 'text/\\x1b'"),
        (lambda label: signed(label, _type="https://in-toto.io/Statement/v0.1"), "it is a 'https"),
        (lambda label: signed(label, subject=[]), "it is about something else"),
        (lambda label: signed(label, subject=[{"digest": {"sha256": "0" * 64}}]), "something else"),
        (lambda label: signed(label, subject=["x"]), "is no statement of use"),
        (lambda label: signed(label, predicateType="x\n"), "its predicateType is none"),
        (lambda label: signed(label, predicateType=["x"]), "is no statement of use"),
        (lambda label: signed(label._replace(digest="cd" * 32)), "it is about something else"),
    ],
)
def test_what_is_no_evidence_of_the_release_is_told_in_a_line(estate, make, problem):
    label = estate.seal("1.0", {"app": "one"})
    attach_raw(estate, label, make(label))

    for known in (KNOWN, None):
        found = only(estate, label, known)
        assert found.predicate is None
        assert found.problem.isprintable()
        assert problem in found.problem


def test_what_the_library_claims_is_not_written_to_a_terminal(estate):
    label = estate.seal("1.0", {"app": "one"})
    notes = {_attachments.PREDICATE_NOTE: "\x1b[2J"}
    estate.library.attach(label.digest, _attachments.ARTIFACT_TYPE, b"{}", notes)

    assert only(estate, label, KNOWN).predicate_type is None


def test_evidence_and_signatures_are_in_nobody_s_way(estate, monkeypatch):
    monkeypatch.setattr(_referrers, "MOST_ATTACHED", 5)
    label = estate.seal("1.0", {"app": "one"})
    trusted = trust(release=(1, key(1)))
    for number in range(_referrers.MOST_ATTACHED):
        attach(estate, label, predicate={"number": number})

    assert _signatures.sign(estate.library, label.digest, "release", signer(1))
    _signatures.demand(estate.library, label, trusted, NOW)
    assert len(_signatures.describe(estate.library, label, trusted)) == 1
    found = _attachments.read(estate.library, label, KNOWN)
    assert [item.predicate["number"] for item in found] == list(range(_referrers.MOST_ATTACHED))
    with pytest.raises(_attachments.EvidenceError, match="has 5 pieces of evidence, no more are"):
        attach(estate, label)


def test_no_more_bytes_are_read_than_fit_in_memory(estate, monkeypatch):
    label = estate.seal("1.0", {"app": "one"})
    for number in range(3):
        attach(estate, label, predicate={"number": number, "much": "x" * 10_000})
    monkeypatch.setattr(_referrers, "LARGEST_TOGETHER", 30_000)

    found = _attachments.read(estate.library, label, KNOWN)

    assert [item.problem == "" for item in found] == [True, True, False]
    assert "is larger than" in found[2].problem


def test_evidence_that_is_too_large_to_be_read_is_not_attached(estate, monkeypatch):
    label = estate.seal("1.0", {"app": "one"})
    monkeypatch.setattr(_attachments, "LARGEST_STATEMENT", 1000)

    with pytest.raises(
        _attachments.EvidenceError, match=r"says of shop:1\.0 is larger than 1,000 by"
    ):
        attach(estate, label, predicate="x" * 1000)


def test_the_largest_evidence_is_read(estate):
    label = estate.seal("1.0", {"app": "one"})
    rest = len(_statement.render_any(label, TYPE, ""))

    attach(estate, label, predicate="x" * (_attachments.LARGEST_STATEMENT - rest))

    assert only(estate, label, KNOWN).problem == ""


def test_evidence_goes_with_its_release_and_no_other_does(estate):
    labels = [estate.seal(f"{number}.0", {"app": str(number)}) for number in (1, 2, 3)]
    before = snapshot(estate.folder / "library")
    for label in labels[:2]:
        attach(estate, label)
        _signatures.sign(estate.library, label.digest, "release", signer(1))
    attach(estate, labels[2])

    estate.library.remove(labels[0].digest)
    pruned = estate.library.prune(_retention.Rules(keep=1))

    assert [label.version for label in pruned.removed] == ["2.0"]
    assert only(estate, labels[2], KNOWN).problem == ""
    left = set(snapshot(estate.folder / "library")) - set(before)
    assert len(left) == 4  # envelope, its manifest, the list, the empty configuration


def test_nothing_is_attached_to_a_release_that_is_not_there(estate):
    label = estate.seal("1.0", {"app": "one"})
    estate.library.remove(label.digest)

    with pytest.raises(_store.LibraryError, match="has no release"):
        attach(estate, label)


def test_who_may_attest_is_who_may_sign_releases_while_the_key_is_valid(estate):
    label = estate.seal("1.0", {"app": "one"})
    numbers = {"build": 1, "release": 2, "approval": 3, "expired": 4, "early": 5}
    for number in numbers.values():
        attach(estate, label, number, {"number": number})
    trusted = trust(
        build=(1, key(1), key(4, not_after="2026-05-31"), key(5, not_before="2026-06-02")),
        release=(1, key(2)),
        approval=(1, key(3)),
    )

    told = _attachments.describe(estate.library, label, trusted, NOW)

    assert [item["signed_by"] for item in told] == [["key1"], ["key2"], [], [], []]
    assert [bool(item["problem"]) for item in told] == [False, False, True, True, True]
    assert {item["predicate_type"] for item in told} == {TYPE}
    assert list(_attachments.describe(estate.library, label, None, NOW)[0]) == [
        "digest",
        "predicate_type",
    ]
