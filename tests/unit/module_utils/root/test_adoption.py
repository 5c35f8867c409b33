# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A root that another tool laid out: refused, or adopted with what is live as the way back."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

from ansible_collections.itops.release.plugins.module_utils.root import _claim, _directory, _state
from ansible_collections.itops.release.tests.fakes.estate import snapshot, write_tree

OLD = "20150120114500"
ILL = {"command": [sys.executable, "-c", "raise SystemExit(1)"]}
LINKS = {
    "capistrano": "{root}/releases/" + OLD,
    "ansistrano": "./releases/" + OLD,
    "deploy_helper": "{root}/releases/" + OLD,
    "relative": "releases/" + OLD,
    "with a slash": "{root}/releases/" + OLD + "/",
}


@pytest.fixture
def labels(estate):
    return [estate.seal(f"{n}.0", {"app": str(n), "conf/a": "sealed"}) for n in (1, 2)]


@pytest.fixture(params=LINKS)
def host(estate, request):
    host = estate.host(adopt=True)
    write_tree(host.root / "releases" / OLD, {"app": "old"})
    write_tree(host.root / "releases/20141231000000", {"app": "older"})
    write_tree(host.root / "shared", {"log/app.log": "kept"})
    os.symlink(LINKS[request.param].format(root=host.root), host.root / "current")
    return host


@pytest.mark.parametrize("check_mode", [False, True])
def test_without_adopt_it_is_refused_in_a_line(host, labels, check_mode):
    before = snapshot(host.root)

    with pytest.raises(
        _directory.RootError, match=r"with adopt: true \(deploy_adopt in the role\) "
    ):
        host.deploy(labels[0], check_mode, adopt=False)

    assert snapshot(host.root) == before


def test_what_is_live_is_the_way_back(host, labels):
    result = host.deploy(labels[0])

    assert result["before"]["tree"] == OLD
    assert result["before"]["name"] == "adopted"
    assert result["before"]["digest"] is None
    assert host.read("app") == "1"
    assert result["deployment"]["previous"]["tree"] == OLD
    back = host.deploy(None)
    assert back["after"]["tree"] == OLD
    assert host.read("app") == "old"
    assert not host.deploy(None, release="current", verify=True)["changed"]


def test_check_mode_says_so_and_writes_nothing(host, labels):
    before = snapshot(host.root)

    told = host.deploy(labels[0], check_mode=True)

    assert snapshot(host.root) == before
    done = host.deploy(labels[0])
    for key in ("changed", "removed", "drift", "is_live"):
        assert told[key] == done[key]
    for side in ("before", "after"):
        assert {**told[side], "since": None} == {**done[side], "since": None}


def test_a_first_release_that_fails_its_trial_leads_back_to_it(host, labels):
    with pytest.raises(_claim.DeploymentError, match=f"back on {OLD}"):
        host.deploy(labels[0], probe=ILL)

    assert host.read("app") == "old"


def test_it_is_never_cleaned_and_nothing_else_of_it_is_touched(host, labels, estate):
    for label in labels:
        host.deploy(label, keep=1)
    host.deploy(estate.seal("3.0", {"app": "3"}), keep=1)

    assert OLD in host.trees
    assert "20141231000000" in host.trees
    assert (host.root / "shared/log/app.log").read_text() == "kept"


def test_removing_everything_of_ours_leaves_it(host, labels):
    host.deploy(labels[0])
    host.deploy(None, state="absent")

    assert sorted(os.listdir(host.root / "releases")) == ["20141231000000", OLD]
    assert (host.root / "shared/log/app.log").exists()


@pytest.mark.parametrize("release_is", ["live", "staged"])
def test_what_stays_after_a_removal_is_told_and_foretold(host, labels, release_is):
    host.deploy(labels[0], state=release_is)

    told = host.deploy(None, check_mode=True, state="absent")
    done = host.deploy(None, state="absent")

    stays = (None, "none") if release_is == "live" else (OLD, "live")
    for result in (told, done):
        assert result["changed"]
        assert (result["after"]["tree"], result["after"]["phase"]) == stays
        assert result["after"]["releases"] == [OLD]
    assert (told["after"], told["deployment"]) == (done["after"], done["deployment"])
    assert os.path.lexists(host.root / "current") == (release_is == "staged")


def test_a_removal_that_is_killed_knows_it_afterwards(host, labels, monkeypatch):
    host.deploy(labels[0], state="staged")

    def rename(source, *arguments, **keywords):
        if source == ".release":
            raise KeyboardInterrupt
        return real(source, *arguments, **keywords)

    real = os.rename
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", rename)
        with pytest.raises(KeyboardInterrupt):
            host.deploy(None, state="absent")
    again = host.deploy(None, state="absent")

    assert again["after"]["tree"] == OLD
    assert host.read("app") == "old"
    assert not (host.root / ".release").exists()


def test_removing_everything_of_ours_leaves_it_live(host, labels):
    host.deploy(labels[0], state="staged")
    host.deploy(None, state="absent")

    assert host.read("app") == "old"
    assert not (host.root / ".release").exists()


def test_what_it_shared_is_linked_into_releases(host, labels):
    host.deploy(labels[0], linked_paths=["log/"])

    assert host.read("log/app.log") == "kept"


def test_it_is_named_as_unverified(host, labels):
    host.deploy(labels[0])
    host.deploy(None)

    assert host.drift(OLD) == [(".", "unverified")]


def real_directory(host):
    (host.root / "current").unlink()
    write_tree(host.root / "current", {"app": "here"})


def elsewhere(host):
    write_tree(host.root / "elsewhere", {"app": "there"})
    (host.root / "current").unlink()
    (host.root / "current").symlink_to("elsewhere")


def dangling(host):
    (host.root / "current").unlink()
    (host.root / "current").symlink_to("releases/20160101000000")


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("harm", [real_directory, elsewhere, dangling], ids=lambda h: h.__name__)
def test_what_could_not_be_gone_back_to_is_refused(host, labels, harm, check_mode):
    harm(host)
    before = snapshot(host.root)

    with pytest.raises(_directory.RootError, match="cannot be adopted: nothing was touched"):
        host.deploy(labels[0], check_mode)

    assert snapshot(host.root) == before


def test_a_run_that_was_killed_before_it_noted_that_can_be_done_again(host, labels):
    _directory.create(str(host.root), _tree_access())

    with pytest.raises(_directory.RootError, match="is not ours"):
        host.deploy(labels[0], adopt=False)
    assert host.deploy(labels[0])["deployment"]["previous"]["tree"] == OLD


def test_where_nothing_was_before_adopt_changes_nothing(estate, labels):
    host = estate.host(adopt=True)

    assert host.deploy(labels[0])["before"]["phase"] == "none"


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("begun", [False, True])
def test_there_is_nothing_before_it_to_go_back_to(host, begun, check_mode):
    if begun:
        _directory.create(str(host.root), _tree_access())
    before = snapshot(host.root)

    with pytest.raises(_state.NoWayBack, match="no earlier good release"):
        host.deploy(None, check_mode, release="previous")
    current = host.deploy(None, check_mode, release="current")

    assert (current["changed"], current["after"]["tree"]) == (False, OLD)
    assert current["is_live"]
    assert snapshot(host.root) == before


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("way", ["previous", "current"])
def test_one_whose_directory_is_gone_is_told_as_such(host, labels, way, check_mode):
    host.deploy(labels[0])
    if way == "current":
        host.deploy(None)
    shutil.rmtree(host.root / "releases" / OLD)

    with pytest.raises(_claim.DeploymentError, match=f"release {OLD} was adopted, and is not in"):
        host.deploy(None, check_mode, release=way)


def _tree_access():
    from ansible_collections.itops.release.tests.fakes.estate import access

    return access()
