# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a build host is told, and how a controller watches it, whatever comes in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.building import _supervision
from ansible_collections.itops.release.plugins.plugin_utils.definition import _release_file

MOST_COMMANDS = 200
FROM = {"git": "../x", "revision": "main"}


def components(*declared):
    """Return what is to be built of a release.yml with the components *declared*."""
    plain = {"name": "shop", "version": "1", "serial": 1}
    plain["components"] = [{"kind": "files", **each} for each in declared]
    return _supervision.components(_release_file.parse(json.dumps(plain), "release.yml"))


def order(*declared):
    return {each["name"]: each["after"] for each in components(*declared)}


def test_components_come_after_those_that_they_require():
    assert order(
        {"name": "app", "from": FROM, "requires": ["lib >=1", "bus", "outside"]},
        {"name": "lib", "from": FROM, "requires": ["lib"]},
        {"name": "core", "from": FROM, "provides": {"bus": "1"}, "requires": ["data"]},
        {"name": "data"},  # which is not built
    ) == {"app": ["core", "lib"], "core": [], "lib": []}


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (
            [
                {"name": "a", "from": FROM, "requires": ["b"]},
                {"name": "b", "from": FROM, "requires": ["c"]},
                {"name": "c", "from": FROM, "requires": ["a"]},
                {"name": "d", "from": FROM},
            ],
            "components require each other in a circle: a and b and c",
        ),
        ([{"name": "a"}], "no component of the release has from"),
        (
            [
                {"name": "a", "from": FROM, "version": "2", "requires": ["b >=2"]},
                {"name": "b", "version": "1.0"},  # which is not built
            ],
            "a 2 requires b >=2; this release has b 1.0",
        ),
        ([{"name": "build.json", "from": FROM}], "has the name of a build's record"),
        (
            [{"name": "a", "from": {"git": "https://t0ken@example.org/x", "revision": "1"}}],
            "a: the address https://example.org/x has a user or password in it",
        ),
        (
            [{"name": "a", "from": {"git": "ssh://me:pass@example.org/x", "revision": "1"}}],
            "has a user or password in it",
        ),
        (
            [{"name": "a", "from": {"archive": "https://u:p@example.org/x", "sha256": "0" * 64}}],
            "has a user or password in it",
        ),
    ],
)
def test_what_cannot_be_built_is_refused_by_name(declared, words):
    with pytest.raises((_supervision.BuildingError, _release_file.ReleaseFileError)) as caught:
        components(*declared)

    assert words in str(caught.value)
    assert "t0ken" not in str(caught.value)


@pytest.mark.parametrize("place", ["ssh://git@example.org/x", "git@example.org:x", "/srv/x@y"])
def test_the_name_of_a_user_for_ssh_is_no_secret(place):
    assert components({"name": "a", "from": {"git": place, "revision": "1"}})


class LinkBroke(Exception):
    """The connection to the build host broke."""


class Shell:
    """A host's shell; before each command the next of *moments* happens."""

    def __init__(self, *moments):
        self.commands = []
        self._moments = list(moments)

    def _low_level_execute_command(self, command):
        self.commands.append(command)
        if not command.startswith("rm"):
            assert len(self.commands) < MOST_COMMANDS, "it goes on for ever"
            if self._moments:
                self._moments.pop(0)()
        done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, text=True, check=False)
        return {"stdout": "Welcome!\n{oh\n" + done.stdout}


@pytest.fixture
def there(tmp_path, monkeypatch):
    """Return what a build host says to be polled; the process is this one."""
    monkeypatch.setattr(_supervision, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(_supervision, "POLLING_SECONDS", 0.01)
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
    told, shell = [], Shell(*moments)
    ended = _supervision.watch(shell, there, patience, told.append, LinkBroke)
    return ended, told, shell


def test_each_event_is_told_once_and_the_end_returned(there):
    ended, told, _shell = watch(
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
    ended, told, _shell = watch(
        there, lose, saying(there, {"say": "a"}), lose, lose, saying(there, {"ended": {}})
    )

    assert (ended, told) == ({}, ["a"])


def test_a_link_that_stays_broken_is_told(there):
    with pytest.raises(LinkBroke):
        watch(there, *[lose] * 50, patience=0.05)


def test_a_build_whose_process_was_killed_is_told(there):
    child = subprocess.Popen(["true"])
    child.wait()

    with pytest.raises(_supervision.BuildingError, match="was killed on the build host"):
        watch({**there, "pid": child.pid}, lambda: None)


def test_a_process_that_waits_only_for_its_parent_is_over(there):
    child = subprocess.Popen(["true"])
    with open(f"/proc/{child.pid}/status") as stream:
        while "State:\tZ" not in stream.read():
            stream.seek(0)

    with pytest.raises(_supervision.BuildingError, match="was killed on the build host"):
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


def test_versions_are_those_of_this_collection():
    versions = _supervision.versions("2.19.0")

    assert versions["ansible-core"] == "2.19.0"
    assert versions["itops.release"][0].isdigit()
