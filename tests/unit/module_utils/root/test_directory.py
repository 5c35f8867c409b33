# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The root's lock and who has the word: one run writes at a time, and an overtaken one never."""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import time

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import (
    _removal,
    _request,
    _staging,
    _trial,
)
from ansible_collections.itops.release.plugins.module_utils.root import _claim, _directory, _state
from ansible_collections.itops.release.plugins.plugin_utils.deployment import _packs
from ansible_collections.itops.release.tests.fakes.estate import access, snapshot

ILL = {"command": ["false"], "retries": 0, "successes": 1, "timeout": 5}


@pytest.fixture
def labels(estate):
    return [estate.seal(f"{n}.0", {"app*": str(n), "lib": "same"}) for n in (1, 2, 3)]


@pytest.fixture
def host(estate, labels):
    host = estate.host()
    host.deploy(labels[0])
    return host


@pytest.fixture
def root(host):
    # pylint: disable-next=contextmanager-generator-missing-cleanup # pytest does it
    with _directory.opened(str(host.root)) as opened:
        yield opened


def claimed(root, run, takeover=None):
    claim = _claim.Claim(root, run, lambda: "2026-01-01T00:00:00Z", 1, takeover)
    claim.take(access())
    return claim


def release(label):
    return _state.Release(**label._asdict())


def pack(estate, label):
    out = io.BytesIO()
    _packs.write(out, estate.library, label.digest, None, "gzip")
    out.seek(0)
    return out


def test_an_overtaken_run_writes_nothing_more(estate, host, root, labels):
    first = claimed(root, "the first run")
    tree = _staging.stage(first, release(labels[1]), False, pack(estate, labels[1]))
    second = claimed(root, "the second run", takeover="the first run")
    before = snapshot(host.root)

    attempts = [
        lambda: _trial.activate(first, tree),
        lambda: _trial.accept(first),
        lambda: _removal.clean(first, lambda state: [tree]),
        lambda: _removal.remove_all(first, False),
        lambda: _staging.stage(first, release(labels[2]), False, pack(estate, labels[2])),
    ]
    for attempt in attempts:
        with pytest.raises(_claim.Overtaken, match="taken over by the second run; this run"):
            attempt()

    after = snapshot(host.root)
    assert {path: after[path] for path in after if path != ".release/lock"} == {
        path: before[path] for path in before if path != ".release/lock"
    }
    _trial.activate(second, tree)
    _trial.accept(second)
    assert host.read("app") == "2"


def test_a_run_overtaken_during_its_trial_puts_nothing_back(estate, host, root, labels):
    first = claimed(root, "the first run")
    _trial.activate(
        first, _staging.stage(first, release(labels[1]), False, pack(estate, labels[1]))
    )
    claimed(root, "the second run", takeover="the first run")

    with pytest.raises(_claim.Overtaken):
        _trial.try_out(first, _request.Service(probes=(ILL,)))
    assert host.read("app") == "2"


def test_a_run_overtaken_while_it_stages_says_so(estate, host, root, labels):
    first = claimed(root, "the first run")

    class Slow(io.BytesIO):
        """A pack that arrives so slowly that another run comes and goes meanwhile."""

        def read(self, *count):
            if self.tell() < len(self.getvalue()) and not os.path.exists(host.root / "met"):
                (host.root / "met").touch()
                second = claimed(root, "the second run", takeover="the first run")
                _trial.activate(
                    second,
                    _staging.stage(second, release(labels[2]), False, pack(estate, labels[2])),
                )
            return super().read(*count)

    with pytest.raises(_claim.Overtaken, match="taken over by the second run"):
        _staging.stage(first, release(labels[1]), False, Slow(pack(estate, labels[1]).getvalue()))
    assert host.read("app") == "3"
    assert host.drift() == []


def test_an_overtaken_run_leaves_the_staging_of_the_other_alone(estate, host, root, labels):
    first = claimed(root, "the first run")
    second = claimed(root, "the second run", takeover="the first run")

    class Interrupted(io.BytesIO):
        """A pack during whose arrival the overtaken run tries to begin."""

        def read(self, *count):
            with pytest.raises(_claim.Overtaken):
                _staging.stage(first, release(labels[2]), False, pack(estate, labels[2]))
            return super().read(*count)

    _staging.stage(
        second, release(labels[1]), False, Interrupted(pack(estate, labels[1]).getvalue())
    )

    assert host.drift(host.tree_of(labels[1])) == []


def test_a_run_overtaken_as_it_clears_staging_leaves_that_of_the_other_alone(root, monkeypatch):
    first = claimed(root, "the first run")
    open_folder = first.folder

    with contextlib.ExitStack() as stack:

        def folder(inner, name):
            second = claimed(root, "the second run", takeover="the first run")
            second.staging(stack)
            return open_folder(inner, name)

        monkeypatch.setattr(first, "folder", folder)
        first.staging(stack)
        assert root.names("staging") == {str(first.token), str(first.token + 1)}


def hold_lock(path, ready, seconds):
    with _directory.opened(path) as root, root.locked(1, "a run that hangs"):
        ready.set()
        time.sleep(seconds)


@pytest.fixture
def hanging(host):
    """Return the pid of a process that holds the root's lock."""
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    process = context.Process(target=hold_lock, args=(str(host.root), ready, 60))
    process.start()
    assert ready.wait(10)
    yield process.pid
    process.kill()
    process.join()


def test_a_lock_that_is_held_fails_in_time_and_names_who_holds_it(host, labels, hanging):
    began = time.monotonic()

    with pytest.raises(
        _directory.RootError,
        match=rf"srv/shop is locked by pid {hanging} of a run that hangs for more than 0 s",
    ):
        host.deploy(labels[1], lock_timeout=0)
    assert time.monotonic() - began < 5
    assert host.read("app") == "1"


def test_who_holds_a_lock_is_named_over_a_longer_name_before(host, labels, monkeypatch):
    with _directory.opened(str(host.root)) as root, root.locked(0, "a run with quite a long name"):
        pass
    monkeypatch.setattr(os, "ftruncate", lambda *_args: None)

    with _directory.opened(str(host.root)) as root, root.locked(0, "a run"):
        with pytest.raises(
            _directory.RootError, match=rf"locked by pid {os.getpid()} of a run for "
        ):
            host.deploy(labels[1], lock_timeout=0)


def test_nothing_to_do_and_check_mode_wait_for_no_lock(host, labels, hanging):
    del hanging

    assert not host.deploy(labels[0], lock_timeout=0)["changed"]
    assert host.deploy(labels[1], check_mode=True, lock_timeout=0)["changed"]


def test_a_lock_does_not_outlive_its_owner(host, labels):
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    process = context.Process(target=hold_lock, args=(str(host.root), ready, 60))
    process.start()
    assert ready.wait(10)
    process.kill()
    process.join()

    host.deploy(labels[1], lock_timeout=0)
    assert host.read("app") == "2"


def test_of_many_processes_at_once_each_writes_whole(estate, labels):
    host = estate.host()
    host.deploy(labels[0])
    for label in labels[1:]:
        host.deploy(label, state="staged")
    context = multiprocessing.get_context("fork")

    def deploy(number):
        try:
            host.deploy(labels[number % 3], lock_timeout=20)
        except _claim.Overtaken:
            pass

    processes = [context.Process(target=deploy, args=(number,)) for number in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0] * 8
    assert host.current == (host.state.trial or host.state.live)
    assert [host.drift(tree) for tree in host.trees] == [[]] * 3
    host.deploy(labels[0])
    assert host.read("app") == "1"


def test_a_root_may_be_reached_through_a_link(estate, labels):
    host = estate.host()
    host.deploy(labels[0])
    aside = host.root.with_name("real")
    host.root.rename(aside)
    host.root.symlink_to(aside)

    host.deploy(labels[1])

    assert host.read("app") == "2"


def test_folders_of_a_new_root_are_made_for_others_whatever_the_umask(estate, labels):
    host = estate.host()
    umask = os.umask(0o077)
    try:
        host.deploy(labels[0])
    finally:
        os.umask(umask)

    modes = {
        name: (host.root / name).stat().st_mode & 0o7777
        for name in (".", "releases", "shared", ".release", ".release/drop", ".release/staging")
    }
    assert modes == {
        ".": 0o755,
        "releases": 0o755,
        "shared": 0o755,
        ".release": 0o711,
        ".release/drop": 0o711,
        ".release/staging": 0o700,
    }


def test_a_damaged_manifest_is_as_good_as_none(root, host, labels):
    assert root.read_manifest(labels[0].digest).version == "1.0"
    path = host.root / ".release/manifests" / labels[0].digest
    path.write_bytes(path.read_bytes()[:-1])

    assert root.read_manifest(labels[0].digest) is None
    assert root.read_manifest("0" * 64) is None


def test_the_state_is_written_as_it_is_read(root, host):
    state = root.read_state()
    before = (host.root / ".release/state.json").read_bytes()

    root.write_state(state)

    assert (host.root / ".release/state.json").read_bytes() == before
    assert root.read_state() == state


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("srv/shop", "is not an absolute path"),
        ("/", "is the root of the host: give a directory of its own"),
        ("//./", "is the root of the host: give a directory of its own"),
    ],
)
def test_a_root_that_cannot_be_one_is_refused(path, reason):
    with pytest.raises(_directory.RootError, match=reason), _directory.opened(path):
        pass


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("there", "told"),
    [(["www"], "www"), (["a", "b", "c", "d"], "a, b, c, …"), (["releases", "lib"], "lib")],
)
def test_a_directory_with_files_of_others_does_not_become_a_root(
    estate, labels, there, told, check_mode
):
    host = estate.host()
    for name in there:
        (host.root / name).mkdir(parents=True)
    before = snapshot(host.root)

    for state in ("staged", "live"):
        with pytest.raises(
            _directory.RootError, match=rf"has files that no deployment made \({told}"
        ):
            host.deploy(labels[0], check_mode, state=state)

    assert snapshot(host.root) == before
    assert host.deploy(labels[0], check_mode, foreign_files=True)["changed"]
    assert set(there) <= set(os.listdir(host.root))


def test_files_of_others_that_come_later_are_no_matter(estate, labels):
    host = estate.host()
    host.deploy(labels[0])
    (host.root / "www").mkdir()

    assert host.deploy(labels[1])["changed"]


@pytest.mark.parametrize("there", ["shared/log", "releases", "lost+found", ".ssh"])
def test_what_belongs_to_a_root_may_be_there_before(estate, labels, there):
    host = estate.host()
    (host.root / there).mkdir(parents=True)

    assert host.deploy(labels[0])["changed"]


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("spelt", ["{}", "{}/", "/{}/.", "{}/x/..", "link"])
def test_a_directory_of_the_system_does_not_become_a_root(
    estate, labels, tmp_path, monkeypatch, spelt, check_mode
):
    system = tmp_path / "system"
    system.mkdir()
    (tmp_path / "link").symlink_to(system)
    monkeypatch.setattr(_directory, "SYSTEM", {str(system)})
    root = str(tmp_path / "link") if spelt == "link" else spelt.format(system)

    with pytest.raises(_directory.RootError, match="a directory of the system: choose one of its"):
        estate.host(root=root).deploy(labels[0], check_mode, foreign_files=True)

    assert list(system.iterdir()) == []


@pytest.mark.parametrize("path", ["/srv", "/usr/local/", "//opt", "/var/../var/lib", "/home"])
def test_known_directories_of_the_system_are_refused_as_such(path):
    assert _directory.is_of_system(path)


@pytest.mark.parametrize("path", ["/srv/shop", "/opt/shop", "/home/shop", "/usr/local/shop"])
def test_what_lies_below_them_is_not(path):
    assert not _directory.is_of_system(path)


def test_a_directory_of_the_system_is_not_removed_because_it_is_empty(
    estate, tmp_path, monkeypatch
):
    system = tmp_path / "system"
    system.mkdir()
    monkeypatch.setattr(_directory, "SYSTEM", {str(system)})

    estate.host(root=str(system)).deploy(None, state="absent")

    assert system.is_dir()
