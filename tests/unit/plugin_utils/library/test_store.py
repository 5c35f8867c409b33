# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The media library: an OCI image layout, in which a release is never changed nor half there."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import multiprocessing
import os
import resource
import shutil
import time

import pytest

from ansible_collections.itops.release.plugins.module_utils.formats import _codec
from ansible_collections.itops.release.plugins.module_utils.release import _manifest
from ansible_collections.itops.release.plugins.plugin_utils.building import _sealing
from ansible_collections.itops.release.plugins.plugin_utils.deployment import _packs
from ansible_collections.itops.release.plugins.plugin_utils.library import _store
from ansible_collections.itops.release.plugins.plugin_utils.oci import _index, _layout
from ansible_collections.itops.release.plugins.plugin_utils.release import _description
from ansible_collections.itops.release.tests.fakes.estate import snapshot, write_tree
from ansible_collections.itops.release.tests.fakes.locks import assert_waits
from ansible_collections.itops.release.tests.fakes.processes import in_child

FILES = {"app*": "one", "lib/a": "same"}


def blobs(estate):
    return estate.folder / "library/blobs/sha256"


def index(estate):
    return json.loads((estate.folder / "library/index.json").read_text())


def write_index(estate, plain):
    (estate.folder / "library/index.json").write_text(json.dumps(plain))


def layer_of(estate, label):
    (descriptor,) = estate.library.get(label.digest).layers.values()
    return blobs(estate) / descriptor["digest"].partition(":")[2]


def test_a_library_is_an_oci_image_layout(estate):
    label = estate.seal("1.0", FILES)
    folder = estate.folder / "library"

    assert json.loads((folder / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    assert index(estate)["schemaVersion"] == 2
    assert index(estate)["mediaType"] == "application/vnd.oci.image.index.v1+json"
    for path in blobs(estate).iterdir():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    tags = {}
    for item in index(estate)["manifests"]:
        tags[item["annotations"]["org.opencontainers.image.ref.name"]] = item
        blob = blobs(estate) / item["digest"].partition(":")[2]
        assert item["size"] == blob.stat().st_size
    assert set(tags) == {f"sha256-{label.digest}", "shop-1.0"}
    plain = json.loads(blob.read_text())
    assert plain["schemaVersion"] == 2
    assert plain["mediaType"] == item["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert plain["config"]["digest"] == f"sha256:{label.digest}"
    for part in (plain["config"], *plain["layers"]):
        assert part["size"] == (blobs(estate) / part["digest"].partition(":")[2]).stat().st_size


def test_what_is_in_a_library_can_be_read_by_others(estate):
    umask = os.umask(0o077)
    try:
        estate.seal("1.0", FILES)
    finally:
        os.umask(umask)

    for path in blobs(estate).iterdir():
        assert path.stat().st_mode & 0o777 == 0o644
    assert (estate.folder / "library/index.json").stat().st_mode & 0o777 == 0o644


def test_a_layer_with_a_private_file_is_for_its_owner_and_the_library_s_group(estate):
    group = 12345 if os.geteuid() == 0 else os.getegid()
    folder = estate.folder / "library"
    folder.mkdir()
    os.chown(folder, -1, group)
    folder.chmod(0o2755)

    label = estate.seal("1.0", FILES, private=["lib/*"])

    there = layer_of(estate, label).stat()
    assert (there.st_mode & 0o777, there.st_gid) == (0o640, group)
    assert (blobs(estate) / label.digest).stat().st_mode & 0o777 == 0o644
    assert layer_of(estate, estate.seal("1.1", FILES)).stat().st_mode & 0o777 == 0o644


def test_a_tag_has_no_sign_that_a_registry_refuses(estate):
    estate.seal("1.0+b~rc", FILES)

    tags = [
        item["annotations"]["org.opencontainers.image.ref.name"]
        for item in index(estate)["manifests"]
    ]
    assert "shop-1.0_b_rc" in tags


def read_through(library, label):
    """Read all layers of a release; LibraryError when one is damaged."""
    _packs.write(io.BytesIO(), library, label.digest, None, "gzip")


def seal_again(estate, version, files, serial, keep=True):
    source = write_tree(estate.folder / "again", files)
    release = estate.declare(version, serial)
    return _sealing.seal(estate.library, release, _sealing.pack_here(str(source)), keep)


def test_sealing_the_same_again_is_nothing_new(estate):
    label = estate.seal("1.0", FILES, serial=7)
    before = snapshot(estate.folder / "library")

    stored, new = seal_again(estate, "1.0", FILES, 7)

    assert not new
    assert stored.label == label
    after = snapshot(estate.folder / "library")
    assert {path: value[2] for path, value in after.items()} == {
        path: value[2] for path, value in before.items()
    }


@pytest.mark.parametrize(
    ("version", "serial", "files", "reason"),
    [
        ("1.0", 7, {"app": "other"}, "with version 1.0 already"),
        ("1.0", 8, FILES, "with version 1.0 already"),
        ("2.0", 7, FILES, "with serial 7 already"),
    ],
)
@pytest.mark.parametrize("keep", [True, False])
def test_a_version_or_serial_with_another_digest_is_refused(
    estate, version, serial, files, reason, keep
):
    estate.seal("1.0", FILES, serial=7)

    with pytest.raises(_store.LibraryError, match=reason):
        seal_again(estate, version, files, serial, keep)
    assert [label.version for label in estate.library.labels()] == ["1.0"]


def test_without_keeping_nothing_is_written(estate):
    stored, new = seal_again(estate, "1.0", FILES, 1, keep=False)

    assert new
    assert not (estate.folder / "library").exists()
    kept, _new = seal_again(estate, "1.0", FILES, 1)
    assert kept.label == stored.label
    assert _description.describe(kept)["files"] == _description.describe(stored)["files"] == 2


def test_releases_are_found_by_name_and_version_and_by_digest(estate):
    labels = [estate.seal(version, {"app": version}) for version in ("1.0", "2.0")]

    assert estate.library.find("shop:2.0") == labels[1]
    assert estate.library.find(f"sha256:{labels[0].digest}") == labels[0]
    assert estate.library.labels() == labels
    assert estate.library.get(labels[1].digest).manifest.version == "2.0"


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("shop:3.0", "has no release shop:3.0: the latest there are shop:1.0"),
        ("shpo:1.0", "has no release shpo:1.0: there is nothing of that name, but of shop"),
        ("sha256:" + "0" * 64, "has no release sha256:0000"),
        ("sha256:1234", "is neither"),
        ("shop", "is neither name:version nor sha256:<release digest>"),
        ("shop:", "is neither"),
        ("", "is neither"),
        ("Shop:1.0", "is neither"),
        ("shop:1.0\n", "is neither"),
    ],
)
def test_what_is_not_found_is_told_with_what_there_is(estate, reference, reason):
    estate.seal("1.0", FILES)

    with pytest.raises(_store.LibraryError, match=reason):
        estate.library.find(reference)


def test_a_library_that_is_not_there_has_nothing(estate):
    assert estate.library.labels() == []
    assert not estate.library.remove("0" * 64)
    with pytest.raises(_store.LibraryError, match=r"media_library .* does not exist"):
        estate.library.find("shop:1.0")
    assert not (estate.folder / "library").exists()


def test_removing_takes_along_what_nobody_else_needs(estate):
    shared = {"lib/a": "same"}
    first = estate.seal("1.0", {"app": "one", **shared})
    second = estate.seal("2.0", {"app": "two", **shared})
    before = set(os.listdir(blobs(estate)))

    assert estate.library.remove(first.digest)
    assert not estate.library.remove(first.digest)

    assert estate.library.labels() == [second]
    read_through(estate.library, second)
    assert len(before) - len(os.listdir(blobs(estate))) == 3


def test_removing_leaves_blobs_that_others_need(estate):
    first = estate.seal("1.0", FILES)
    second = estate.seal("2.0", FILES)
    assert layer_of(estate, first) == layer_of(estate, second)

    estate.library.remove(first.digest)

    read_through(estate.library, second)


def test_removing_leaves_artifacts_of_others_alone(estate):
    label = estate.seal("1.0", FILES)
    theirs = b'{"schemaVersion":2,"layers":[]}'
    digest = hashlib.sha256(theirs).hexdigest()
    (blobs(estate) / digest).write_bytes(theirs)
    plain = index(estate)
    plain["manifests"].append({"mediaType": "m", "digest": f"sha256:{digest}", "size": len(theirs)})
    write_index(estate, plain)

    estate.library.remove(label.digest)

    assert [item["digest"] for item in index(estate)["manifests"]] == [f"sha256:{digest}"]
    assert os.listdir(blobs(estate)) == [digest]


def put(estate, data):
    """Store a blob of others; return its digest."""
    digest = hashlib.sha256(data).hexdigest()
    (blobs(estate) / digest).write_bytes(data)
    return f"sha256:{digest}"


def put_document(estate, media_type, **plain):
    """Store a document of others; return its descriptor."""
    data = json.dumps({"schemaVersion": 2, **plain}).encode()
    return {"mediaType": media_type, "digest": put(estate, data), "size": len(data)}


def list_document(estate, descriptor):
    plain = index(estate)
    plain["manifests"].append(descriptor)
    write_index(estate, plain)


def put_image(estate):
    """Store an image of others: an index of a manifest, as tools copy it; return their digests."""
    config, layer = ({"mediaType": "m", "digest": put(estate, data)} for data in (b"c", b"l"))
    image = put_document(estate, _layout.OCI_MANIFEST_TYPE, config=config, layers=[layer])
    images = put_document(estate, _layout.OCI_INDEX_TYPE, manifests=[image])
    list_document(estate, images)
    return {item["digest"].partition(":")[2] for item in (config, layer, image, images)}


def test_removing_leaves_images_of_others_alone(estate):
    label = estate.seal("1.0", FILES)
    theirs = put_image(estate)

    estate.library.remove(label.digest)

    assert set(os.listdir(blobs(estate))) == theirs


@pytest.mark.parametrize("media_type", ["unknown", _layout.OCI_MANIFEST_TYPE, None])
def test_removing_takes_only_its_own_where_others_cannot_be_followed(estate, media_type):
    label = estate.seal("1.0", FILES)
    theirs = put_image(estate)
    blob = put(estate, b"what an unknown document leads to")
    odd = put_document(estate, media_type, blobs=[blob])
    list_document(estate, odd)

    estate.library.remove(label.digest)

    theirs |= {digest.partition(":")[2] for digest in (odd["digest"], blob)}
    assert set(os.listdir(blobs(estate))) == theirs


def test_a_signature_does_not_keep_what_it_signed(estate):
    label = estate.seal("1.0", FILES)
    config = {"mediaType": "m", "digest": put(estate, b"{}")}
    signature = put_document(
        estate,
        _layout.OCI_MANIFEST_TYPE,
        config=config,
        layers=[],
        subject=index(estate)["manifests"][0],
    )
    list_document(estate, signature)

    estate.library.remove(label.digest)

    assert set(os.listdir(blobs(estate))) == {
        item["digest"].partition(":")[2] for item in (config, signature)
    }


def test_a_copy_by_other_tools_keeps_its_releases(estate):
    label = estate.seal("1.0", FILES)
    plain = index(estate)
    for item in plain["manifests"]:  # such tools keep the tag and forget the type
        del item["artifactType"]
    write_index(estate, plain)

    assert estate.library.labels() == [label]
    assert estate.library.remove(label.digest)
    assert estate.library.labels() == []
    assert os.listdir(blobs(estate)) == []


def test_a_signature_beside_a_release_is_no_release(estate):
    label = estate.seal("1.0", FILES)
    theirs = b'{"schemaVersion":2,"layers":[]}'
    digest = hashlib.sha256(theirs).hexdigest()
    (blobs(estate) / digest).write_bytes(theirs)
    plain = index(estate)
    tag = {"org.opencontainers.image.ref.name": f"sha256-{label.digest}.sig"}
    plain["manifests"].append(
        {"mediaType": "m", "digest": f"sha256:{digest}", "size": 31, "annotations": tag}
    )
    write_index(estate, plain)

    assert estate.library.labels() == [label]


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def alter(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def empty(path):
    path.write_bytes(b"")


DAMAGES = [cut, alter, empty, os.unlink]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_document_is_refused(estate, damage):
    label = estate.seal("1.0", FILES)
    damage(blobs(estate) / label.digest)

    with pytest.raises(_store.LibraryError, match=r"is altered|is missing"):
        estate.library.get(label.digest)


def oci_manifest_of(estate, label):
    (descriptor,) = (
        item
        for item in index(estate)["manifests"]
        if item["annotations"]["org.opencontainers.image.ref.name"] == f"sha256-{label.digest}"
    )
    return blobs(estate) / descriptor["digest"].partition(":")[2]


def document_of(estate, label):
    return blobs(estate) / label.digest


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_oci_manifest_is_refused(estate, damage):
    label = estate.seal("1.0", FILES)
    path = oci_manifest_of(estate, label)
    damage(path)

    for look in (
        lambda: estate.library.get(label.digest),
        lambda: estate.library.find(f"sha256:{label.digest}"),
        lambda: estate.library.find("shop:1.0"),
    ):
        with pytest.raises(_store.LibraryError, match=f"{path.name} is (altered|missing)$"):
            look()


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_release_is_in_nobodys_way(estate, damage):
    first, broken = estate.seal("1.0", FILES), estate.seal("2.0", {"app": "two"})
    damage(oci_manifest_of(estate, broken))

    third = estate.seal("3.0", {"app": "three"})

    assert estate.library.labels() == [first, third]
    assert estate.library.find("shop:1.0") == first
    read_through(estate.library, first)
    assert estate.library.remove(first.digest)
    assert estate.library.labels() == [third]
    read_through(estate.library, third)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_release_can_be_removed(estate, damage):
    broken, label = estate.seal("1.0", FILES), estate.seal("2.0", {"app": "two"})
    damage(oci_manifest_of(estate, broken))

    assert estate.library.remove(broken.digest)

    assert not estate.library.remove(broken.digest)
    assert len(index(estate)["manifests"]) == 2
    assert len(os.listdir(blobs(estate))) == 3
    read_through(estate.library, label)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("part", [oci_manifest_of, document_of, layer_of])
def test_sealing_again_mends_a_damaged_release(estate, damage, part):
    label, other = estate.seal("1.0", FILES, serial=1), estate.seal("2.0", FILES, serial=2)
    plain = index(estate)
    plain["manifests"].append(
        {
            **next(
                item
                for item in plain["manifests"]
                if item["annotations"]["org.opencontainers.image.ref.name"] == "shop-1.0"
            ),
            "annotations": {"org.opencontainers.image.ref.name": "the-users-own"},
        }
    )
    write_index(estate, plain)
    whole = {path.name: path.read_bytes() for path in blobs(estate).iterdir()}
    damage(part(estate, label))

    assert seal_again(estate, "1.0", FILES, 1, keep=False)[1]
    stored, new = seal_again(estate, "1.0", FILES, 1)

    assert new
    assert stored.label == label
    assert {path.name: path.read_bytes() for path in blobs(estate).iterdir()} == whole
    assert index(estate) == plain
    assert not seal_again(estate, "1.0", FILES, 1)[1]
    for each in (label, other):
        read_through(estate.library, each)


@pytest.mark.parametrize("part", [oci_manifest_of, document_of, layer_of])
def test_what_was_compressed_otherwise_is_mended_with_other_blobs(estate, part, monkeypatch):
    label = estate.seal("1.0", FILES)
    before = layer_of(estate, label)
    os.unlink(part(estate, label))
    monkeypatch.setattr(_codec, "readable", lambda: ["gzip"])

    stored, new = seal_again(estate, "1.0", FILES, 1)

    assert new
    assert stored.label == label
    assert layer_of(estate, label) != before
    assert len(os.listdir(blobs(estate))) == 3
    assert len(index(estate)["manifests"]) == 2
    read_through(estate.library, label)


def test_a_damaged_release_is_not_replaced_by_another(estate):
    label = estate.seal("1.0", FILES)
    os.unlink(oci_manifest_of(estate, label))

    with pytest.raises(_store.LibraryError, match="is missing"):
        seal_again(estate, "1.0", {"app": "other"}, 2)


def seal_as(estate, name, version, serial):
    source = write_tree(estate.folder / "named", {"app": f"{name} {version}"})
    release = estate.declare(version, serial)._replace(name=name)
    return _sealing.seal(estate.library, release, _sealing.pack_here(str(source)))[0].label


@pytest.mark.parametrize(
    ("one", "other"), [(("a-b", "1"), ("a", "b-1")), (("a", "1+b"), ("a", "1~b"))]
)
def test_a_tag_names_one_release(estate, one, other):
    labels = [seal_as(estate, *one, 1), seal_as(estate, *other, 2)]

    tags = [
        item["annotations"]["org.opencontainers.image.ref.name"]
        for item in index(estate)["manifests"]
    ]
    assert len(tags) == len(set(tags)) == 3
    assert [estate.library.find(":".join(names)) for names in (one, other)] == labels
    for label in labels:
        assert estate.library.remove(label.digest)
    assert index(estate)["manifests"] == []


def test_an_image_of_others_may_have_the_tag_of_a_release(estate):
    estate.seal("1.0", FILES)
    image = put_document(estate, _layout.OCI_MANIFEST_TYPE, config={}, layers=[])
    image["annotations"] = {"org.opencontainers.image.ref.name": "shop-2.0"}
    list_document(estate, image)

    with pytest.raises(_store.LibraryError, match=r"has no release shop:2\.0"):
        estate.library.find("shop:2.0")
    label = estate.seal("2.0", {"app": "two"})

    assert estate.library.find("shop:2.0") == label
    assert image in index(estate)["manifests"]


def test_a_library_without_its_layout_file_is_told_in_a_line(estate):
    label = estate.seal("1.0", FILES)
    os.unlink(estate.folder / "library/oci-layout")

    with pytest.raises(_store.LibraryError, match="oci-layout is missing"):
        estate.library.remove(label.digest)
    assert estate.library.labels() == [label]


def test_what_killed_sealings_left_goes_after_a_day(estate):
    estate.seal("1.0", FILES)
    for name, hours in (("old", 25), ("young", 23)):
        write_tree(blobs(estate), {f".layers-{name}/app": "x", f".new-{name}": "x"})
        when = time.time() - hours * 3600
        for path in (f".layers-{name}", f".new-{name}"):
            os.utime(blobs(estate) / path, (when, when))

    estate.seal("2.0", {"app": "two"})

    left = [name for name in os.listdir(blobs(estate)) if name.startswith(".")]
    assert sorted(left) == [".layers-young", ".new-young"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_layer_is_refused_and_no_pack_is_kept(estate, damage):
    label = estate.seal("1.0", FILES)
    damage(layer_of(estate, label))
    stored = estate.library.get(label.digest)
    cache = _packs.PackCache(str(estate.folder / "cache"))

    with pytest.raises(_store.LibraryError):
        read_through(estate.library, stored.label)
    with pytest.raises(_store.LibraryError, match=r"damaged|missing"):
        cache.get(estate.library, label.digest, None, "gzip")
    assert [name for name in os.listdir(cache.path) if not name.endswith(".lock")] == []


def test_a_layer_is_refused_whichever_byte_is_altered(estate):
    label = estate.seal("1.0", FILES)
    path = layer_of(estate, label)
    data = path.read_bytes()
    stored = estate.library.get(label.digest)

    accepted = []
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        try:
            read_through(estate.library, stored.label)
        except _store.LibraryError:
            continue
        accepted.append(at)
    # A few bits of a compressed stream's own header say nothing about what it holds.
    assert len(accepted) < 5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"manifests":null}',
        '{"manifests":[1]}',
        '{"manifests":[null]}',
        '{"manifests":[{}]}',
        '{"manifests":[],"manifests":[]}',
        '{"manifests":["sha256:00"]}',
    ],
)
def test_a_malformed_index_is_refused_and_stays_as_it_is(estate, text):
    estate.seal("1.0", FILES)
    path = estate.folder / "library/index.json"
    path.write_text(text)

    with pytest.raises(_store.LibraryError, match=r"index\.json is malformed"):
        estate.library.labels()
    with pytest.raises(_store.LibraryError):
        seal_again(estate, "2.0", FILES, 2)
    assert path.read_text() == text


@pytest.mark.parametrize(
    "item",
    [
        {"annotations": None},
        {"annotations": []},
        {"annotations": {"org.opencontainers.image.ref.name": 1}},
        {"artifactType": _index.RELEASE_TYPE, "digest": "sha256:../../../etc/passwd"},
        {"artifactType": _index.RELEASE_TYPE, "digest": "md5:00"},
        {"artifactType": _index.RELEASE_TYPE, "digest": "sha256:" + "0" * 64},
    ],
)
def test_an_entry_of_the_index_is_a_release_or_an_error_in_a_line(estate, item):
    estate.seal("1.0", FILES)
    plain = index(estate)
    plain["manifests"].append({"digest": "sha256:" + "1" * 64, **item})
    write_index(estate, plain)

    try:
        count = len(estate.library.labels())
    except _store.LibraryError as error:
        count, reason = 1, str(error)
        assert "\n" not in reason
    assert count == 1


def test_labels_that_are_not_the_manifests_are_refused(estate):
    label = estate.seal("1.0", FILES)
    plain = index(estate)
    path = blobs(estate) / plain["manifests"][0]["digest"].partition(":")[2]
    data = path.read_bytes().replace(b'"1.0"', b'"9.9"')
    digest = hashlib.sha256(data).hexdigest()
    (blobs(estate) / digest).write_bytes(data)
    for item in plain["manifests"]:
        item.update(digest=f"sha256:{digest}", size=len(data))
    write_index(estate, plain)

    assert estate.library.find("shop:9.9").digest == label.digest
    with pytest.raises(_store.LibraryError, match="labels of shop are not its manifest's"):
        estate.library.get(label.digest)


def test_a_directory_that_is_something_else_is_refused_and_untouched(estate):
    write_tree(estate.folder / "library", {"notes.txt": "mine"})
    before = snapshot(estate.folder / "library")

    with pytest.raises(_store.LibraryError, match="is not a media library"):
        estate.library.labels()
    with pytest.raises(_store.LibraryError, match="is not a media library"):
        seal_again(estate, "1.0", FILES, 1)
    assert snapshot(estate.folder / "library") == before


@pytest.mark.parametrize("attempt", range(5))
def test_processes_that_add_at_once_lose_nothing(estate, attempt):
    del attempt  # what goes wrong rarely gets several chances
    context = multiprocessing.get_context("fork")
    together = context.Barrier(8)

    def seal(number):
        together.wait(20)
        estate.seal(f"{number}.0", {"app": str(number)}, number)

    processes = [context.Process(target=seal, args=(number,)) for number in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0] * 8
    assert [label.serial for label in estate.library.labels()] == list(range(8))
    for label in estate.library.labels():
        read_through(estate.library, label)


def test_two_that_write_at_once_take_turns(estate):
    estate.seal("1.0", {"app": "1"})
    context = multiprocessing.get_context("fork")
    locked = context.Event()

    def seal():
        locked.wait(20)
        estate.seal("2.0", {"app": "2"})

    process = context.Process(target=seal)
    process.start()  # before the lock is taken: a child inherits what is open, locks too
    with open(estate.folder / "library/oci-layout", "rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        locked.set()
        assert_waits(process)
        assert [label.version for label in estate.library.labels()] == ["1.0"]

    process.join(20)
    assert process.exitcode == 0
    assert [label.version for label in estate.library.labels()] == ["1.0", "2.0"]


def test_what_writers_lock_is_made_once_and_never_replaced(estate, monkeypatch):
    layout = estate.folder / "library/oci-layout"
    real, inodes = os.path.exists, []

    def exists(path):
        """Say that the layout is not there, as it was a moment before another made it."""
        if path == str(layout) and not inodes:
            layout.write_text('{"imageLayoutVersion":"1.0.0"}')
            inodes.append(layout.stat().st_ino)
            return False
        return real(path)

    monkeypatch.setattr(os.path, "exists", exists)
    estate.seal("1.0", FILES)

    assert layout.stat().st_ino == inodes[0]


def test_a_description_counts_files_and_bytes(estate):
    label = estate.seal("1.0", {**FILES, "empty/": "", "link@": "app"})

    told = _description.describe(estate.library.get(label.digest))

    assert (told["files"], told["bytes"]) == (2, 7)
    assert told["digest"] == label.digest
    assert told["stored_bytes"] > 0
    assert told["components"] == [
        {
            "name": "app",
            "version": "1.0",
            "kind": "files",
            "path": ".",
            "files": 2,
            "bytes": 7,
        }
    ]
    assert _manifest.DIGEST.match(told["digest"])


def test_a_library_can_be_moved(estate):
    label = estate.seal("1.0", FILES)
    shutil.move(estate.folder / "library", estate.folder / "elsewhere")
    library = _store.Library(str(estate.folder / "elsewhere"))

    read_through(library, label)


def test_the_latest_of_an_application_are_named_whatever_else_there_is(estate):
    estate.seal("1.0", {"app": "1"})
    pack = _sealing.pack_here(str(estate.folder / "sources" / "1.0"))
    for number in range(6):
        _sealing.seal(estate.library, estate.declare("1.0")._replace(name=f"tool{number}"), pack)

    with pytest.raises(_store.LibraryError, match=r"2\.0: the latest there are shop:1\.0$"):
        estate.library.find("shop:2.0")
    with pytest.raises(_store.LibraryError, match=r"name, but of shop, .*tool3 and 2 more$"):
        estate.library.find("none:1.0")


def test_a_document_takes_no_more_memory_than_it_has(estate):
    label = estate.seal("1", FILES)

    def read():
        with open("/proc/self/statm", "rb") as stream:
            taken = int(stream.read().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (taken + 64 * 1024 * 1024, hard))
        return estate.library.get(label.digest).label

    assert in_child(read) == label
