# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release that is asked for by its name is never older than what is live or on trial."""

from __future__ import annotations

import re

import pytest

from ansible_collections.itops.release.plugins.module_utils.root import _claim, _directory, _history
from ansible_collections.itops.release.tests.fakes.estate import Estate, Host, snapshot

ONE, TWO, THREE = 0, 1, 2


@pytest.fixture
def labels(estate):
    return [estate.seal(f"{number}.0", {"app": str(number)}) for number in (1, 2, 3)]


@pytest.fixture
def host(estate):
    found = estate.host()
    found.forward = True
    return found


def refusal(host, older, newer, phase):
    """Return a pattern of the line that refuses to go back."""
    return (
        re.escape(
            f"shop {older.version} (serial {older.serial}) is older than {newer.version} (serial "
            f"{newer.serial}), which is {phase} at {host.root}: to go back to it, give its digest, "
            f"sha256:{older.digest}, or roll back (release: previous, or the role rollback)"
        )
        + "$"
    )


def history(host):
    """Return the last event but those of acceptance and staging."""
    with _directory.opened(str(host.root)) as root:
        events = _history.read(root, 100)
    return [event for event in events if event["event"] in ("activated", "went back")]


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("state", ["live", "staged"])
@pytest.mark.parametrize("live", [TWO, THREE], ids=["two", "three"])
def test_an_older_release_is_refused_by_its_name(host, labels, live, state, check_mode):
    for label in labels[: live + 1]:
        host.deploy(label)
    before = snapshot(host.root)

    with pytest.raises(
        _claim.DeploymentError, match=refusal(host, labels[ONE], labels[live], "live")
    ):
        host.deploy(labels[ONE], check_mode, state=state)

    assert snapshot(host.root) == before
    assert host.calls == 1


@pytest.mark.parametrize("check_mode", [False, True])
def test_one_that_never_was_here_is_refused_before_it_is_asked_for(host, labels, check_mode):
    host.deploy(labels[TWO])
    before = snapshot(host.root)

    with pytest.raises(_claim.DeploymentError, match="older than"):
        host.deploy(labels[ONE], check_mode)

    assert (host.calls, snapshot(host.root)) == (1, before)


def test_another_run_that_was_quicker_makes_it_going_back(host, labels):
    host.deploy(labels[ONE])
    request = host.request(labels[TWO])
    request = host.supply(request, host.answer(request).need)
    Host(host.estate, host.root, {}, run="another run").deploy(labels[THREE])

    with pytest.raises(
        _claim.DeploymentError, match=refusal(host, labels[TWO], labels[THREE], "live")
    ):
        host.answer(request)

    assert host.current == host.tree_of(labels[THREE])


def test_what_is_on_trial_counts_as_what_is_live_does(host, labels):
    host.deploy(labels[ONE])
    host.deploy(labels[THREE], commit=False)

    for older in (labels[ONE], labels[TWO]):
        with pytest.raises(
            _claim.DeploymentError, match=refusal(host, older, labels[THREE], "on trial")
        ):
            host.deploy(older)
    host.deploy(None)
    host.deploy(labels[TWO])

    assert host.current == host.tree_of(labels[TWO])


@pytest.mark.parametrize("check_mode", [False, True])
def test_the_trial_of_another_run_is_named_first(host, labels, check_mode):
    host.deploy(labels[ONE])
    Host(host.estate, host.root, {}, run="another run").deploy(labels[THREE], commit=False)

    with pytest.raises(_claim.LeaseHeld, match="is held by another run"):
        host.deploy(labels[TWO], check_mode)
    with pytest.raises(_claim.DeploymentError, match="is older than"):
        host.deploy(labels[TWO], check_mode, takeover="another run")


def test_a_release_that_is_marked_bad_is_told_as_that(host, labels):
    for label in labels:
        host.deploy(label)
    host.deploy(labels[ONE], mark="bad")

    with pytest.raises(_claim.DeploymentError, match="marked bad"):
        host.deploy(labels[ONE])


def test_the_live_release_counts_while_an_older_one_is_on_trial(host, labels):
    host.deploy(labels[THREE])
    host.forward = False
    host.deploy(labels[ONE], commit=False)
    host.forward = True

    with pytest.raises(_claim.DeploymentError, match=refusal(host, *labels[ONE::2], "live")):
        host.deploy(labels[ONE])
    host.forward = False
    host.deploy(labels[ONE])

    assert host.state.live == host.tree_of(labels[ONE])


def test_a_digest_goes_back_and_the_history_says_so(host, labels):
    for label in labels:
        host.deploy(label)
    host.forward = False

    assert host.deploy(labels[ONE])["changed"]

    last = history(host)[-1]
    assert (last["event"], last["tree"]) == ("went back", host.tree_of(labels[ONE]))
    assert last["from"] == host.tree_of(labels[THREE])


def test_the_way_back_is_open_also_where_it_needs_a_pack(host, labels):
    for label in labels[:2]:
        host.deploy(label)
    host.damage(labels[ONE], "app")

    host.deploy(None)

    assert (host.calls, host.read("app")) == (2, "1")


def test_the_way_back_is_open_and_the_history_says_so(host, labels):
    for label in labels[:2]:
        host.deploy(label)

    host.deploy(None)

    assert [event["event"] for event in history(host)] == ["activated", "activated", "went back"]
    host.deploy(labels[TWO])  # forward again needs nothing special
    assert history(host)[-1]["event"] == "activated"


def test_what_is_live_may_be_asked_for_again(host, labels):
    host.deploy(labels[TWO])

    assert not host.deploy(labels[TWO])["changed"]
    assert host.deploy(labels[TWO], linked_paths=["log/"])["changed"]


def test_an_older_release_on_a_host_that_never_had_one_is_no_going_back(host, labels):
    assert host.deploy(labels[ONE])["changed"]


def test_another_release_of_the_same_serial_is_refused_by_its_name(host, labels, tmp_path):
    host.deploy(labels[ONE])
    other = Estate(tmp_path / "other")
    stranger = other.seal("1.0", {"app": "otherwise"})
    host.estate = other

    with pytest.raises(_claim.DeploymentError, match=r"1\.0 \(serial 1\) is not newer than 1\.0"):
        host.deploy(stranger)
    host.forward = False

    assert host.deploy(stranger, check_mode=True)["changed"]


def test_another_application_has_serials_of_its_own(host, labels):
    host.deploy(labels[THREE])
    other = labels[ONE]._replace(name="stock")

    assert host.deploy(other, check_mode=True, rename=True)["changed"]


def test_what_was_adopted_has_no_serial(host, labels, estate):
    (host.root / "releases/20250101").mkdir(parents=True)
    (host.root / "current").symlink_to("releases/20250101")
    oldest = estate.seal("0.1", {"app": "oldest"}, serial=0)

    assert host.deploy(oldest, adopt=True)["changed"]
    assert history(host)[-1]["event"] == "activated"
    host.deploy(None)
    assert history(host)[-1]["event"] == "activated"


@pytest.mark.parametrize("state", ["absent", "marked"])
def test_an_older_release_is_removed_and_marked_by_its_name(host, labels, state):
    for label in labels:
        host.deploy(label)

    wanted = {"state": "absent"} if state == "absent" else {"mark": "bad"}
    assert host.deploy(labels[ONE], **wanted)["changed"]
