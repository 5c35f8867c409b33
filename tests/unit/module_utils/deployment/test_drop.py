# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a pack arrives: offered again when it broke off, and nobody else's business."""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import os
import pathlib
import shutil

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import _drop
from ansible_collections.itops.release.plugins.module_utils.root import _claim, _directory
from ansible_collections.itops.release.tests.fakes.estate import access

RELEASE = hashlib.sha256(b"wanted").hexdigest()
OTHER = hashlib.sha256(b"another").hexdigest()
PACK = bytes(range(256)) * 4


@pytest.fixture
def root(tmp_path):
    path = str(tmp_path / "srv")
    _directory.create(path, access())
    stack = contextlib.ExitStack()
    yield stack.enter_context(_directory.opened(path))
    stack.close()


def ask(root, release=RELEASE, run="a run"):
    made = _drop.make(root, None, False, release, run, 1)
    return pathlib.Path(made["drop"]), made["partial"]


def partial(data):
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def read(drop):
    with (
        _directory.opened(str(drop.parents[2])) as root,
        _drop.open_pack(root, str(drop)) as stream,
    ):
        return stream.read()


def files(drop):
    """Return what is in *drop* beside the name of its run."""
    return sorted(file.name for file in drop.iterdir() if file.name != "run")


def drops(root):
    return os.listdir(os.path.join(root.path, ".release/drop"))


def test_a_first_drop_is_empty_and_closed_to_others(root):
    drop, there = ask(root)

    assert there is None
    assert files(drop) == []
    assert drop.stat().st_mode & 0o7777 == 0o700


def test_a_umask_closes_a_drop_to_nobody_who_needs_it(root):
    before = os.umask(0o077)
    try:
        drop, _there = ask(root)
    finally:
        os.umask(before)
    assert drop.stat().st_mode & 0o7777 == 0o700


@pytest.mark.root("gives a drop to the login user")
def test_root_gives_the_drop_to_the_login_user(root, monkeypatch):
    monkeypatch.setenv("SUDO_UID", "4711")

    made = _drop.make(root, "somebody", True, RELEASE, "a run", 1)

    assert os.stat(made["drop"]).st_uid == 4711


def test_what_arrived_is_offered_to_the_next_run(root):
    first, _there = ask(root)
    (first / "pack").write_bytes(PACK[:300])

    second, there = ask(root)

    assert there == partial(PACK[:300])
    assert drops(root) == [second.name]
    (second / "kept.300").write_bytes(PACK[300:])
    assert read(second) == PACK
    assert files(second) == ["kept"]


def test_a_transfer_may_break_off_again_and_again(root):
    drop, _there = ask(root)
    (drop / "pack").write_bytes(PACK[:300])
    for start, end in ((300, 500), (500, 800)):
        drop, there = ask(root)
        assert there == partial(PACK[:start])
        (drop / f"kept.{start}").write_bytes(PACK[start:end])

    drop, there = ask(root)

    assert there == partial(PACK[:800])
    (drop / "kept.800").write_bytes(PACK[800:])
    assert read(drop) == PACK


def test_what_an_old_transfer_still_writes_does_not_matter(root):
    """The server of a connection that broke may get what was on its way when the link is back."""
    drop, _there = ask(root)
    with open(drop / "pack", "wb", buffering=0) as late:
        late.write(PACK[:300])
        drop, there = ask(root)
        late.write(PACK[300:400])

    assert there == partial(PACK[:300])
    (drop / "kept.300").write_bytes(PACK[300:])
    assert read(drop) == PACK


def test_a_pack_from_its_beginning_replaces_what_was_kept(root):
    drop, _there = ask(root)
    (drop / "pack").write_bytes(b"another pack, and a longer one" * 100)
    drop, _there = ask(root)

    (drop / "pack").write_bytes(PACK[:300])

    assert read(drop) == PACK[:300]
    drop, there = ask(root)
    assert there == partial(PACK[:300])


def test_joining_that_was_killed_is_done_again(root, monkeypatch):
    drop, _there = ask(root)
    (drop / "pack").write_bytes(PACK[:300])
    drop, _there = ask(root)
    (drop / "kept.300").write_bytes(PACK[300:])
    (drop / "kept").write_bytes(PACK[:500])  # so far the killed one got

    assert read(drop) == PACK


def test_a_piece_behind_a_gap_is_not_used(root):
    drop, _there = ask(root)
    (drop / "pack").write_bytes(PACK[:300])
    drop, _there = ask(root)
    (drop / "kept.400").write_bytes(PACK[400:])

    _drop, there = ask(root)

    assert there == partial(PACK[:300])


def test_of_several_the_longest_is_kept(root):
    parent = pathlib.Path(root.path, ".release/drop")
    for name, size in (("a", 200), ("b", 600), ("c", 400)):
        folder = parent / f"{RELEASE[:16]}-{name}"
        folder.mkdir(mode=0o700)
        (folder / "pack").write_bytes(PACK[:size])

    _drop, there = ask(root)

    assert there == partial(PACK[:600])


def test_what_arrived_of_another_release_goes(root):
    drop, _there = ask(root, OTHER)
    (drop / "pack").write_bytes(PACK)

    drop, there = ask(root)

    assert there is None
    assert drops(root) == [drop.name]
    assert files(drop) == []


@pytest.mark.root("gives files to other users")
@pytest.mark.parametrize("foreign", [".", "pack"])
def test_what_somebody_else_left_is_not_built_upon(root, foreign):
    drop, _there = ask(root)
    (drop / "pack").write_bytes(PACK[:300])
    os.chown(drop / foreign, 4711, -1)

    drop, there = ask(root)

    assert there is None
    assert drops(root) == [drop.name]


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_what_is_no_file_is_not_built_upon(root, tmp_path, kind):
    drop, _there = ask(root)
    (tmp_path / "elsewhere").write_bytes(PACK[:300])
    if kind == "link":
        (drop / "pack").symlink_to(tmp_path / "elsewhere")
    elif kind == "fifo":
        os.mkfifo(drop / "pack")
    else:
        (drop / "pack").mkdir()

    drop, there = ask(root)

    assert there is None
    assert drops(root) == [drop.name]
    assert (tmp_path / "elsewhere").read_bytes() == PACK[:300]


@pytest.mark.parametrize("linked", ["kept", "kept.300"])
def test_a_link_leads_no_write_elsewhere(root, tmp_path, linked):
    drop, _there = ask(root)
    victim = tmp_path / "elsewhere"
    victim.write_bytes(PACK[:300])
    (drop / "kept").write_bytes(PACK[:300])
    (drop / "kept.300").write_bytes(b"pwned")
    (drop / linked).unlink()
    (drop / linked).symlink_to(victim)

    with pytest.raises(OSError, match="symbolic link"):
        read(drop)
    assert victim.read_bytes() == PACK[:300]


@pytest.mark.root("writes to files of other users")
def test_a_hard_link_leads_no_write_elsewhere(root, tmp_path, monkeypatch):
    monkeypatch.setenv("SUDO_UID", "4711")
    drop = pathlib.Path(_drop.make(root, None, True, RELEASE, "a run", 1)["drop"])
    victim = pathlib.Path(root.path, "victim")  # root's own
    victim.write_bytes(PACK[:300])
    os.link(victim, drop / "kept")
    (drop / "kept.300").write_bytes(b"pwned")
    os.chown(drop / "kept.300", 4711, -1)

    read(drop)

    assert victim.read_bytes() == PACK[:300]


def test_a_drop_is_removed_alone(root):
    drop, _there = ask(root)
    other = drop.with_name("other")
    other.mkdir()

    _drop.remove(root, str(drop))

    assert drops(root) == ["other"]
    _drop.remove(root, str(drop))  # again does no harm


def test_a_pack_that_is_gone_is_told_in_a_line(root):
    drop, _there = ask(root)
    with pytest.raises(_claim.DeploymentError, match="is gone: another run deploys there too"):
        read(drop)
    shutil.rmtree(drop)
    with pytest.raises(_claim.DeploymentError, match="is gone: another run deploys there too"):
        read(drop)


def test_a_run_whose_drop_was_taken_away_learns_by_whom(root):
    mine, _there = ask(root, run="mine")
    assert _drop.taken_by(root, str(mine)) is None

    theirs, _there = ask(root, OTHER, run="theirs")

    assert not mine.exists()
    assert _drop.taken_by(root, str(mine)) == "theirs"
    assert _drop.taken_by(root, str(theirs)) is None


def test_of_two_runs_that_ask_at_once_none_fails_and_the_later_one_gets_its_way(root):
    def ask_again_and_again(run):
        made = [_drop.make(root, None, False, RELEASE, run, 60) for _time in range(100)]
        return os.path.basename(made[-1]["drop"])

    with concurrent.futures.ThreadPoolExecutor() as pool:
        last = list(pool.map(ask_again_and_again, ("one run", "another run")))

    (drop,) = drops(root)
    assert drop in last


def test_a_drop_is_made_and_cleared_in_one_s_turn_only(root):
    drop, _there = ask(root)

    with root.locked(0, "another run"):
        for act in (
            lambda: _drop.make(root, None, False, OTHER, "a run", 0),
            lambda: _drop.clear(root, [RELEASE], "a run", 0),
        ):
            with pytest.raises(_directory.RootError, match=r"is locked by .* of another run"):
                act()
        assert drops(root) == [drop.name]
    _drop.clear(root, [RELEASE], "a run", 0)
    assert drops(root) == []


def test_what_was_kept_is_hashed_while_others_have_their_turn(root, monkeypatch):
    drop, _there = ask(root)
    (drop / "pack").write_bytes(PACK)
    read = os.read

    def read_in_turn(*arguments):
        with root.locked(0, "another run"):
            return read(*arguments)

    monkeypatch.setattr(_drop.os, "read", read_in_turn)
    assert ask(root)[1] == partial(PACK)


def test_space_is_told_where_nothing_is_yet(root):
    there = _drop.space(root.path)

    deeper = _drop.space(os.path.join(root.path, "not", "yet", "there"))

    status = os.statvfs(root.path)
    inodes = status.f_favail if status.f_files else None
    for told in (there, deeper):
        assert told["bytes"] == pytest.approx(status.f_bavail * status.f_frsize, rel=0.2)
        assert told["inodes"] == pytest.approx(inodes, rel=0.2)


def test_what_lies_in_drops_counts_as_free(root, monkeypatch):
    """In check mode too, where nobody may look whether the next pack goes on from it."""
    for number, release in enumerate((RELEASE, OTHER)):
        drop = pathlib.Path(root.path, ".release/drop", f"{release[:16]}-{number}")
        drop.mkdir()
        (drop / "pack").write_bytes(bytes(1_000_000))
    (drop / "linked").hardlink_to(drop / "pack")
    frozen = os.statvfs(root.path)
    monkeypatch.setattr(os, "statvfs", lambda _path: frozen)

    there = _drop.space(root.path)

    assert there["bytes"] - frozen.f_bavail * frozen.f_frsize == pytest.approx(1e6, rel=0.01)
    assert there["inodes"] in (None, frozen.f_favail + 1)
