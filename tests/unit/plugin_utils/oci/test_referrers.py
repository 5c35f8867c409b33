# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures in a library: found by other tools, kept and removed with their release."""

from __future__ import annotations

import concurrent.futures
import json
import shutil

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.evidence import _dsse, _signatures
from ansible_collections.itops.release.plugins.plugin_utils.library import (
    _catalogue,
    _retention,
    _store,
)
from ansible_collections.itops.release.plugins.plugin_utils.oci import _index, _referrers
from ansible_collections.itops.release.tests.fakes.estate import snapshot
from ansible_collections.itops.release.tests.fakes.processes import KILLED, exit_status, kill_at
from ansible_collections.itops.release.tests.fakes.signing import (
    NOW,
    key,
    public_key,
    signer,
    trust,
)

ONE = trust(release=(1, key(1)))
EMPTY_SHA256 = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"  # of "{}"


def sign(estate, label, number=1, role="release", keep=True):
    return _signatures.sign(estate.library, label.digest, role, signer(number), keep)


def demand(estate, label, trusted=ONE):
    _signatures.demand(estate.library, label, trusted, NOW)


def blob(estate, digest):
    return estate.folder / "library/blobs/sha256" / digest.partition(":")[2]


def read(estate, descriptor):
    return json.loads(blob(estate, descriptor["digest"]).read_text())


def index(estate):
    return json.loads((estate.folder / "library/index.json").read_text())["manifests"]


def write_index(estate, manifests):
    plain = {"schemaVersion": 2, "manifests": manifests}
    (estate.folder / "library/index.json").write_text(json.dumps(plain))


def entry_of(estate, tag):
    return next(item for item in index(estate) if _index.tag_of(item) == tag)


def list_of(estate, label):
    """Return the list of what is attached to a release, where other tools look for it."""
    subject = entry_of(estate, f"sha256-{label.digest}")
    return read(estate, entry_of(estate, subject["digest"].replace(":", "-")))


def envelopes(estate, label):
    """Return the paths of the envelopes that are attached to a release."""
    manifests = [read(estate, item) for item in list_of(estate, label)["manifests"]]
    return [blob(estate, manifest["layers"][0]["digest"]) for manifest in manifests]


def test_a_release_that_is_signed_may_be_deployed_and_signing_again_changes_nothing(estate):
    label = estate.seal("1.0", {"app": "one"})
    with pytest.raises(
        _signatures.Refused, match=r"^shop:1\.0 may not be deployed: role release of"
    ):
        demand(estate, label)

    assert sign(estate, label, keep=False)
    before = snapshot(estate.folder / "library")
    assert sign(estate, label)
    assert before != snapshot(estate.folder / "library")

    demand(estate, label)
    before = snapshot(estate.folder / "library")
    assert not sign(estate, label)
    assert not sign(estate, label, keep=False)
    assert before == snapshot(estate.folder / "library")
    assert sign(estate, label, role="build")
    assert sign(estate, label, 2)


def test_foreseeing_a_signature_writes_nothing_and_asks_nobody(estate):
    label = estate.seal("1.0", {"app": "one"})
    before = snapshot(estate.folder / "library")
    unable = signer(1)._replace(make=None)

    assert _signatures.sign(estate.library, label.digest, "release", unable, keep=False)

    assert before == snapshot(estate.folder / "library")


def test_a_signature_is_an_oci_manifest_with_a_subject_and_a_fallback_tag(estate):
    label = estate.seal("1.0", {"app": "one"})
    sign(estate, label)

    (listed,) = list_of(estate, label)["manifests"]
    manifest = read(estate, listed)

    subject = entry_of(estate, f"sha256-{label.digest}")
    assert manifest["subject"] == {name: subject[name] for name in ("mediaType", "digest", "size")}
    assert manifest["artifactType"] == listed["artifactType"] == _dsse.ENVELOPE_TYPE
    assert manifest["config"] == {
        "mediaType": "application/vnd.oci.empty.v1+json",
        "digest": f"sha256:{EMPTY_SHA256}",
        "size": 2,
    }
    (layer,) = manifest["layers"]
    assert layer["mediaType"] == _dsse.ENVELOPE_TYPE
    assert read(estate, layer)["payloadType"] == "application/vnd.in-toto+json"


def test_countersigning_keeps_the_signatures_that_are_there(estate):
    label = estate.seal("1.0", {"app": "one"})
    for number in (1, 2, 3):
        sign(estate, label, number)

    demand(estate, label, trust(release=(3, key(1), key(2), key(3))))
    tags = [_index.tag_of(item) for item in index(estate)]
    assert len(tags) == len(set(tags)) == 3


def test_people_who_sign_at_once_lose_nothing(estate):
    label = estate.seal("1.0", {"app": "one"})
    numbers = range(1, 9)

    with concurrent.futures.ThreadPoolExecutor(len(numbers)) as pool:
        assert all(pool.map(lambda number: sign(estate, label, number), numbers))

    demand(estate, label, trust(release=(len(numbers), *map(key, numbers))))


def test_signing_waits_for_its_turn(estate):
    label = estate.seal("1.0", {"app": "one"})

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with estate.library.layout.locked():
            signing = pool.submit(sign, estate, label)
            assert not concurrent.futures.wait([signing], timeout=0.3).done
        assert signing.result(timeout=30)


def test_signing_that_is_killed_leaves_the_signatures_there_were(estate):
    label = estate.seal("1.0", {"app": "one"})
    sign(estate, label)
    shutil.copytree(estate.folder / "library", estate.folder / "before")
    kills = 0
    while True:
        shutil.rmtree(estate.folder / "library")
        shutil.copytree(estate.folder / "before", estate.folder / "library")

        def cut_short(number=kills + 1):
            kill_at(number, estate.folder / "library")
            sign(estate, label, 2)

        status = exit_status(cut_short)
        demand(estate, label)
        assert sign(estate, label, 2) == (status == KILLED)
        demand(estate, label, trust(release=(2, key(1), key(2))))
        if status == 0:
            break
        kills += 1

    assert kills == 4  # the envelope, its manifest, the list, and the index


def test_a_signature_of_another_release_does_not_count_when_it_is_moved_here(estate):
    signed, other = estate.seal("1.0", {"app": "one"}), estate.seal("2.0", {"app": "two"})
    sign(estate, signed)
    data = envelopes(estate, signed)[0].read_bytes()
    estate.library.attach(other.digest, _dsse.ENVELOPE_TYPE, data, {})

    with pytest.raises(_signatures.Refused, match=r"another release, shop:1\.0 serial 1 "):
        demand(estate, other)


def test_a_release_that_the_library_calls_by_another_name_is_refused(estate):
    label = estate.seal("1.0", {"app": "one"})
    sign(estate, label)
    item = entry_of(estate, f"sha256-{label.digest}")
    plain = read(estate, item)
    plain["annotations"][_catalogue.VERSION] = "2.0"
    stored = estate.library.layout.store_bytes(json.dumps(plain).encode(), item["mediaType"])
    everything = _referrers.moved(
        estate.library.layout, index(estate), {item["digest"]}, {**item, **stored}
    )
    write_index(
        estate,
        [{**it, **stored} if it["digest"] == item["digest"] else it for it in everything],
    )

    found = estate.library.find("shop:2.0")
    assert found.digest == label.digest
    with pytest.raises(_signatures.Refused, match=r"another release, shop:1\.0 serial 1 "):
        demand(estate, found)


def test_removing_a_release_removes_its_signatures_and_no_others(estate):
    gone, stays = estate.seal("1.0", {"app": "one"}), estate.seal("2.0", {"app": "two"})
    before = set(blob(estate, "").iterdir())
    sign(estate, stays)
    only_one = set(blob(estate, "").iterdir())
    for number in (1, 2):
        sign(estate, gone, number)

    estate.library.remove(gone.digest)

    assert len(index(estate)) == 3
    demand(estate, stays)
    left = set(blob(estate, "").iterdir())
    assert left < only_one
    assert len(left - before) == 4  # envelope, its manifest, the list, and the empty configuration


def test_pruning_takes_signatures_along_with_their_releases(estate):
    labels = [estate.seal(f"{number}.0", {"app": str(number)}) for number in (1, 2, 3)]
    for label in labels:
        sign(estate, label)
        sign(estate, label, 2)
    rules = _retention.Rules(keep=1)

    foreseen = estate.library.prune(rules, keep=False)
    pruned = estate.library.prune(rules)

    assert pruned == foreseen
    assert [label.version for label in pruned.removed] == ["1.0", "2.0"]
    assert not estate.library.prune(rules).changed
    demand(estate, labels[2], trust(release=(2, key(1), key(2))))
    assert len(index(estate)) == 3
    # manifest, configuration, layer; list, empty configuration, and two envelopes with manifests
    assert len(list(blob(estate, "").iterdir())) == 3 + 2 + 4


def test_a_release_keeps_its_signatures_when_it_is_mended_in_another_form(estate):
    label = estate.seal("1.0", {"app": "one"})
    sign(estate, label)
    sign(estate, label, 2)
    item = entry_of(estate, f"sha256-{label.digest}")
    plain = read(estate, item)
    # As if its layer had been compressed otherwise when it was sealed here first.
    stored = estate.library.layout.store_bytes(
        json.dumps({**plain, "annotations": {**plain["annotations"], "other": "form"}}).encode(),
        item["mediaType"],
    )
    moved = _referrers.moved(
        estate.library.layout, index(estate), {item["digest"]}, {**item, **stored}
    )
    write_index(
        estate, [{**it, **stored} if it["digest"] == item["digest"] else it for it in moved]
    )
    demand(estate, label)
    blob(estate, plain["layers"][0]["digest"]).write_bytes(b"damaged")

    estate.seal("1.0", {"app": "one"}, serial=label.serial)

    assert entry_of(estate, f"sha256-{label.digest}")["digest"] == item["digest"]
    demand(estate, label, trust(release=(2, key(1), key(2))))
    assert len(index(estate)) == 3
    assert not sign(estate, label)


@pytest.mark.parametrize("part", ["envelope", "manifest", "list"])
@pytest.mark.parametrize("how", ["altered", "missing"])
def test_a_damaged_signature_hides_nothing_and_signing_mends_it(estate, part, how):
    label = estate.seal("1.0", {"app": "one"})
    sign(estate, label)
    (listed,) = list_of(estate, label)["manifests"]
    lists = [item for item in index(estate) if _referrers.is_list(item)]
    path = {
        "envelope": envelopes(estate, label)[0],
        "manifest": blob(estate, listed["digest"]),
        "list": blob(estate, lists[0]["digest"]),
    }[part]
    path.write_bytes(b"{}") if how == "altered" else path.unlink()

    assert estate.library.get(label.digest).label == label
    assert estate.library.survey()[1] == []
    with pytest.raises(_signatures.Refused, match=f"cannot be read, .* is {how}: sign again"):
        demand(estate, label)
    assert sign(estate, label)
    demand(estate, label)


def test_what_other_tools_list_in_the_index_itself_counts_too(estate):
    label = estate.seal("1.0", {"app": "one"})
    sign(estate, label)
    (listed,) = list_of(estate, label)["manifests"]
    write_index(estate, [*(item for item in index(estate) if not _referrers.is_list(item)), listed])

    demand(estate, label)

    estate.library.remove(label.digest)
    assert index(estate) == []
    assert list(blob(estate, "").iterdir()) == []


def test_another_tool_s_attachments_are_no_signatures_and_go_along(estate):
    label = estate.seal("1.0", {"app": "one"})
    estate.library.attach(label.digest, "application/vnd.example", b"notes", {})

    with pytest.raises(_signatures.Refused, match="not signed; sign it with 1 of key1"):
        demand(estate, label)
    sign(estate, label)
    demand(estate, label)
    assert len(list_of(estate, label)["manifests"]) == 2


def test_more_documents_than_anybody_attaches_are_not_read(estate):
    label = estate.seal("1.0", {"app": "one"})
    for number in range(_referrers.MOST_ATTACHED + 1):
        estate.library.attach(label.digest, _dsse.ENVELOPE_TYPE, b"%d" % number, {})

    found = estate.library.attached(label.digest, _dsse.ENVELOPE_TYPE, 100)

    assert len(found) == _referrers.MOST_ATTACHED + 1
    assert "more than 100 documents are attached" in found[-1].damage


def test_a_document_that_is_too_large_is_damaged(estate):
    label = estate.seal("1.0", {"app": "one"})
    estate.library.attach(label.digest, _dsse.ENVELOPE_TYPE, b"x" * 101, {})

    (found,) = estate.library.attached(label.digest, _dsse.ENVELOPE_TYPE, 100)

    assert found.damage.endswith("is larger than 100 bytes")


def test_a_release_that_is_not_there_is_not_signed(estate):
    label = estate.seal("1.0", {"app": "one"})
    estate.library.remove(label.digest)

    with pytest.raises(_store.LibraryError, match="has no release"):
        sign(estate, label)
    with pytest.raises(_store.LibraryError, match="has no release"):
        estate.library.attach(label.digest, _dsse.ENVELOPE_TYPE, b"", {})


def test_signatures_are_described_as_claimed_and_with_trust_as_they_are(estate):
    label = estate.seal("1.0", {"app": "one"})
    sign(estate, label)
    sign(estate, label, 2, role="build")
    notes = {_signatures.ROLE_NOTE: "\x1b[2J", _signatures.KEY_NOTE: ["x"]}
    estate.library.attach(label.digest, _dsse.ENVELOPE_TYPE, b"nonsense", notes)

    claimed = _signatures.describe(estate.library, label)
    verified = _signatures.describe(estate.library, label, ONE)

    assert [(item["role"], item["key"]) for item in claimed] == [
        ("release", public_key(1).fingerprint),
        ("build", public_key(2).fingerprint),
        (None, None),
    ]
    assert "signed_by" not in claimed[0]
    assert [item["signed_by"] for item in verified] == [["key1"], [], []]
    assert verified[0]["problem"] == ""
    assert "which trust.yml does not list" in verified[1]["problem"]
    assert "cannot be read" in verified[2]["problem"]


def test_a_copy_of_the_library_is_as_signed_as_the_library(estate, tmp_path):
    label = estate.seal("1.0", {"app": "one"})
    sign(estate, label)

    shutil.copytree(estate.folder / "library", tmp_path / "copy")

    _signatures.demand(_store.Library(str(tmp_path / "copy")), label, ONE, NOW)
