# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What another run, or a killed one, did between the look of a call at a host and its deed."""

from __future__ import annotations

import contextlib
import os
import shutil

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import (
    _host_call,
    _removal,
    _service,
    _staging,
    _trial,
    _upload,
)
from ansible_collections.itops.release.plugins.module_utils.files import _durable
from ansible_collections.itops.release.plugins.module_utils.root import _claim, _directory, _state
from ansible_collections.itops.release.tests.fakes.estate import snapshot
from ansible_collections.itops.release.tests.fakes.processes import exit_status

KILLED = 9


@pytest.fixture
def labels(estate):
    return [estate.seal(f"{n}.0", {"app": str(n), "lib": "same"}) for n in (1, 2, 3)]


@pytest.fixture
def host(estate):
    return estate.host()


@pytest.fixture
def meanwhile(monkeypatch, host):
    """Return what lets another run do something just before a call comes to a step of ours."""

    def arrange(owner, step, deed):
        own_run, real = host.run, getattr(owner, step)

        def interrupted(*args, **options):
            monkeypatch.setattr(owner, step, real)
            host.run = "another run"
            deed()
            host.run = own_run
            return real(*args, **options)

        monkeypatch.setattr(owner, step, interrupted)

    return arrange


def switch_and_die(host, label):
    """Deploy *label* in a process that is killed as soon as ``current`` leads to it."""

    def killed():
        real = _durable.replace_link
        _durable.replace_link = lambda *args: (real(*args), os._exit(KILLED))
        # pylint: disable-next=unreachable # the lambda ends the process, not its definition
        host.deploy(label)

    assert exit_status(killed) == KILLED
    assert host.current == host.tree_of(label)


@pytest.mark.parametrize("check_mode", [True, False])
def test_what_a_killed_run_switched_to_is_not_removed(host, labels, check_mode):
    host.deploy(labels[0])
    host.deploy(labels[1], state="staged")
    switch_and_die(host, labels[1])
    before = snapshot(host.root)

    with pytest.raises(_claim.DeploymentError, match="is on trial: it is not removed"):
        host.deploy(labels[1], check_mode, state="absent")

    assert snapshot(host.root) == before
    assert host.deploy(labels[1])["after"]["phase"] == "live"


def test_what_another_run_made_live_meanwhile_is_not_removed(host, labels, meanwhile):
    host.deploy(labels[0])
    host.deploy(labels[1], state="staged")
    meanwhile(_claim.Claim, "take", lambda: host.deploy(labels[1]))

    with pytest.raises(_claim.DeploymentError, match="is live: it is not removed"):
        host.deploy(labels[1], state="absent")

    assert host.read("app") == "2"
    assert host.state.lease is None


def test_all_that_another_run_brought_meanwhile_is_named_as_removed(host, labels, meanwhile):
    host.deploy(labels[0])
    meanwhile(_claim.Claim, "take", lambda: host.deploy(labels[1]))

    result = host.deploy(None, state="absent")

    assert result["removed"] == sorted(map(host.tree_of, labels[:2]))
    assert result["before"]["version"] == "2.0"


@pytest.mark.parametrize("moment", ["clean", "staging"])
def test_retention_spares_what_was_pinned_at_the_last_moment(host, labels, meanwhile, moment):
    for label in labels[:2]:
        host.deploy(label)
    host.deploy(labels[2], state="staged")
    owner = _removal if moment == "clean" else _claim.Claim
    meanwhile(owner, moment, lambda: host.deploy(labels[0], mark="pinned"))

    assert host.deploy(labels[2], keep=1)["removed"] == []
    assert host.tree_of(labels[0]) in host.trees


def test_what_another_run_removed_meanwhile_cannot_be_pinned(host, labels, meanwhile):
    host.deploy(labels[0])
    host.deploy(labels[1], state="staged")
    meanwhile(_claim.Claim, "noting", lambda: host.deploy(labels[1], state="absent"))

    with pytest.raises(_claim.DeploymentError, match="is not here"):
        host.deploy(labels[1], mark="pinned")

    assert host.state.pinned == {}


def test_the_previous_release_is_that_of_the_turn_not_of_the_asking(host, labels, meanwhile):
    for label in labels[:2]:
        host.deploy(label)
    meanwhile(_claim.Claim, "take", lambda: host.deploy(labels[2]))

    result = host.deploy(None)

    assert (result["before"]["version"], result["after"]["version"]) == ("3.0", "2.0")
    assert host.read("app") == "2"


def test_the_previous_release_that_another_run_cleaned_is_not_needed(host, labels, meanwhile):
    for label in labels[:2]:
        host.deploy(label, keep=2)
    meanwhile(_claim.Claim, "take", lambda: host.deploy(labels[2], keep=2))

    assert host.deploy(None, keep=2)["after"]["version"] == "2.0"


def test_a_run_that_took_its_turn_before_the_asking_counts_too(host, labels, meanwhile):
    """The token alone does not tell: the other run has it before, and switches after."""
    for label in labels[:2]:
        host.deploy(label)
    host.deploy(labels[2], state="staged")
    with _directory.opened(str(host.root)) as root:
        working = _claim.Claim(root, "another run", host.now, 1)
        working.take(None)

        def end():
            _trial.activate(working, host.tree_of(labels[2]))
            _trial.accept(working)
            working.give_back(False)

        meanwhile(_claim.Claim, "take", end)
        result = host.deploy(None)

    assert (result["before"]["version"], result["after"]["version"]) == ("3.0", "2.0")


def test_the_pack_asked_for_is_of_the_release_that_is_previous_then(host, labels, meanwhile):
    for label in labels[:2]:
        host.deploy(label)
    (host.root / ".release/manifests" / labels[0].digest).unlink()
    host.damage(labels[0], "app")
    meanwhile(_claim.Claim, "await_turn", lambda: host.deploy(labels[2]))

    assert host.deploy(None)["after"]["version"] == "2.0"
    assert host.read("app") == "2"


def test_a_first_release_that_was_accepted_meanwhile_is_not_withdrawn(host, labels, meanwhile):
    host.deploy(labels[0], commit=False, hold=False)
    meanwhile(_claim.Claim, "take", lambda: host.deploy(labels[0]))

    with pytest.raises(_state.NoWayBack):
        host.deploy(None)

    assert host.read("app") == "1"
    assert host.state.live == host.tree_of(labels[0])


def test_what_another_run_did_meanwhile_is_not_told_as_ones_own(host, labels, meanwhile):
    host.deploy(labels[0])
    host.deploy(labels[1], state="staged")
    meanwhile(_claim.Claim, "take", lambda: host.deploy(labels[1]))

    result = host.deploy(labels[1])

    assert not result["changed"]
    assert result["before"]["version"] == result["after"]["version"] == "2.0"


@pytest.mark.parametrize("moment", ["take", "commit_point"])
def test_a_release_marked_bad_at_the_last_moment_does_not_go_live(host, labels, meanwhile, moment):
    host.deploy(labels[0])
    host.deploy(labels[1], state="staged")
    meanwhile(_claim.Claim, moment, lambda: host.deploy(labels[1], mark="bad"))

    with pytest.raises(_claim.DeploymentError, match=r"2\.0 was marked bad by another run"):
        host.deploy(labels[1])

    assert host.read("app") == "1"


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_switch_between_the_reading_of_state_and_of_current_is_no_strange_current(
    host, labels, meanwhile, check_mode
):
    host.deploy(labels[0])
    meanwhile(_directory.Root, "read_current", lambda: host.deploy(labels[1]))

    result = host.deploy(labels[2], check_mode)

    assert (result["before"]["version"], result["after"]["version"]) == ("2.0", "3.0")


def test_a_removal_looks_again_where_another_run_switched(host, labels, meanwhile):
    for label in labels[:2]:
        host.deploy(label)
    meanwhile(_directory.Root, "read_current", lambda: host.deploy(labels[2]))

    assert host.deploy(labels[0], state="absent")["removed"] == [host.tree_of(labels[0])]
    assert host.read("app") == "3"


@pytest.fixture
def root(host, labels):
    host.deploy(labels[0])
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(_directory.opened(str(host.root)))


def test_a_state_of_before_a_run_staged_is_not_of_one_moment_with_its_switch(
    host, root, labels, meanwhile
):
    read = []
    meanwhile(_staging, "stage", lambda: read.append(root.read_state()))
    host.deploy(labels[1])

    assert read[0].token == host.state.token  # it is one run that staged and switched
    with pytest.raises(_directory.Moved):
        root.read_current(read[0])
    assert root.read_current(root.read_state()) == host.tree_of(labels[1])


def test_a_release_that_came_and_went_meanwhile_is_no_strange_current(
    host, root, labels, meanwhile
):
    state = root.read_state()
    host.deploy(labels[1])

    def go():
        host.deploy(None)
        host.deploy(labels[1], state="absent")

    meanwhile(_directory, "tree_of_link", go)

    with pytest.raises(_directory.Moved):
        root.read_current(state)


def test_what_was_deployed_anew_since_everything_was_removed_is_no_strange_current(
    host, root, labels
):
    (host.root / "shared" / "data").write_text("stays, and so does the folder of it all")
    host.deploy(None, state="absent")
    host.deploy(labels[1])

    with pytest.raises(_directory.Moved):
        root.read_current(root.read_state())


def test_a_current_that_came_to_lead_elsewhere_in_what_is_ours_is_told_at_once(host, root, labels):
    host.deploy(labels[1])
    _durable.replace_link(root.descriptor, "current", "releases/" + host.tree_of(labels[0]))

    assert root.read_current(root.read_state()) == host.tree_of(labels[0])


def test_an_upload_directory_goes_although_somebody_sends_to_it_meanwhile(host, root, meanwhile):
    upload_dir = host.root / ".release/drop/0123456789abcdef-0123456789abcdef"
    upload_dir.mkdir()
    meanwhile(os, "rmdir", lambda: (upload_dir / "pack").write_text("sent late"))

    _upload.remove(root, str(upload_dir))

    assert not upload_dir.exists()


def test_a_run_knows_a_record_of_its_own_from_that_of_another(host, root, labels):
    host.deploy(labels[1])
    (host.root / "current").unlink()  # so that it differs, and nobody else wrote since
    claim = _claim.Claim(root, "the test's run", host.now, 1)

    assert root.read_current(claim.take(None)) is None


def test_a_run_that_waited_while_everything_was_removed_says_so(host, labels, meanwhile):
    host.deploy(labels[0])
    meanwhile(_directory.Root, "locked", lambda: host.deploy(None, state="absent"))

    with pytest.raises(
        _directory.RootError, match="was removed by another run meanwhile; run again"
    ):
        host.deploy(labels[1])
    assert host.deploy(labels[1])["changed"]


def test_of_two_runs_that_remove_everything_the_later_finds_nothing_to_do(host, labels, meanwhile):
    host.deploy(labels[0])
    meanwhile(_directory, "ensure_folders", lambda: host.deploy(None, state="absent"))

    assert not host.deploy(None, state="absent")["changed"]


def test_a_first_deployment_that_was_made_meanwhile_is_ours(host, labels, meanwhile):
    meanwhile(_host_call, "_to_adopt", lambda: host.deploy(labels[0]))

    assert host.deploy(labels[1])["before"]["version"] == "1.0"


def test_an_overtaken_run_touches_the_service_no_more(host, labels, meanwhile):
    restarts = host.root.parent / "restarts"
    host.deploy(labels[0])
    meanwhile(_trial, "try_out", lambda: host.deploy(labels[2], takeover="the test's run"))

    with pytest.raises(_claim.Overtaken, match="was taken over by another run; this run stopped"):
        host.deploy(labels[1], restart=["/bin/sh", "-c", f"echo >{restarts}"])

    assert host.read("app") == "3"
    assert not restarts.exists()


def test_an_overtaken_run_whose_probe_fails_says_who_took_over(host, labels, meanwhile):
    host.deploy(labels[0])
    meanwhile(_service, "probe", lambda: host.deploy(labels[2], takeover="the test's run"))

    with pytest.raises(_claim.Overtaken, match="was taken over by another run; this run stopped"):
        host.deploy(labels[1], probe={"command": ["false"]})

    assert host.read("app") == "3"


@pytest.mark.parametrize(
    "stumble",
    [_directory.RootError("not ours"), _directory.Moved(), OSError("gone"), KeyError("its tree")],
)
def test_an_overtaken_run_says_so_whatever_it_stumbles_over(host, labels, monkeypatch, stumble):
    host.deploy(labels[0])

    def overtaken(*_args):
        monkeypatch.undo()
        host.run = "another run"
        host.deploy(labels[2], takeover="the test's run")
        raise stumble

    monkeypatch.setattr(_trial, "activate", overtaken)

    with pytest.raises(_claim.Overtaken, match="was taken over by another run; this run stopped"):
        host.deploy(labels[1])
    assert host.read("app") == "3"


def test_a_current_that_leads_to_a_release_somebody_removed_is_no_other_run(host, labels):
    for label in labels[:2]:
        host.deploy(label)
    (host.root / "current").unlink()
    (host.root / "current").symlink_to(f"releases/{host.tree_of(labels[0])}")
    shutil.rmtree(host.root / "releases" / host.tree_of(labels[0]))

    with pytest.raises(_directory.RootError, match="is not ours: nothing was touched"):
        host.deploy(labels[2])
