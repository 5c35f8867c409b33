# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs on the controller: made once whoever asks, kept within bounds, never from damage."""

from __future__ import annotations

import fcntl
import hashlib
import multiprocessing
import os
import time

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import _answer
from ansible_collections.itops.release.plugins.module_utils.formats import _codec
from ansible_collections.itops.release.plugins.module_utils.release import _pack
from ansible_collections.itops.release.plugins.plugin_utils.deployment import _packs
from ansible_collections.itops.release.plugins.plugin_utils.library import _store
from ansible_collections.itops.release.tests.fakes.locks import assert_waits


@pytest.fixture
def labels(estate):
    same = {"lib": "same" * 1000}
    return [estate.seal(f"{n}.0", {"app": str(n), **same}) for n in range(4)]


@pytest.fixture
def cache(estate):
    return _packs.PackCache(str(estate.folder / "cache"))


def packs(cache):
    return sorted(name for name in os.listdir(cache.path) if not name.startswith("."))


def read(path, digest, base=None):
    """Return the contents that a pack brings."""
    taken = {}

    def take(key, size, chunks):
        del size
        taken[key] = b"".join(chunks)

    with open(path, "rb") as stream:
        header = _pack.read_header(stream)
        with _codec.reader(header.codec, stream) as read_bytes:
            _pack.read(read_bytes, header, digest, base, lambda manifest: take)
    return sorted(taken.values())


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_a_pack_brings_what_the_base_lacks(estate, cache, labels, codec):
    whole = cache.get(estate.library, labels[0].digest, None, codec)
    base = estate.library.get(labels[0].digest).manifest
    small = cache.get(estate.library, labels[1].digest, labels[0].digest, codec)

    assert read(whole, labels[0].digest) == [b"0", b"same" * 1000]
    assert read(small, labels[1].digest, base) == [b"1"]


def test_a_pack_is_made_once_for_each_pair_and_codec(estate, cache, labels):
    one, other = labels[0].digest, labels[1].digest
    paths = [
        cache.get(estate.library, wanted, base, codec)
        for wanted, base, codec in [
            (one, None, "gzip"),
            (one, None, "zstd"),
            (other, None, "gzip"),
            (other, one, "gzip"),
            (one, None, "gzip"),
        ]
    ]

    assert len(set(paths)) == 4
    assert paths[0] == paths[4]


def test_a_pack_that_is_kept_needs_no_library(estate, cache, labels):
    path = cache.get(estate.library, labels[0].digest, None, "gzip")
    nowhere = _store.Library(str(estate.folder / "nowhere"))

    assert cache.get(nowhere, labels[0].digest, None, "gzip") == path


def test_two_that_make_one_pack_at_once_take_turns(estate, cache, labels):
    path = cache.get(estate.library, labels[0].digest, None, "gzip")
    os.unlink(path)
    context = multiprocessing.get_context("fork")
    locked = context.Event()

    def make():
        locked.wait(20)
        cache.get(estate.library, labels[0].digest, None, "gzip")

    process = context.Process(target=make)
    process.start()  # before the lock is taken: a child inherits what is open, locks too
    folder, name = os.path.split(path)
    with open(os.path.join(folder, f".{name}.lock"), "ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        locked.set()
        assert_waits(process)
        assert not os.path.exists(path)

    process.join(20)
    assert process.exitcode == 0
    assert os.path.exists(path)


def test_processes_that_ask_at_once_make_it_once(estate, cache, labels, monkeypatch):
    made = estate.folder / "made"
    real = _packs.write

    def counted(*args):
        with open(made, "a") as stream:
            stream.write("x")
        real(*args)

    monkeypatch.setattr(_packs, "write", counted)
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(8)

    def ask():
        barrier.wait(10)
        read(cache.get(estate.library, labels[0].digest, None, "gzip"), labels[0].digest)

    processes = [context.Process(target=ask) for _number in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0] * 8
    assert made.read_text() == "x"
    assert len(packs(cache)) == 1


def test_what_was_used_longest_ago_goes_when_the_cache_grows(estate, labels):
    size = os.path.getsize(
        _packs.PackCache(str(estate.folder / "one")).get(
            estate.library, labels[0].digest, None, "gzip"
        )
    )
    cache = _packs.PackCache(str(estate.folder / "cache"), most_bytes=size * 2 + size // 2)
    paths = []
    for age, label in enumerate(labels[:2]):
        paths.append(cache.get(estate.library, label.digest, None, "gzip"))
        os.utime(paths[-1], (1000 + age, 1000 + age))
    cache.get(estate.library, labels[0].digest, None, "gzip")  # used again: now the newest

    paths.append(cache.get(estate.library, labels[2].digest, None, "gzip"))

    assert packs(cache) == sorted(map(os.path.basename, (paths[0], paths[2])))


def use_ago(path, hours):
    when = time.time() - hours * 3600
    os.utime(path, (when, when))


def test_a_pack_that_another_worker_may_be_sending_stays(estate, labels):
    cache = _packs.PackCache(str(estate.folder / "cache"), most_bytes=1)
    paths = []
    for hours, label in enumerate(labels[:3]):
        paths.append(cache.get(estate.library, label.digest, None, "gzip"))
        use_ago(paths[-1], hours / 2)
    assert len(packs(cache)) == 3

    paths.append(cache.get(estate.library, labels[3].digest, None, "gzip"))

    assert packs(cache) == sorted(os.path.basename(paths[n]) for n in (0, 1, 3))


def test_what_killed_makers_left_counts_and_goes_after_a_day(estate, labels):
    cache = _packs.PackCache(str(estate.folder / "cache"), most_bytes=5000)
    first = cache.get(estate.library, labels[0].digest, None, "gzip")
    use_ago(first, 2)
    left = {hours: estate.folder / f"cache/.new-{hours}" for hours in (23, 25)}
    for hours, path in left.items():
        path.write_bytes(b"x" * 5000)
        use_ago(path, hours)

    second = cache.get(estate.library, labels[1].digest, None, "gzip")

    assert packs(cache) == [os.path.basename(second)]
    assert [hours for hours, path in left.items() if path.exists()] == [23]


def test_locks_of_packs_that_are_gone_go_when_nobody_holds_them(estate, cache, labels):
    first = cache.get(estate.library, labels[0].digest, None, "gzip")
    _packs.forget(first)
    held = estate.folder / "cache/.held.lock"
    with open(held, "ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        second = cache.get(estate.library, labels[1].digest, None, "gzip")

    locks = {name for name in os.listdir(cache.path) if name.endswith(".lock")}
    assert locks == {held.name, f".{os.path.basename(second)}.lock"}


def test_who_waited_for_a_lock_that_was_removed_takes_the_new_one(estate, cache, labels):
    """One who was waiting must not make a pack beside one who came later."""
    path = cache.get(estate.library, labels[0].digest, None, "gzip")
    lock = os.path.join(cache.path, f".{os.path.basename(path)}.lock")
    with open(lock, "ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        waiting = multiprocessing.get_context("fork").Process(
            target=cache.get, args=(estate.library, labels[0].digest, None, "gzip")
        )
        waiting.start()
        assert_waits(waiting)
        os.unlink(lock)
        fcntl.flock(stream, fcntl.LOCK_UN)  # closing would not do: the process has it open, too
    waiting.join(10)

    assert waiting.exitcode == 0
    assert os.path.exists(lock)


def test_a_pack_larger_than_the_cache_is_made_all_the_same(estate, labels):
    cache = _packs.PackCache(str(estate.folder / "cache"), most_bytes=1)

    path = cache.get(estate.library, labels[0].digest, None, "gzip")

    assert packs(cache) == [os.path.basename(path)]


def test_a_maker_that_fails_leaves_nothing(estate, cache, labels, monkeypatch):
    def full(stream, *args):
        stream.write(b"half")
        raise OSError("no space")

    with monkeypatch.context() as patched:
        patched.setattr(_packs, "write", full)
        with pytest.raises(OSError, match="no space"):
            cache.get(estate.library, labels[0].digest, None, "gzip")
    assert [name for name in os.listdir(cache.path) if not name.endswith(".lock")] == []
    assert read(cache.get(estate.library, labels[0].digest, None, "gzip"), labels[0].digest)


def test_a_release_that_is_not_in_the_library_is_told(estate, cache, labels):
    for base in (None, labels[0].digest):
        with pytest.raises(_store.LibraryError, match="has no release sha256:0000"):
            cache.get(estate.library, "0" * 64, base, "gzip")
    assert packs(cache) == []


def test_a_base_that_cannot_be_read_is_done_without(estate, cache, labels):
    wanted, base = labels[1].digest, labels[0].digest
    os.unlink(estate.folder / "library/blobs/sha256" / base)

    path = cache.get(estate.library, wanted, base, "gzip")

    assert read(path, wanted) == [b"1", b"same" * 1000]
    assert packs(cache) == [os.path.basename(path)]
    assert cache.get(estate.library, wanted, None, "gzip") == path


def test_the_cache_is_its_owners_alone(estate, cache, labels):
    path = cache.get(estate.library, labels[0].digest, None, "gzip")

    assert os.stat(cache.path).st_mode & 0o777 == 0o700
    assert os.stat(path).st_mode & 0o077 == 0


def test_packs_are_kept_in_the_users_cache(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/tmp/cache")
    assert _packs.default_directory() == "/var/tmp/cache/itops-release/packs"

    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", "/home/olga")
    assert _packs.default_directory() == "/home/olga/.cache/itops-release/packs"


@pytest.fixture
def pack(tmp_path):
    path = tmp_path / "0123456789abcdef-none-zstd"
    path.write_bytes(os.urandom(2 * 2**20 + 12345))
    return path


def partial(data):
    return _answer.Partial(len(data), hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("count", [1, 4096, 2**20 + 1, 2 * 2**20 + 12345])
def test_a_beginning_of_the_very_pack_has_arrived(pack, count):
    assert _packs.arrived_bytes(str(pack), partial(pack.read_bytes()[:count])) == count


def test_nothing_has_arrived_of_another_pack(pack):
    data = pack.read_bytes()

    assert _packs.arrived_bytes(str(pack), None) == 0
    assert _packs.arrived_bytes(str(pack), partial(b"x" + data[1:5000])) == 0
    assert _packs.arrived_bytes(str(pack), partial(data + b"x")) == 0
