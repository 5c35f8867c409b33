# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A media library in a registry: the same releases, whatever the registry and the network do."""

from __future__ import annotations

import functools
import itertools
import json
import multiprocessing
import os
import random
import subprocess
import sys
import time

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.evidence import (
    _attachments,
    _signatures,
)
from ansible_collections.itops.release.plugins.plugin_utils.library import _retention, _store
from ansible_collections.itops.release.plugins.plugin_utils.oci import _index, _layout
from ansible_collections.itops.release.plugins.plugin_utils.registry import (
    _client,
    _place,
    _session,
    _upload,
)
from ansible_collections.itops.release.tests.fakes.estate import Estate
from ansible_collections.itops.release.tests.fakes.registries import (
    Clock,
    Gate,
    MemoryRegistry,
    digest_of,
)
from ansible_collections.itops.release.tests.fakes.signing import (
    NOW,
    key,
    public_key,
    signer,
    trust,
)

FILES = {"app*": "one", "lib/a": "same"}
KIND = "application/vnd.test.note"
LARGE = "".join(random.Random(5).choices("abcdefghijklmnop", k=700_000))  # some 350 KB compressed


class OnRegistry(Estate):
    """An Estate whose media library is in the registry at *host*."""

    host_of = ""

    @property
    def library(self):
        return _store.Library(f"oci://{self.host_of}/shop")

    def at(self, host):
        """Return the same at another host, such as that of a gate."""
        other = OnRegistry(self.folder, self.serials)
        other.host_of = host
        return other

    def forget(self):
        """Lose the cache, as the next controller has none."""
        library = self.library.layout
        _layout.remove(library.folder)


@pytest.fixture(autouse=True)
def clock(monkeypatch, tmp_path):
    """Let nothing of this machine's settings count, and pass the time between attempts at once."""
    for name in list(os.environ):
        if name.startswith(("ITOPS_RELEASE_", "XDG_", "REGISTRY_", "DOCKER_")) or "proxy" in name:
            monkeypatch.delenv(name)
    for name in _place.AUTHORITIES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv(_place.PATIENCE, "30")
    clock = Clock()
    client = functools.partial(_client.Client, sleep=clock.sleep, clock=clock.now)
    monkeypatch.setattr(_client, "Client", client)
    return clock


@pytest.fixture
def registry():
    with MemoryRegistry() as server:
        yield server


@pytest.fixture
def gate(registry):
    with Gate(registry.host) as server:
        yield server


def estate_at(folder, host):
    made = OnRegistry(folder)
    made.host_of = host
    return made


@pytest.fixture
def estate(tmp_path, registry):
    return estate_at(tmp_path, registry.host)


def replying(status, data=b"", **headers):
    return lambda handler: handler.reply(status, data, **headers)


def read_layers(library, label):
    """Return the bytes of all layers of a release."""
    stored = library.get(label.digest)
    found = {}
    for component in stored.manifest.components:
        with library.read_layer(stored, component) as read_bytes:
            found[component.name] = b"".join(iter(lambda read=read_bytes: read(65536), b""))
    return found


def tags(registry):
    return {each for each in registry.manifests if not each.startswith("sha256:")}


# --- the same as in a directory


def test_a_registry_holds_the_same_release_as_a_directory(tmp_path, estate, registry):
    label = estate.seal("1.0+b~1", FILES)
    local = Estate(tmp_path)
    assert local.seal("1.0+b~1", FILES, serial=1) == label

    estate.forget()
    assert estate.library.find("shop:1.0+b~1") == label
    assert estate.library.find(f"sha256:{label.digest}") == label
    assert estate.library.labels() == [label]
    assert estate.library.holds(label.digest)
    assert not estate.library.holds("0" * 64)
    assert read_layers(estate.library, label) == read_layers(local.library, label)
    here, there = (each.library.get(label.digest) for each in (estate, local))
    assert here == there
    assert tags(registry) == {f"sha256-{label.digest}", "shop-1.0_b_1"}


def test_sealing_again_sends_nothing(estate, registry):
    label = estate.seal("1.0", FILES)
    registry.requests.clear()

    assert estate.seal("1.0", FILES, serial=1) == label

    assert {method for method, _path in registry.requests} <= {"GET", "HEAD"}


def test_who_has_a_directory_does_not_pay_for_registries():
    """Each worker imports it for each task."""
    ours = "ansible_collections.itops.release.plugins.plugin_utils.library"
    code = f"import sys; from {ours} import _store; _store.Library('/x'); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "requests" not in done.stdout.split()
    assert f"{ours}._store" in done.stdout


def test_the_longest_names_and_versions_have_a_tag():
    assert len(_index.name_tag("n" * 64, "1" * 64)) == 128


def test_one_connection_is_enough(estate, registry):
    estate.seal("1.0", FILES)

    assert len(registry.requests) > 10
    assert registry.connections == 1


def test_what_is_there_already_is_not_sent_again(estate, registry):
    estate.seal("1.0", FILES)
    sent = registry.received["PATCH"]

    estate.seal("1.1", FILES)  # the same layer, another manifest

    assert len(registry.asked("PATCH")) == 3
    assert registry.received["PATCH"] - sent < 600


@pytest.mark.parametrize(
    ("version", "serial", "told"), [("1.0", 2, "version 1.0 already"), ("1.1", 1, "serial 1 al")]
)
def test_a_known_version_or_serial_with_other_contents_is_refused(estate, version, serial, told):
    label = estate.seal("1.0", FILES)
    estate.forget()

    with pytest.raises(_store.LibraryError, match=told):
        estate.seal(version, {"app*": "two"}, serial=serial)

    assert estate.library.labels() == [label]


def test_a_version_that_comes_while_ours_is_sent_is_refused(tmp_path, estate, registry):
    other = estate_at(tmp_path / "other", registry.host)
    done = []

    def come_between(handler):
        if not done:
            done.append(other.seal("1.0", {"app*": "theirs"}, serial=7))

    with Gate(registry.host) as gate:
        gate.fail("PATCH", "uploads", come_between)
        with pytest.raises(_store.LibraryError, match=r"version 1\.0 already"):
            estate.at(gate.host).seal("1.0", FILES)

    estate.forget()
    assert estate.library.labels() == done


def test_a_tag_that_others_wrote_meanwhile_is_not_overwritten(tmp_path, estate, registry):
    """Between the last look at all tags and the writing of one."""
    other, done = estate_at(tmp_path / "other", registry.host), []

    with Gate(registry.host) as gate:
        theirs = {"app*": "theirs"}
        gate.fail(
            "GET",
            "manifests/shop-1",  # when ours compares it with what was read
            lambda handler: done.append(other.seal("1.0", theirs, serial=7)),
        )
        with pytest.raises(_layout.Overtaken, match="somebody else has written shop-1"):
            estate.at(gate.host).seal("1.0", FILES)

    estate.forget()
    assert estate.library.labels() == done


def test_a_release_without_the_tag_of_its_digest_is_found_and_completed(estate, registry):
    label = estate.seal("1.0", FILES)
    del registry.manifests[f"sha256-{label.digest}"]
    estate.forget()

    assert estate.library.find(f"sha256:{label.digest}") == label
    estate.seal("1.0", FILES, serial=1)

    assert f"sha256-{label.digest}" in tags(registry)


def test_a_release_whose_layer_was_lost_is_mended_by_sealing_it_again(estate, registry):
    label = estate.seal("1.0", FILES)
    (layer,) = estate.library.get(label.digest).layers.values()
    del registry.blobs[layer["digest"]]

    estate.seal("1.0", FILES, serial=1)
    estate.forget()

    assert read_layers(estate.library, label)["app"]


def test_other_things_in_the_repository_are_in_nobody_s_way(estate, registry):
    label = estate.seal("1.0", FILES)
    kind = "application/vnd.oci.image.manifest.v1+json"
    registry.manifests["latest"] = (kind, b'{"schemaVersion": 2, "config": {}, "layers": []}')
    registry.manifests["huge"] = (kind, b'{"a": "' + b"x" * (5 * 1024 * 1024) + b'"}')
    registry.manifests["text"] = ("text/plain", b"no JSON at all")

    assert estate.library.labels() == [label]


def test_tags_that_are_none_are_not_asked_for(estate, gate):
    label = estate.seal("1.0", FILES)
    names = ["shop-1.0", "../../other/tags/list", "a?b", "a/b", "x" * 200, 7, None]
    gate.fail("GET", "tags/list", replying(200, json.dumps({"tags": names}).encode()), times=9)

    assert estate.at(gate.host).library.labels() == [label]
    assert len(gate.asked("GET", "manifests/")) == 1


@pytest.mark.parametrize("layer", [{}, {"digest": 7}, {"digest": "x"}, {"mediaType": 7}])
def test_a_layer_that_is_described_badly_is_told(estate, registry, layer):
    label = estate.seal("1.0", FILES)
    (kind, data) = registry.manifests["shop-1.0"]
    plain = json.loads(data)
    plain["layers"][0] = {**plain["layers"][0], **(layer or {"digest": None}), "size": 5}
    data = json.dumps(plain).encode()
    for reference in ("shop-1.0", f"sha256-{label.digest}", digest_of(data)):
        registry.manifests[reference] = (kind, data)
    estate.forget()

    with pytest.raises(_store.LibraryError):
        read_layers(estate.library, label)
    assert len(estate.library.survey()[1]) == 1 or layer == {"digest": "x"}


# --- what is attached


@pytest.mark.parametrize("lists", [True, False])
def test_what_is_attached_is_found_again(tmp_path, lists):
    with MemoryRegistry(lists=lists) as registry:
        estate = estate_at(tmp_path, registry.host)
        label = estate.seal("1.0", FILES)
        before = tags(registry)
        for text in (b"one", b"two"):
            estate.library.attach(label.digest, KIND, text, {"note": "n"})
        estate.forget()
        found = estate.library.attached(label.digest, KIND, 1000)

        assert {each.data for each in found} == {b"one", b"two"}
        assert [each.damage for each in found] == ["", ""]
        assert len(tags(registry) - before) == (0 if lists else 1)


def test_what_was_attached_before_the_registry_listed_it_is_found_too(tmp_path):
    with MemoryRegistry(lists=False) as registry:
        estate = estate_at(tmp_path, registry.host)
        label = estate.seal("1.0", FILES)
        estate.library.attach(label.digest, KIND, b"old", {})
        registry.lists = True
        estate.library.attach(label.digest, KIND, b"new", {})
        estate.forget()

        found = estate.library.attached(label.digest, KIND, 1000)

    assert {each.data for each in found} == {b"old", b"new"}


def test_what_two_attach_at_the_same_time_is_attached(tmp_path):
    with MemoryRegistry(lists=False) as registry, Gate(registry.host) as gate:
        estate = estate_at(tmp_path, registry.host)
        label = estate.seal("1.0", FILES)

        def come_between(handler):
            estate.library.attach(label.digest, KIND, b"theirs", {})

        ours = estate.at(gate.host)
        gate.fail("GET", "referrers", come_between)
        ours.library.attach(label.digest, KIND, b"ours", {})
        estate.forget()

        found = {each.data for each in estate.library.attached(label.digest, KIND, 1000)}

    assert found == {b"ours", b"theirs"}


def test_signatures_are_demanded_of_a_registry_too(estate):
    label = estate.seal("1.0", FILES)
    trusted = trust(release=(1, key(1)))
    with pytest.raises(_signatures.Refused):
        _signatures.demand(estate.library, label, trusted, NOW)

    assert _signatures.sign(estate.library, label.digest, "release", signer(1))
    assert not _signatures.sign(estate.library, label.digest, "release", signer(1))

    _signatures.demand(estate.library, label, trusted, NOW)


@pytest.mark.parametrize("lists", [True, False])
def test_evidence_lies_in_a_registry_too(tmp_path, lists):
    with MemoryRegistry(lists=lists) as registry:
        estate = estate_at(tmp_path, registry.host)
        label = estate.seal("1.0", FILES)
        _signatures.sign(estate.library, label.digest, "release", signer(1))
        said = ("https://example.org/tested/v1", {"tests": 12})
        assert _attachments.attach(estate.library, label, *said, signer(1))
        assert not _attachments.attach(estate.library, label, *said, signer(1))
        estate.forget()

        known = {public_key(1).fingerprint: public_key(1)}
        (found,) = _attachments.read(estate.library, label, known)

        assert (found.predicate_type, found.predicate, found.problem) == (*said, "")
        _signatures.demand(estate.library, label, trust(release=(1, key(1))), NOW)


# --- removing


@pytest.mark.parametrize("lists", [True, False])
def test_a_release_goes_with_what_is_attached(tmp_path, lists):
    with MemoryRegistry(lists=lists) as registry:
        estate = estate_at(tmp_path, registry.host)
        label, other = estate.seal("1.0", FILES), estate.seal("1.1", {"app*": "two"})
        estate.library.attach(label.digest, KIND, b"note", {})

        assert estate.library.remove(label.digest)
        assert not estate.library.remove(label.digest)

        assert estate.library.labels() == [other]
        assert tags(registry) == {f"sha256-{other.digest}", "shop-1.1"}
        assert len(registry.manifests) == 3  # two tags, and the digest


def test_pruning_keeps_what_is_in_use(estate):
    labels = [estate.seal(f"1.{number}", {"app*": str(number)}) for number in range(4)]
    rules = _retention.Rules(1, None, ("shop:1.1",))

    foreseen = estate.library.prune(rules, keep=False)
    assert estate.library.labels() == labels
    done = estate.library.prune(rules)

    assert done.removed == foreseen.removed == [labels[0], labels[2]]
    assert estate.library.labels() == [labels[1], labels[3]]
    assert not estate.library.prune(rules).changed


def test_a_registry_that_does_not_delete_says_so_and_loses_nothing(tmp_path):
    with MemoryRegistry(deletes=False) as registry:
        estate = estate_at(tmp_path, registry.host)
        label = estate.seal("1.0", FILES)
        estate.seal("1.1", FILES)

        with pytest.raises(_store.LibraryError, match="does not let releases be deleted"):
            estate.library.remove(label.digest)
        with pytest.raises(_store.LibraryError, match="does not let releases be deleted"):
            estate.library.prune(_retention.Rules(1))

        assert len(estate.library.labels()) == 2


def test_what_a_registry_has_no_room_for_is_refused(estate):
    label = estate.seal("1.0", FILES)
    with pytest.raises(_store.LibraryError, match="no room for marks"):
        estate.library.pin(label.digest, True)
    with pytest.raises(_store.LibraryError, match="does not tell since when"):
        estate.library.prune(_retention.Rules(1, 30))


# --- wrong bytes


def flipped(data, offset):
    return bytes([data[0] ^ 1]) + data[1:]


@pytest.mark.parametrize("what", ["blobs/sha256", "manifests/shop"])
def test_wrong_bytes_are_refused_and_not_kept(estate, gate, what):
    label = estate.seal("1.0", FILES)
    estate.forget()
    ours = estate.at(gate.host)
    gate.fail("GET", what, lambda handler: handler.pass_on(change=flipped), times=99)

    with pytest.raises(_store.LibraryError, match=f"oci://{gate.host}/shop: the registry sends"):
        ours.library.get(ours.library.find("shop:1.0").digest)

    gate.faults.clear()
    time.sleep(0.01)
    ours.library.layout._answers.forget()
    assert ours.library.get(ours.library.find("shop:1.0").digest).label == label


def test_a_wrong_digest_in_a_header_is_refused(estate, gate):
    estate.seal("1.0", FILES)
    lie = {"Docker-Content-Digest": digest_of(b"other")}
    gate.fail("GET", "manifests", lambda handler: handler.pass_on(headers=lie), times=9)

    with pytest.raises(_store.LibraryError, match="sends other bytes"):
        estate.at(gate.host).library.find("shop:1.0")


def test_a_tag_cannot_pass_one_release_off_as_another(estate, registry):
    one, two = estate.seal("1.0", FILES), estate.seal("2.0", {"app*": "two"})
    registry.manifests[f"sha256-{one.digest}"] = registry.manifests[f"sha256-{two.digest}"]
    registry.manifests["shop-1.0"] = registry.manifests["shop-2.0"]
    estate.forget()

    with pytest.raises(_store.LibraryError, match="has no release"):
        estate.library.find(f"sha256:{one.digest}")
    with pytest.raises(_store.LibraryError, match="has no release"):
        estate.library.find("shop:1.0")


def test_a_cache_that_was_altered_is_filled_anew(estate, registry):
    label = estate.seal("1.0", FILES)
    good = read_layers(estate.library, label)
    for name in os.listdir(estate.library.layout.blobs):
        path = os.path.join(estate.library.layout.blobs, name)
        with open(path, "r+b") as stream:
            stream.write(b"\0\0\0")

    assert read_layers(estate.library, label) == good


def test_the_cache_does_not_grow_without_end(estate, monkeypatch):
    labels = [estate.seal(f"1.{number}", {"app*": LARGE[number:]}) for number in range(3)]
    estate.forget()
    layout = estate.library.layout
    layout._most_bytes = 500_000
    library = estate.library
    library.layout = layout
    for label in labels:
        read_layers(library, label)
        for path in os.scandir(layout.blobs):
            old = path.stat().st_mtime - 7200
            os.utime(path.path, (old, old))

    assert sum(each.stat().st_size for each in os.scandir(layout.blobs)) < 900_000
    assert read_layers(library, labels[0])


# --- what breaks off


def cut_after(count):
    def change(data, offset):
        return data[: max(0, count - offset)] if offset < count else None

    return change


def test_a_download_goes_on_where_it_broke_off(estate, registry, gate):
    label = estate.seal("1.0", {"app*": LARGE})
    estate.forget()
    gate.fail("GET", "blobs/", lambda each: each.pass_on(change=cut_after(100_000)), times=3)
    ours = estate.at(gate.host)

    assert len(read_layers(ours.library, label)["app"]) > 700_000

    assert len(gate.asked("GET", "blobs/")) == 4  # the manifest of the release, then three parts


def test_a_download_goes_on_in_the_next_run(estate, gate):
    label = estate.seal("1.0", {"app*": LARGE})
    (layer,) = estate.library.get(label.digest).layers.values()
    estate.forget()
    ours = estate.at(gate.host)
    stored = ours.library.get(label.digest)
    gate.fail("GET", "blobs/", lambda each: each.pass_on(change=cut_after(200_000)), times=1)
    gate.fail("GET", "blobs/", replying(503), times=99)
    with pytest.raises(_store.LibraryError, match="given up after"):
        ours.library.layout.bring(layer)
    gate.faults.clear()
    ours.library.layout._answers.forget()
    sent = []
    gate.fail("GET", "blobs/", lambda each: sent.append(each.headers["Range"]))

    assert ours.library.layout.bring(stored.layers["app"])

    assert sent == ["bytes=200000-"]


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(_upload, "CHUNK_BYTES", 100_000)


def test_an_upload_goes_on_where_it_broke_off(estate, registry, gate, small_chunks):
    gate.fail(
        "PATCH",
        "uploads",
        lambda each: each.pass_on(most=60_000) if each.length() > 90_000 else None,
        times=2,
    )
    ours = estate.at(gate.host)

    label = ours.seal("1.0", {"app*": LARGE})

    (layer,) = ours.library.get(label.digest).layers.values()
    assert registry.received["PATCH"] == layer["size"] + label_size(ours, label)


def label_size(estate, label):
    return len(estate.library.document(label.digest))


def test_an_upload_that_was_given_up_leaves_no_tag_and_goes_on_in_the_next_run(
    estate, registry, gate, small_chunks
):
    down = itertools.count()

    def fall(handler):
        return handler.reply(503) if next(down) >= 3 else None

    gate.fail("PATCH", "uploads", fall, times=99)
    gate.fail("GET", "uploads", replying(503), times=99)
    ours = estate.at(gate.host)
    with pytest.raises(_store.LibraryError, match="answers 503; given up after 30 s"):
        ours.seal("1.0", {"app*": LARGE})
    assert tags(registry) == set()
    arrived = registry.received["PATCH"]
    gate.faults.clear()

    label = ours.seal("1.0", {"app*": LARGE}, serial=1)

    (layer,) = ours.library.get(label.digest).layers.values()
    assert arrived > 200_000
    assert registry.received["PATCH"] == layer["size"] + label_size(ours, label)


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
def test_an_answer_that_is_lost_costs_nothing(estate, registry, gate, small_chunks, method):
    gate.fail(method, "uploads", lambda handler: handler.pass_on(lose=True), times=2)
    gate.fail("PUT", "manifests", lambda handler: handler.pass_on(lose=True), times=2)
    ours = estate.at(gate.host)

    label = ours.seal("1.0", {"app*": LARGE})

    (layer,) = ours.library.get(label.digest).layers.values()
    assert registry.received["PATCH"] == layer["size"] + label_size(ours, label)


def test_an_upload_that_the_registry_forgot_begins_anew(estate, registry, gate, small_chunks):
    def forget(handler):
        registry.uploads.clear()

    gate.fail("PATCH", "uploads", lambda handler: None, times=2)
    gate.fail("PATCH", "uploads", forget)

    label = estate.at(gate.host).seal("1.0", {"app*": LARGE})

    estate.forget()
    assert len(read_layers(estate.library, label)["app"]) > 700_000


@pytest.mark.parametrize("method", ["PUT", "POST", "HEAD"])
def test_whatever_fails_nothing_is_half_tagged_and_the_next_run_completes(
    estate, registry, gate, method
):
    gate.fail(method, "manifests|uploads|blobs", replying(500), times=99)
    ours = estate.at(gate.host)
    with pytest.raises(_store.LibraryError, match="answers 500"):
        ours.seal("1.0", FILES)
    assert tags(registry) == set()
    gate.faults.clear()

    label = ours.seal("1.0", FILES, serial=1)

    assert estate.library.labels() == [label]


def test_the_tag_of_the_digest_comes_last(estate, registry, gate):
    gate.fail("PUT", "manifests/sha256-", replying(500), times=99)
    with pytest.raises(_store.LibraryError):
        estate.at(gate.host).seal("1.0", FILES)

    assert tags(registry) == {"shop-1.0"}


# --- slow, and other trouble


def test_a_drip_is_not_waited_for_for_ever(estate, gate, monkeypatch):
    monkeypatch.setattr(_session, "WINDOW_S", 0.8)
    label = estate.seal("1.0", {"app*": LARGE})
    estate.forget()
    ours = estate.at(gate.host)
    stored = ours.library.get(label.digest)
    gate.fail("GET", "blobs/", lambda handler: handler.pass_on(pause_s=0.2), times=99)

    with pytest.raises(_store.LibraryError, match="next to nothing"):
        ours.library.layout.bring(stored.layers["app"])

    assert len(gate.asked("GET", stored.layers["app"]["digest"])) == 1


def test_an_answer_that_does_not_come_is_not_waited_for_for_ever(estate, gate, monkeypatch):
    monkeypatch.setenv(_place.PATIENCE, "0.8")
    gate.fail("GET", "manifests", lambda handler: time.sleep(2), times=9)

    with pytest.raises(_store.LibraryError, match="does not answer within 0"):
        estate.at(gate.host).library.find("shop:1.0")


def test_trouble_that_passes_is_waited_for(estate, gate):
    label = estate.seal("1.0", FILES)
    for act in (replying(500), replying(429, Retry_After="1"), lambda each: each.cut()):
        gate.fail("GET", "manifests", act)

    assert estate.at(gate.host).library.find("shop:1.0") == label


@pytest.mark.parametrize("wait", ["31", "Fri, 31 Dec 2100 23:59:59 GMT"])
def test_a_registry_that_asks_to_wait_for_long_is_given_up_at_once(estate, gate, clock, wait):
    gate.fail("GET", "manifests", replying(429, Retry_After=wait), times=9)

    with pytest.raises(_store.LibraryError, match="answers 429 and asks to wait"):
        estate.at(gate.host).library.find("shop:1.0")

    assert clock.now() == 0


def test_a_registry_that_is_not_there_is_told_in_a_line(tmp_path):
    with pytest.raises(_store.LibraryError) as told:
        estate_at(tmp_path, "127.0.0.1:1").library.find("shop:1.0")

    assert str(told.value) == (
        "oci://127.0.0.1:1/shop: the registry cannot be used: Connection refused; given up after "
        "30 s without getting further"
    )


def test_there_is_no_library_where_nothing_was_ever_stored(estate):
    with pytest.raises(_store.LibraryError, match=r"media_library oci://.* does not exist"):
        estate.library.find("shop:1.0")


def test_a_list_of_tags_without_end_is_refused(estate, gate):
    pages = itertools.count()

    def page(handler):
        number = next(pages)
        found = [f"t{number}-{each}" for each in range(1000)]
        link = f'</v2/shop/tags/list?n=1000&last={number}>; rel="next"'
        return handler.reply(200, json.dumps({"tags": found}).encode(), Link=link)

    gate.fail("GET", "tags/list", page, times=10**6)

    with pytest.raises(_store.LibraryError, match="more than 10,000 tags"):
        estate.at(gate.host).library.labels()


def test_tags_come_in_pages(estate, gate, registry):
    labels = [estate.seal(f"1.{number}", FILES) for number in range(3)]
    pages = [sorted(tags(registry))[:2], sorted(tags(registry))[2:]]

    def page(handler):
        number = 1 if "last=" in handler.path else 0
        link = {"Link": '</v2/shop/tags/list?last=x>; rel="next"'} if number == 0 else {}
        return handler.reply(200, json.dumps({"tags": pages[number]}).encode(), **link)

    gate.fail("GET", "tags/list", page, times=9)

    assert estate.at(gate.host).library.labels() == labels


@pytest.mark.parametrize("data", [b"", b"[]", b'{"tags": 3}', b"[" * 100_000, b"\xff"])
def test_a_malformed_list_is_told(estate, gate, data):
    gate.fail("GET", "tags/list", replying(200, data), times=9)

    with pytest.raises(_store.LibraryError, match="the list of tags is malformed"):
        estate.at(gate.host).library.labels()


def test_a_manifest_without_end_is_not_read(estate, gate):
    def pour(handler):
        handler.send_response(200)
        handler.end_headers()
        for _block in range(10_000):
            handler.wfile.write(b"x" * 65536)
        return True

    gate.fail("GET", "manifests", pour, times=9)

    with pytest.raises(_store.LibraryError, match="more than the 4,194,304 bytes"):
        estate.at(gate.host).library.find("shop:1.0")


def test_a_blob_that_is_longer_than_described_is_not_kept(estate, gate):
    label = estate.seal("1.0", FILES)
    estate.forget()
    gate.fail("GET", "blobs/", lambda each: each.reply(200, b"x" * 100_000), times=9)

    with pytest.raises(_store.LibraryError, match="more than the"):
        estate.at(gate.host).library.get(label.digest)

    assert not os.listdir(os.path.join(estate.at(gate.host).library.layout.folder, "partial"))


# --- asked once


def test_what_was_asked_lately_in_this_run_is_not_asked_again(estate, registry):
    label = estate.seal("1.0", FILES)
    registry.requests.clear()
    for _host in range(5):
        assert estate.library.find("shop:1.0") == label
        assert estate.library.get(label.digest)
        estate.library.attached(label.digest, KIND, 1000)

    assert len(registry.requests) == 3  # its tag, and what is attached by each of two ways


def _find(place, results):
    library = _store.Library(place)
    label = library.find("shop:1.0")
    (layer,) = library.get(label.digest).layers.values()
    results.put(os.path.getsize(library.layout.bring(layer)))


def test_workers_pull_once_for_all(estate, registry, gate):
    estate.seal("1.0", {"app*": LARGE})
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    workers = [
        context.Process(target=_find, args=(estate.at(gate.host).library.path, results))
        for _worker in range(4)
    ]
    for worker in workers:
        worker.start()
    sizes = {results.get(timeout=30) for _worker in workers}
    for worker in workers:
        worker.join()

    assert len(sizes) == 1
    assert len(gate.asked("GET")) == 4  # two tags, the manifest of the release, its layer


def test_what_others_write_is_seen_before_something_is_written(tmp_path, estate, registry):
    estate.seal("1.0", FILES)
    assert len(estate.library.labels()) == 1
    other = estate_at(tmp_path / "other", registry.host)
    os.environ["XDG_CACHE_HOME"] = str(tmp_path / "other cache")
    other.seal("2.0", {"app*": "two"}, serial=2)
    os.environ["XDG_CACHE_HOME"] = str(tmp_path / "cache")

    sent = registry.received["PATCH"]

    with pytest.raises(_store.LibraryError, match="serial 2 already"):
        estate.seal("3.0", {"app*": "three"}, serial=2)

    assert registry.received["PATCH"] == sent  # it was refused before anything was sent
