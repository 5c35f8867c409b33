# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is overtaken just before it takes a lock, whichever, writes nothing any more."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import _trial
from ansible_collections.itops.release.plugins.module_utils.root import _claim, _directory, _state
from ansible_collections.itops.release.tests.fakes.estate import snapshot

OVERTAKEN = "was taken over by another run; this run stopped"
LINKS = {"linked_paths": ["etc/conf", "log/deep/"], "seed": True}
RESTART = {"restart": ["true"]}
ILL = {"probe": {"command": ["false"]}}
OWN = (".release/lock", ".release/staging", ".release/drop")


def deploying(*numbers, **params):
    """Return a function that makes the releases with these numbers live, one after the other."""

    def deploy(host, labels):
        for number in numbers:
            host.deploy(labels[number], **LINKS, **params)

    return deploy


def damage(host, _labels):
    """Change what is live, and with it the content that it shares."""
    there = host.root / "current/lib"
    there.write_text("tampered")


OPERATIONS = {  # what comes before, and what is overtaken
    "replace": (deploying(0), deploying(1, **RESTART)),
    "first of all": (deploying(), deploying(0, **RESTART)),
    "put back": (deploying(0), deploying(1, **RESTART, **ILL)),
    "go back": (deploying(0, 1), lambda host, _labels: host.deploy(None, **RESTART)),
    "accept": (deploying(0, 1, commit=False), deploying(1, **RESTART)),
    "withdraw": (deploying(0, commit=False), lambda host, _labels: host.deploy(None, **RESTART)),
    "clean": (deploying(0, 1, 2), deploying(1, keep=1)),
    "remove one": (
        lambda host, labels: (
            deploying(0)(host, labels),
            deploying(1, state="staged")(host, labels),
        ),
        lambda host, labels: host.deploy(labels[1], state="absent"),
    ),
    "remove all": (deploying(0), lambda host, _labels: host.deploy(None, state="absent")),
    "build upon damage": (
        lambda host, labels: (deploying(0)(host, labels), damage(host, labels)),
        deploying(1),
    ),
}


@pytest.fixture
def labels(estate):
    shared = {"lib": "same", "etc/conf": "as delivered"}
    ours = [estate.seal(f"{n}.0", {"app": str(n), **shared}) for n in (1, 2, 3)]
    return [*ours, estate.seal("4.0", {"app": "4"})]


@pytest.fixture(params=[True, False], ids=["accepted", "tried"])
def overtaken(monkeypatch, estate, labels, request):
    """Return overtaken(name, number): an operation, overtaken before its *number*-th lock.

    That gives the host, what its root was after the other run (None where nobody was taken over),
    and the error that the operation ended by. It gives None where there are not so many locks.
    The other run needs no staging, and so leaves that of the first alone.
    """
    real = _directory.Root.locked

    def run(name, number):
        prepare, act = OPERATIONS[name]
        host = estate.host()
        host.root = estate.folder / f"srv-{number}"
        host.deploy(labels[3], state="staged")
        prepare(host, labels)
        after, seen = [], itertools.count(1)

        def locked(*args):
            if next(seen) == number:
                monkeypatch.setattr(_directory.Root, "locked", real)
                own, host.run = host.run, "another run"
                told = host.deploy(labels[3], takeover=own, commit=request.param)
                host.run = own
                after.append(written(host) if told["took_over"] else None)
            return real(*args)

        monkeypatch.setattr(_directory.Root, "locked", locked)
        error = None
        try:
            act(host, labels)
        except (ValueError, OSError) as caught:
            error = caught
        monkeypatch.setattr(_directory.Root, "locked", real)
        return (host, after[0], error) if after else None

    return run


def written(host):
    """Return all of the root but what is a run's own."""
    found = snapshot(host.root)
    return {path: what for path, what in found.items() if not path.startswith(OWN)}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_overtaken_run_writes_nothing_whatever_it_was_about_to_lock(name, overtaken):
    stopped = 0
    for number in itertools.count(1):
        outcome = overtaken(name, number)
        if outcome is None:
            break
        host, after, error = outcome
        if after is None:
            continue  # it had not begun, or had ended
        assert written(host) == after, number
        stopped += isinstance(error, _claim.Overtaken)
        if error and not isinstance(error, _trial.PutBack):  # that was all it had to do
            assert str(error).endswith(OVERTAKEN)

    assert stopped


def test_a_run_that_was_taken_over_is_over_for_its_later_calls_too(estate, labels):
    host = estate.host()
    host.deploy(labels[0])
    host.deploy(labels[1], commit=False)
    host.run = "another run"
    host.deploy(labels[2], takeover="the test's run")
    host.run = "the test's run"
    before = written(host)

    for check_mode in (True, False):
        with pytest.raises(_claim.Overtaken, match=OVERTAKEN):
            host.deploy(labels[1], check_mode)
        with pytest.raises(_claim.Overtaken, match=OVERTAKEN):
            host.deploy(labels[3], check_mode, state="staged")
        with pytest.raises(_claim.Overtaken, match=OVERTAKEN):
            host.deploy(None, check_mode, state="absent")

    assert written(host) == before
    assert host.deploy(labels[2])["changed"] is False
    host.run = "a third run"
    assert host.deploy(labels[3])["changed"]


def test_only_so_many_runs_that_were_taken_over_are_remembered():
    overtaken = []
    for number in range(_state.MOST_OVERTAKEN + 5):
        overtaken = _state.taken_over(overtaken, f"run {number}", "another")

    assert len(overtaken) == _state.MOST_OVERTAKEN
    assert overtaken[-1] == (f"run {number}", "another")
