# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pruning a media library, and pins in it: what is needed stays, whatever cuts it short."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import multiprocessing
import os
import shutil
import sys
import time
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.building import _sealing
from ansible_collections.itops.release.plugins.plugin_utils.deployment import _packs
from ansible_collections.itops.release.plugins.plugin_utils.library import _retention, _store
from ansible_collections.itops.release.plugins.plugin_utils.oci import _layout
from ansible_collections.itops.release.tests.fakes.estate import snapshot, write_tree
from ansible_collections.itops.release.tests.fakes.locks import assert_waits
from ansible_collections.itops.release.tests.fakes.processes import KILLED, exit_status, kill_at

SAME = {"lib/a": "same"}


def blobs(estate):
    return estate.folder / "library/blobs/sha256"


def index(estate):
    return json.loads((estate.folder / "library/index.json").read_text())


def write_index(estate, plain):
    (estate.folder / "library/index.json").write_text(json.dumps(plain))


def tag_of(item):
    return item["annotations"]["org.opencontainers.image.ref.name"]


def oci_manifest_of(estate, label):
    items = index(estate)["manifests"]
    (digest,) = {item["digest"] for item in items if tag_of(item) == f"sha256-{label.digest}"}
    return blobs(estate) / digest.partition(":")[2]


def seal(estate, version, serial, name="shop", files=None):
    """Seal a release of an application called *name*; return its Label."""
    source = write_tree(estate.folder / name / version, files or {"app": f"{name} {version}"})
    release = estate.declare(version, serial)._replace(name=name)
    return _sealing.seal(estate.library, release, _sealing.pack_here(str(source)))[0].label


@pytest.fixture
def labels(estate):
    """Five releases of shop, sealed in another order than their serials', newest last."""
    sealed = {n: seal(estate, f"{n}.0", n) for n in (3, 1, 10, 9, 2)}
    return [sealed[n] for n in sorted(sealed)]


def read_through(library):
    """Read every release that the library lists, whole; LibraryError when one is damaged."""
    for label in library.labels():
        _packs.write(io.BytesIO(), library, label.digest, None, "gzip")


def prune(estate, keep=1, write=True, **rules):
    return estate.library.prune(_retention.Rules(keep, **rules), write)


def test_the_newest_of_each_application_stay_by_serial(estate, labels):
    others = [seal(estate, f"{n}.0", n, name="api") for n in (1, 2)]

    pruned = prune(estate, keep=2)

    assert pruned.removed == labels[:3]
    assert pruned.kept == {label: ["newest"] for label in [*others, *labels[3:]]}
    assert pruned.changed
    assert estate.library.labels() == [*others, *labels[3:]]
    read_through(estate.library)


def test_pruning_again_finds_nothing(estate, labels):
    prune(estate, keep=2)
    before = snapshot(estate.folder / "library")

    pruned = prune(estate, keep=2)

    assert not pruned.changed
    assert (pruned.removed, pruned.freed_bytes) == ([], 0)
    assert snapshot(estate.folder / "library") == before


def test_what_is_in_use_stays(estate, labels):
    in_use = (f"sha256:{labels[0].digest}", "shop:3.0")

    pruned = prune(estate, in_use=in_use)

    assert pruned.removed == [labels[1], labels[3]]
    assert pruned.kept == {
        labels[0]: ["in use"],
        labels[2]: ["in use"],
        labels[4]: ["newest"],
    }
    read_through(estate.library)


def test_a_digest_in_use_may_be_gone_from_the_library(estate, labels):
    assert prune(estate, keep=5, in_use=("sha256:" + "0" * 64,)).removed == []


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("shop", "'shop' is neither name:version nor sha256:<release digest>"),
        ("sha256:12", "'sha256:12' is neither"),
        ("", "'' is neither"),
        ("shop:1.0\n", "is neither"),
        ("shop:7.0", r"has no release shop:7\.0: the latest there are .*shop:10\.0"),
    ],
)
@pytest.mark.parametrize("write", [True, False])
def test_what_names_no_release_is_refused_and_nothing_removed(
    estate, labels, reference, reason, write
):
    with pytest.raises(_store.LibraryError, match=reason) as caught:
        prune(estate, write=write, in_use=("shop:1.0", reference))

    assert str(caught.value).startswith("in_use: ")
    assert "\n" not in str(caught.value)
    assert estate.library.labels() == labels


def test_what_was_sealed_of_late_stays(estate, labels):
    def days_later(days):
        return _store.Library(
            estate.library.path, lambda: datetime.now(timezone.utc) + timedelta(days=days)
        ).prune(_retention.Rules(1, min_age_days=30), keep=False)

    assert days_later(29).kept == {
        **{label: ["recent"] for label in labels[:4]},
        labels[4]: ["newest", "recent"],
    }
    assert days_later(31).removed == labels[:4]


@pytest.mark.parametrize("days", [999_999, 10**12])
def test_days_that_reach_back_beyond_all_records_let_nothing_go(estate, labels, days):
    assert prune(estate, write=False, min_age_days=days).removed == []


def test_what_nobody_knows_the_age_of_counts_as_recent(estate, labels):
    plain = index(estate)
    for item in plain["manifests"]:  # as other tools copy a library
        item["annotations"] = {"org.opencontainers.image.ref.name": tag_of(item)}
    write_index(estate, plain)

    assert prune(estate, write=False, min_age_days=0).removed == []
    assert prune(estate, write=False).removed == labels[:4]


@pytest.mark.parametrize("created", ["soon", "2020-01-01", "2020-01-01T00:00:00"])
def test_an_age_that_cannot_be_read_counts_as_recent(estate, labels, created):
    plain = index(estate)
    for item in plain["manifests"]:
        item["annotations"]["org.opencontainers.image.created"] = created
    write_index(estate, plain)

    assert prune(estate, write=False, min_age_days=0).removed == []


def test_the_time_of_sealing_is_in_the_index_alone(estate):
    early = datetime(2020, 1, 1, tzinfo=timezone.utc)
    source = write_tree(estate.folder / "source", SAME)
    digests = []
    for name, now in (("one", early), ("other", early + timedelta(days=1))):
        library = _store.Library(str(estate.folder / name), lambda now=now: now)
        release = estate.declare("1.0", 1)
        _sealing.seal(library, release, _sealing.pack_here(str(source)))
        digests.append(sorted(os.listdir(library.layout.blobs)))
        items = library.layout.descriptors()
        times = {item["annotations"]["org.opencontainers.image.created"] for item in items}
        assert times == {now.strftime("%Y-%m-%dT00:00:00Z")}

    assert digests[0] == digests[1]


def test_blobs_that_a_kept_release_shares_stay(estate):
    first = seal(estate, "1.0", 1, files=SAME)
    second = seal(estate, "2.0", 2, files=SAME)
    before = set(os.listdir(blobs(estate)))

    assert prune(estate).removed == [first]

    assert estate.library.labels() == [second]
    read_through(estate.library)
    assert len(before) - len(os.listdir(blobs(estate))) == 2  # its two documents


def test_what_others_keep_about_a_kept_release_stays(estate, labels):
    signature = {
        "schemaVersion": 2,
        "config": {"digest": put(estate, b"{}")},
        "layers": [{"digest": put(estate, b"signed")}],
        "subject": index(estate)["manifests"][4],
    }
    data = json.dumps(signature).encode()
    descriptor = {
        "mediaType": _layout.OCI_MANIFEST_TYPE,
        "digest": put(estate, data),
        "size": len(data),
    }
    write_index(estate, {"manifests": [*index(estate)["manifests"], descriptor]})

    assert len(prune(estate).removed) == 4

    theirs = [descriptor, signature["config"], *signature["layers"]]
    assert {item["digest"][7:] for item in theirs} < set(os.listdir(blobs(estate)))
    assert descriptor in index(estate)["manifests"]
    read_through(estate.library)


def put(estate, data):
    """Store a blob of others; return its digest."""
    digest = hashlib.sha256(data).hexdigest()
    (blobs(estate) / digest).write_bytes(data)
    return f"sha256:{digest}"


def test_a_prediction_is_what_then_happens(estate, labels):
    estate.library.pin(labels[0].digest, True)
    leave_leftovers(estate)
    before = snapshot(estate.folder / "library")

    predicted = prune(estate, write=False, in_use=("shop:2.0",))

    assert snapshot(estate.folder / "library") == before
    assert prune(estate, in_use=("shop:2.0",)) == predicted
    assert predicted.removed == labels[2:4]


def leave_leftovers(estate):
    """Leave what a killed pruning, and sealings killed lately and long ago, leave behind."""
    (blobs(estate) / hashlib.sha256(b"leftover").hexdigest()).write_bytes(b"leftover")
    for name, hours in (("old", 25), ("young", 23)):
        write_tree(blobs(estate), {f".layers-{name}/app": "x" * 1000, f".new-{name}": "x"})
        (estate.folder / f"library/.new-{name}").write_bytes(b"{}")
        when = time.time() - hours * 3600
        for path in (blobs(estate) / f".layers-{name}", blobs(estate) / f".new-{name}"):
            os.utime(path, (when, when))
        os.utime(estate.folder / f"library/.new-{name}", (when, when))


def test_bytes_that_were_freed_are_counted_with_what_killed_runs_left(estate, labels):
    leave_leftovers(estate)

    def used():
        library = estate.folder / "library"
        files = [path for path in library.rglob("*") if path.is_file()]
        return sum(path.stat().st_size for path in files if path.name != "index.json")

    before = used()
    pruned = prune(estate, keep=2)

    assert pruned.freed_bytes == before - used() > 1000 + len(b"leftover")
    names = [*os.listdir(blobs(estate)), *os.listdir(estate.folder / "library")]
    left = [name for name in names if name.startswith(".")]
    assert sorted(left) == [".layers-young", ".new-young", ".new-young"]


def test_what_only_killed_runs_left_is_a_change(estate, labels):
    leave_leftovers(estate)

    assert prune(estate, keep=5).changed
    assert not prune(estate, keep=5).changed


def test_a_pruning_that_is_killed_leaves_a_whole_library(estate, labels):
    shutil.copytree(estate.folder / "library", estate.folder / "before")
    prune(estate, keep=2)
    expected = {path: item[2] for path, item in snapshot(estate.folder / "library").items()}
    kills = 0
    while True:
        shutil.rmtree(estate.folder / "library")
        shutil.copytree(estate.folder / "before", estate.folder / "library")

        def cut_short(number=kills + 1):
            kill_at(number, estate.folder / "library")
            prune(estate, keep=2)

        status = exit_status(cut_short)
        read_through(estate.library)
        assert set(labels[3:]) <= set(estate.library.labels())
        prune(estate, keep=2)
        drop_scratch(estate)
        there = {path: item[2] for path, item in snapshot(estate.folder / "library").items()}
        assert there == expected
        if status == 0:
            break
        assert status == KILLED
        kills += 1

    assert kills == 1 + 9  # the index, then three blobs of each release


def drop_scratch(estate):
    """Remove what was written of the index: a day later pruning would have done that, too."""
    for path in (estate.folder / "library").glob(".new-*"):
        path.unlink()


def test_a_damaged_release_stays_with_all_that_it_may_share(estate):
    shared = {"lib/a": "same"}
    broken, gone, kept = (seal(estate, f"{n}.0", n, files=shared) for n in (1, 2, 3))
    damaged = oci_manifest_of(estate, broken)
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1])
    before = set(os.listdir(blobs(estate)))

    pruned = prune(estate, in_use=("shop:1.0",))

    assert pruned.removed == [gone]
    assert pruned.freed_bytes == 0
    assert [entry.digest for entry in pruned.damaged] == [broken.digest]
    assert damaged.name in pruned.damaged[0].damage
    assert set(os.listdir(blobs(estate))) == before
    damaged.write_bytes(whole)
    assert estate.library.labels() == [broken, kept]
    read_through(estate.library)
    assert prune(estate, keep=2).freed_bytes > 0


def test_a_library_that_is_not_there_is_told(estate):
    for write in (True, False):
        with pytest.raises(_store.LibraryError, match=r"media_library .* does not exist"):
            prune(estate, write=write)


def test_a_pinned_release_is_not_pruned(estate, labels):
    assert estate.library.pin(labels[0].digest, True)

    pruned = prune(estate)

    assert pruned.removed == labels[1:4]
    assert pruned.kept == {labels[0]: ["pinned"], labels[4]: ["newest"]}
    assert [estate.library.get(label.digest).pinned for label in pruned.kept] == [True, False]
    read_through(estate.library)


def test_a_pinned_release_cannot_be_removed(estate, labels):
    label = labels[0]
    estate.library.pin(label.digest, True)

    for keep in (True, False):
        with pytest.raises(_store.LibraryError, match=r"shop:1\.0 is pinned: unpin it first$"):
            estate.library.remove(label.digest, keep)
    oci_manifest_of(estate, label).unlink()
    with pytest.raises(_store.LibraryError, match=r"shop-1\.0 is pinned: unpin it first$"):
        estate.library.remove(label.digest)

    assert estate.library.pin(label.digest, False)
    assert estate.library.remove(label.digest)


def test_a_pin_is_set_once_and_predicted(estate, labels):
    digest, before = labels[0].digest, index(estate)

    assert estate.library.pin(digest, True, keep=False)
    assert index(estate) == before
    assert estate.library.pin(digest, True)
    assert not estate.library.pin(digest, True)
    assert estate.library.pin(digest, False, keep=False)
    assert estate.library.get(digest).pinned
    assert estate.library.pin(digest, False)
    assert not estate.library.pin(digest, False)
    assert index(estate) == before


def test_only_what_is_there_can_be_pinned(estate, labels):
    with pytest.raises(_store.LibraryError, match="has no release sha256:0000"):
        estate.library.pin("0" * 64, True)


def test_a_pin_does_not_depend_on_one_tag(estate, labels):
    estate.library.pin(labels[0].digest, True)
    for number in (0, 1):
        plain = index(estate)
        tags = [f"sha256-{labels[0].digest}", "shop-1.0"]
        for item in plain["manifests"]:
            if tag_of(item) == tags[number]:  # as a tool that copies a release over it
                item["annotations"] = {"org.opencontainers.image.ref.name": tags[number]}
        write_index(estate, plain)

        assert estate.library.get(labels[0].digest).pinned
        assert not estate.library.pin(labels[0].digest, True)
        estate.library.pin(labels[0].digest, False)
        estate.library.pin(labels[0].digest, True)


def test_mending_keeps_the_pin(estate, labels):
    estate.library.pin(labels[0].digest, True)
    oci_manifest_of(estate, labels[0]).unlink()
    plain = index(estate)
    plain["manifests"] = [item for item in plain["manifests"] if tag_of(item) != "shop-1.0"]
    write_index(estate, plain)

    seal(estate, "1.0", 1)

    ours = [item for item in index(estate)["manifests"] if "shop-1.0" in tag_of(item)]
    assert [item["annotations"]["vnd.itops.release.pinned"] for item in ours] == ["true"]
    assert estate.library.get(labels[0].digest).pinned


def test_a_release_that_is_removed_while_it_is_read_is_told_in_a_line(estate, labels):
    library, label = estate.library, labels[0]
    stored = library.get(label.digest)
    library.remove(label.digest)

    with pytest.raises(_store.LibraryError, match=f"{label.digest} was removed .*meanwhile$"):
        with library.read_layer(stored, stored.manifest.components[0]):
            pass


def test_a_release_that_is_removed_while_it_is_opened_is_told_in_a_line(estate, labels):
    """Its pack is about to be made: the index was read, and now its manifest is gone."""
    label = labels[0]
    document = blobs(estate) / label.digest

    def make_pack():
        removed = []

        def audit(event, arguments):
            if event == "open" and str(arguments[0]) == str(document) and not removed:
                removed.append(label)
                prune(estate)

        sys.addaudithook(audit)
        cache = _packs.PackCache(str(estate.folder / "cache"))
        with pytest.raises(_store.LibraryError, match=r"was removed .*meanwhile$") as caught:
            cache.get(estate.library, label.digest, None, "gzip")
        assert label.digest in str(caught.value)
        assert [name for name in os.listdir(cache.path) if not name.endswith(".lock")] == []

    assert exit_status(make_pack) == 0


def test_pruning_waits_for_others_that_write(estate, labels):
    context = multiprocessing.get_context("fork")
    locked = context.Event()

    def run():
        locked.wait(20)
        prune(estate)

    process = context.Process(target=run)
    process.start()  # before the lock is taken: a child inherits what is open, locks too
    with open(estate.folder / "library/oci-layout", "rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        locked.set()
        assert_waits(process)
        assert estate.library.labels() == labels
        assert prune(estate, write=False).removed == labels[:4]  # a prediction does not wait

    process.join(20)
    assert process.exitcode == 0
    assert estate.library.labels() == labels[4:]


def test_sealing_and_pruning_at_once_lose_nothing(estate, labels):
    context = multiprocessing.get_context("fork")
    together = context.Barrier(6)

    def seal_some(name):
        together.wait(20)
        for number in range(1, 9):
            seal(estate, f"{number}.0", number, name, {**SAME, "app": f"{name} {number}"})

    def prune_often():
        together.wait(20)
        for _number in range(20):
            prune(estate, keep=2)

    processes = [context.Process(target=seal_some, args=(f"app{n}",)) for n in range(4)]
    processes += [context.Process(target=prune_often) for _number in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0] * 6
    prune(estate, keep=2)
    assert [(label.name, label.serial) for label in estate.library.labels()] == [
        *((f"app{n}", serial) for n in range(4) for serial in (7, 8)),
        ("shop", 9),
        ("shop", 10),
    ]
    read_through(estate.library)
