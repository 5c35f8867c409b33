# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import errno
import fcntl
import multiprocessing
import os
import stat

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.telemetry import _metrics, _textfile
from ansible_collections.itops.release.tests.fakes.ended_runs import place, run

PATIENCE_S = 60
WRITERS, RUNS = 4, 25


def runs_in(text):
    return sum(_metrics.parse(text)[_metrics.RUNS].series.values())


def runs_of(path):
    return runs_in(path.read_text(encoding="utf-8"))


def others(path):
    """Return what is in the folder beside the file and its lock."""
    return {entry.name for entry in path.parent.iterdir()} - {path.name, f".{path.name}.lock"}


def test_a_file_is_made_for_the_collector_to_read(tmp_path):
    path = tmp_path / "itops.prom"
    before = os.umask(0o077)
    try:
        _textfile.add(str(path), run(), PATIENCE_S)
    finally:
        os.umask(before)

    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert runs_of(path) == 1
    assert others(path) == set()


def test_readers_see_the_old_file_or_the_new_one(tmp_path):
    path = tmp_path / "itops.prom"
    _textfile.add(str(path), run(), PATIENCE_S)
    with open(path, encoding="utf-8") as reader:
        _textfile.add(str(path), run(), PATIENCE_S)

        assert runs_in(reader.read()) == 1
    assert runs_of(path) == 2


def write(path, number):
    for _count in range(RUNS):
        _textfile.add(path, run(place(environment=f"test{number % 2}")), PATIENCE_S)


def test_runs_that_end_at_once_lose_nothing(tmp_path):
    path = tmp_path / "itops.prom"
    spawn = multiprocessing.get_context("fork")
    writers = [spawn.Process(target=write, args=(str(path), n)) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    assert runs_of(path) == WRITERS * RUNS
    assert others(path) == set()


def test_a_lock_that_another_holds_is_not_waited_for_without_end(tmp_path):
    path = tmp_path / "itops.prom"
    _textfile.add(str(path), run(), PATIENCE_S)
    with open(tmp_path / ".itops.prom.lock", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(OSError, match="another run holds the lock"):
            _textfile.add(str(path), run(), 0)
    assert runs_of(path) == 1


@pytest.mark.parametrize("content", ["node_load1 0.5\n", "\xff\xfe", "x" * 100])
def test_a_file_of_something_else_stays_as_it_is(tmp_path, content):
    path = tmp_path / "node.prom"
    path.write_text(content, encoding="latin-1")

    with pytest.raises(_metrics.MetricsError):
        _textfile.add(str(path), run(), PATIENCE_S)

    assert path.read_text(encoding="latin-1") == content
    assert others(path) == set()


def test_the_name_must_be_one_that_the_collector_reads(tmp_path):
    with pytest.raises(_metrics.MetricsError, match=r"must end in \.prom"):
        _textfile.add(str(tmp_path / "itops.txt"), run(), PATIENCE_S)

    assert list(tmp_path.iterdir()) == []


def test_a_pipe_or_a_link_in_place_of_the_files_holds_nothing_up(tmp_path):
    os.mkfifo(tmp_path / "pipe.prom")
    with pytest.raises(_metrics.MetricsError, match="not a regular file"):
        _textfile.add(str(tmp_path / "pipe.prom"), run(), PATIENCE_S)

    (tmp_path / ".link.prom.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):  # noqa: PT011 - which one depends on the system
        _textfile.add(str(tmp_path / "link.prom"), run(), PATIENCE_S)
    assert not (tmp_path / "elsewhere").exists()


def test_a_full_disk_leaves_the_old_file_and_no_rest(tmp_path, monkeypatch):
    path = tmp_path / "itops.prom"
    _textfile.add(str(path), run(), PATIENCE_S)

    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        _textfile.add(str(path), run(), PATIENCE_S)

    assert runs_of(path) == 1
    assert others(path) == set()
