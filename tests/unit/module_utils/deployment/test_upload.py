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

from ansible_collections.itops.release.plugins.module_utils.deployment import _answer, _upload
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
    upload_dir, there = _upload.make(root, None, False, release, run, 1)
    return pathlib.Path(upload_dir), there


def partial(data):
    return _answer.Partial(len(data), hashlib.sha256(data).hexdigest())


def read(upload_dir):
    with (
        _directory.opened(str(upload_dir.parents[2])) as root,
        _upload.open_pack(root, str(upload_dir)) as stream,
    ):
        return stream.read()


def files(upload_dir):
    """Return what is in *upload_dir* beside the name of its run."""
    return sorted(file.name for file in upload_dir.iterdir() if file.name != "run")


def uploads(root):
    return os.listdir(os.path.join(root.path, ".release/drop"))


def test_a_first_upload_directory_is_empty_and_closed_to_others(root):
    upload_dir, there = ask(root)

    assert there is None
    assert files(upload_dir) == []
    assert upload_dir.stat().st_mode & 0o7777 == 0o700


def test_a_umask_closes_an_upload_directory_to_nobody_who_needs_it(root):
    before = os.umask(0o077)
    try:
        upload_dir, _there = ask(root)
    finally:
        os.umask(before)
    assert upload_dir.stat().st_mode & 0o7777 == 0o700


@pytest.mark.root("gives a directory away")
def test_root_gives_the_upload_directory_to_the_login_user(root, monkeypatch):
    monkeypatch.setenv("SUDO_UID", "4711")

    upload_dir, _there = _upload.make(root, "somebody", True, RELEASE, "a run", 1)

    assert os.stat(upload_dir).st_uid == 4711


def test_what_arrived_is_offered_to_the_next_run(root):
    first, _there = ask(root)
    (first / "pack").write_bytes(PACK[:300])

    second, there = ask(root)

    assert there == partial(PACK[:300])
    assert uploads(root) == [second.name]
    (second / "kept.300").write_bytes(PACK[300:])
    assert read(second) == PACK
    assert files(second) == ["kept"]


def test_a_transfer_may_break_off_again_and_again(root):
    upload_dir, _there = ask(root)
    (upload_dir / "pack").write_bytes(PACK[:300])
    for start, end in ((300, 500), (500, 800)):
        upload_dir, there = ask(root)
        assert there == partial(PACK[:start])
        (upload_dir / f"kept.{start}").write_bytes(PACK[start:end])

    upload_dir, there = ask(root)

    assert there == partial(PACK[:800])
    (upload_dir / "kept.800").write_bytes(PACK[800:])
    assert read(upload_dir) == PACK


def test_what_an_old_transfer_still_writes_does_not_matter(root):
    """The server of a connection that broke may get what was on its way when the link is back."""
    upload_dir, _there = ask(root)
    with open(upload_dir / "pack", "wb", buffering=0) as late:
        late.write(PACK[:300])
        upload_dir, there = ask(root)
        late.write(PACK[300:400])

    assert there == partial(PACK[:300])
    (upload_dir / "kept.300").write_bytes(PACK[300:])
    assert read(upload_dir) == PACK


def test_a_pack_from_its_beginning_replaces_what_was_kept(root):
    upload_dir, _there = ask(root)
    (upload_dir / "pack").write_bytes(b"another pack, and a longer one" * 100)
    upload_dir, _there = ask(root)

    (upload_dir / "pack").write_bytes(PACK[:300])

    assert read(upload_dir) == PACK[:300]
    upload_dir, there = ask(root)
    assert there == partial(PACK[:300])


def test_joining_that_was_killed_is_done_again(root, monkeypatch):
    upload_dir, _there = ask(root)
    (upload_dir / "pack").write_bytes(PACK[:300])
    upload_dir, _there = ask(root)
    (upload_dir / "kept.300").write_bytes(PACK[300:])
    (upload_dir / "kept").write_bytes(PACK[:500])  # so far the killed one got

    assert read(upload_dir) == PACK


def test_a_piece_behind_a_gap_is_not_used(root):
    upload_dir, _there = ask(root)
    (upload_dir / "pack").write_bytes(PACK[:300])
    upload_dir, _there = ask(root)
    (upload_dir / "kept.400").write_bytes(PACK[400:])

    _upload_dir, there = ask(root)

    assert there == partial(PACK[:300])


def test_of_several_the_longest_is_kept(root):
    parent = pathlib.Path(root.path, ".release/drop")
    for name, size in (("a", 200), ("b", 600), ("c", 400)):
        folder = parent / f"{RELEASE[:16]}-{name}"
        folder.mkdir(mode=0o700)
        (folder / "pack").write_bytes(PACK[:size])

    _upload_dir, there = ask(root)

    assert there == partial(PACK[:600])


def test_what_arrived_of_another_release_goes(root):
    upload_dir, _there = ask(root, OTHER)
    (upload_dir / "pack").write_bytes(PACK)

    upload_dir, there = ask(root)

    assert there is None
    assert uploads(root) == [upload_dir.name]
    assert files(upload_dir) == []


@pytest.mark.root("gives files away")
@pytest.mark.parametrize("foreign", [".", "pack"])
def test_what_somebody_else_left_is_not_built_upon(root, foreign):
    upload_dir, _there = ask(root)
    (upload_dir / "pack").write_bytes(PACK[:300])
    os.chown(upload_dir / foreign, 4711, -1)

    upload_dir, there = ask(root)

    assert there is None
    assert uploads(root) == [upload_dir.name]


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_what_is_no_file_is_not_built_upon(root, tmp_path, kind):
    upload_dir, _there = ask(root)
    (tmp_path / "elsewhere").write_bytes(PACK[:300])
    if kind == "link":
        (upload_dir / "pack").symlink_to(tmp_path / "elsewhere")
    elif kind == "fifo":
        os.mkfifo(upload_dir / "pack")
    else:
        (upload_dir / "pack").mkdir()

    upload_dir, there = ask(root)

    assert there is None
    assert uploads(root) == [upload_dir.name]
    assert (tmp_path / "elsewhere").read_bytes() == PACK[:300]


@pytest.mark.parametrize("linked", ["kept", "kept.300"])
def test_a_link_leads_no_write_elsewhere(root, tmp_path, linked):
    upload_dir, _there = ask(root)
    victim = tmp_path / "elsewhere"
    victim.write_bytes(PACK[:300])
    (upload_dir / "kept").write_bytes(PACK[:300])
    (upload_dir / "kept.300").write_bytes(b"pwned")
    (upload_dir / linked).unlink()
    (upload_dir / linked).symlink_to(victim)

    with pytest.raises(OSError, match="symbolic link"):
        read(upload_dir)
    assert victim.read_bytes() == PACK[:300]


@pytest.mark.root("writes to files of others")
def test_a_hard_link_leads_no_write_elsewhere(root, tmp_path, monkeypatch):
    monkeypatch.setenv("SUDO_UID", "4711")
    upload_dir = pathlib.Path(_upload.make(root, None, True, RELEASE, "a run", 1)[0])
    victim = pathlib.Path(root.path, "victim")  # root's own
    victim.write_bytes(PACK[:300])
    os.link(victim, upload_dir / "kept")
    (upload_dir / "kept.300").write_bytes(b"pwned")
    os.chown(upload_dir / "kept.300", 4711, -1)

    read(upload_dir)

    assert victim.read_bytes() == PACK[:300]


def test_an_upload_directory_is_removed_alone(root):
    upload_dir, _there = ask(root)
    other = upload_dir.with_name("other")
    other.mkdir()

    _upload.remove(root, str(upload_dir))

    assert uploads(root) == ["other"]
    _upload.remove(root, str(upload_dir))  # again does no harm


def test_a_pack_that_is_gone_is_told_in_a_line(root):
    upload_dir, _there = ask(root)
    with pytest.raises(_claim.DeploymentError, match="is gone: another run deploys there too"):
        read(upload_dir)
    shutil.rmtree(upload_dir)
    with pytest.raises(_claim.DeploymentError, match="is gone: another run deploys there too"):
        read(upload_dir)


def test_a_run_whose_upload_directory_was_taken_away_learns_by_whom(root):
    mine, _there = ask(root, run="mine")
    assert _upload.taken_by(root, str(mine)) is None

    theirs, _there = ask(root, OTHER, run="theirs")

    assert not mine.exists()
    assert _upload.taken_by(root, str(mine)) == "theirs"
    assert _upload.taken_by(root, str(theirs)) is None


def test_of_two_runs_that_ask_at_once_none_fails_and_the_later_one_gets_its_way(root):
    def ask_again_and_again(run):
        made = [_upload.make(root, None, False, RELEASE, run, 60) for _time in range(100)]
        return os.path.basename(made[-1][0])

    with concurrent.futures.ThreadPoolExecutor() as pool:
        last = list(pool.map(ask_again_and_again, ("one run", "another run")))

    (upload_dir,) = uploads(root)
    assert upload_dir in last


def test_an_upload_directory_is_made_and_cleared_in_one_s_turn_only(root):
    upload_dir, _there = ask(root)

    with root.locked(0, "another run"):
        for act in (
            lambda: _upload.make(root, None, False, OTHER, "a run", 0),
            lambda: _upload.clear(root, [RELEASE], "a run", 0),
        ):
            with pytest.raises(_directory.RootError, match=r"is locked by .* of another run"):
                act()
        assert uploads(root) == [upload_dir.name]
    _upload.clear(root, [RELEASE], "a run", 0)
    assert uploads(root) == []


def test_what_was_kept_is_hashed_while_others_have_their_turn(root, monkeypatch):
    upload_dir, _there = ask(root)
    (upload_dir / "pack").write_bytes(PACK)
    read = os.read

    def read_in_turn(*arguments):
        with root.locked(0, "another run"):
            return read(*arguments)

    monkeypatch.setattr(_upload.os, "read", read_in_turn)
    assert ask(root)[1] == partial(PACK)


def test_space_is_told_where_nothing_is_yet(root):
    there = _upload.space(root.path)

    deeper = _upload.space(os.path.join(root.path, "not", "yet", "there"))

    status = os.statvfs(root.path)
    inodes = status.f_favail if status.f_files else None
    for told in (there, deeper):
        assert told.bytes == pytest.approx(status.f_bavail * status.f_frsize, rel=0.2)
        assert told.inodes == pytest.approx(inodes, rel=0.2)


def test_what_lies_in_upload_directories_counts_as_free(root, monkeypatch):
    """In check mode too, where nobody may look whether the next pack goes on from it."""
    for number, release in enumerate((RELEASE, OTHER)):
        upload_dir = pathlib.Path(root.path, ".release/drop", f"{release[:16]}-{number}")
        upload_dir.mkdir()
        (upload_dir / "pack").write_bytes(bytes(1_000_000))
    (upload_dir / "linked").hardlink_to(upload_dir / "pack")
    frozen = os.statvfs(root.path)
    monkeypatch.setattr(os, "statvfs", lambda _path: frozen)

    there = _upload.space(root.path)

    assert there.bytes - frozen.f_bavail * frozen.f_frsize == pytest.approx(1e6, rel=0.01)
    assert there.inodes in (None, frozen.f_favail + 1)
