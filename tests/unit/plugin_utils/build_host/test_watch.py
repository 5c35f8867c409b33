# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watch over a build: what is reported of it, and how it ends, whatever comes in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.build_host import _watch
from ansible_collections.itops.release.plugins.plugin_utils.build_host._conversation import (
    BuildHostError,
)
from ansible_collections.itops.release.tests.fakes.build_host import LinkBroke, Machine


@pytest.fixture
def there(tmp_path, monkeypatch):
    """Return what a build host says to be polled; the process is this one."""
    monkeypatch.setattr(_watch, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(_watch, "POLLING_SECONDS", 0.01)
    folder = tmp_path / "a b'ü"
    folder.mkdir()
    for name in ("events", "polled"):
        (folder / name).write_text("")
    return {
        "pid": os.getpid(),
        "events": str(folder / "events"),
        "polled": str(folder / "polled"),
    }


def saying(there, *events, end="\n"):
    """Return a moment at which a build tells *events*."""

    def say():
        with open(there["events"], "a") as stream:
            stream.write("\n".join(map(json.dumps, events)) + end)

    return say


def lose():
    raise LinkBroke


def watch(there, *moments, patience=60):
    told, machine = [], Machine({}, *moments)
    started = _watch.Started.from_plain(there)
    return _watch.watch(machine, started, patience, told.append), told


def test_each_event_is_told_once_and_the_end_returned(there):
    ended, told = watch(
        there,
        saying(there, {"say": "a"}, {"say": "b"}),
        lambda: None,
        saying(there, {"say": "c\x1b[31m"}, {"end": 1}, end=""),  # in the middle of a line
        saying(there, "", {"ended": {"changed": True}}),
    )

    assert ended == {"changed": True}
    assert told == ["a", "b", "c\\x1b[31m"]
    assert not os.path.exists(there["polled"])


def test_a_link_that_breaks_for_a_moment_ends_no_build(there):
    ended, told = watch(
        there, lose, saying(there, {"say": "a"}), lose, lose, saying(there, {"ended": {}})
    )

    assert (ended, told) == ({}, ["a"])


def test_a_link_that_stays_broken_is_told(there):
    with pytest.raises(LinkBroke):
        watch(there, *[lose] * 50, patience=0.05)


def test_a_build_whose_process_was_killed_is_told(there):
    child = subprocess.Popen(["true"])
    child.wait()

    with pytest.raises(BuildHostError, match="was killed on the build host"):
        watch({**there, "pid": child.pid}, lambda: None)


def test_a_process_that_waits_only_for_its_parent_is_over(there):
    child = subprocess.Popen(["true"])
    with open(f"/proc/{child.pid}/status") as stream:
        while "State:\tZ" not in stream.read():
            stream.seek(0)

    with pytest.raises(BuildHostError, match="was killed on the build host"):
        watch({**there, "pid": child.pid}, lambda: None)
    child.wait()


def test_a_task_that_is_ended_by_an_error_ends_the_build(there):
    def end():
        raise KeyError("time is over")

    with pytest.raises(KeyError):
        watch(there, end)
    assert not os.path.exists(there["polled"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_build_before_it_does_what_it_did(there, number):
    seen = []
    before = signal.signal(number, lambda *_signal: seen.append(os.path.exists(there["polled"])))
    try:
        with pytest.raises(BaseException, match=str(int(number))):
            watch(there, lambda: os.kill(os.getpid(), number))
        assert signal.getsignal(number) not in (signal.SIG_DFL, signal.default_int_handler)
    finally:
        signal.signal(number, before)

    assert seen == [False]


@pytest.mark.parametrize("plain", [{}, {"pid": "x", "events": "/e", "polled": "/p"}, None, [1]])
def test_an_answer_of_another_form_is_no_started_build(plain):
    with pytest.raises(BuildHostError, match="not a valid answer to the start of a build"):
        _watch.Started.from_plain(plain)
