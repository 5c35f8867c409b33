# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One application a root: what is refused there, and the ways back that stay open."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.module_utils.root import _claim
from ansible_collections.itops.release.plugins.plugin_utils.building import _sealing
from ansible_collections.itops.release.tests.fakes.estate import snapshot, write_tree

BOTH = pytest.mark.parametrize("check", [False, True])


@pytest.fixture
def labels(estate):
    return [estate.seal(f"{n}.0", {"app": f"shop {n}", "lib": "same"}) for n in (1, 2)]


@pytest.fixture
def store(estate):
    """Return the Label of a release of another application."""
    folder = write_tree(estate.folder / "sources/store", {"app": "store", "lib": "same"})
    release = estate.declare("1.0")._replace(name="store")
    stored, _new = _sealing.seal(estate.library, release, _sealing.pack_here(str(folder)))
    return stored.label


@pytest.fixture
def host(estate, labels):
    found = estate.host()
    for label in labels:
        found.deploy(label)
    return found


@BOTH
@pytest.mark.parametrize("state", ["staged", "live"])
@pytest.mark.parametrize("trial", [False, True], ids=["live", "on trial"])
def test_a_release_of_another_application_is_refused(host, labels, store, state, trial, check):
    if trial:
        host.deploy(None, commit=False)
    before = snapshot(host.root)

    there = "1.0" if trial else "2.0"
    told = rf"holds shop {there}, and store 1\.0 is another application: use a root of its own, or "
    with pytest.raises(_claim.DeploymentError, match=told + "set rename: true") as refused:
        host.deploy(store, check, state=state)

    assert refused.value.code == "another_application"
    assert (host.calls, host.sent[len(labels) :]) == (1, [])
    assert snapshot(host.root) == before


def test_an_application_that_was_renamed_goes_on(host, store):
    predicted = host.deploy(store, True, rename=True)
    done = host.deploy(store, rename=True)

    assert predicted["after"]["name"] == done["after"]["name"] == "store"
    assert host.read("app") == "store"
    assert not host.deploy(store)["changed"]


@BOTH
def test_after_a_rename_the_way_back_needs_no_other_word(host, labels, store, check):
    host.deploy(store, rename=True)

    result = host.deploy(None, check)

    assert (result["after"]["name"], result["after"]["version"]) == ("shop", "2.0")


@BOTH
def test_after_a_rename_what_was_live_is_gone_back_to_by_its_digest(host, labels, store, check):
    host.deploy(store, rename=True)

    assert host.deploy(labels[0], check)["after"]["version"] == "1.0"


@BOTH
def test_after_a_rename_the_old_name_is_refused(host, labels, store, check):
    """A job that was made before the rename must not go back, although serials say nothing."""
    host.deploy(store, rename=True)
    host.forward = True

    with pytest.raises(_claim.DeploymentError) as refused:
        host.deploy(labels[1], check)
    assert refused.value.code == "another_application"


@BOTH
def test_what_was_live_before_anything_of_ours_is_no_application(estate, labels, check):
    host = estate.host()
    (host.root / "releases/20250101").mkdir(parents=True)
    (host.root / "current").symlink_to("releases/20250101")
    host.deploy(labels[0], adopt=True)

    assert host.deploy(None, check)["after"]["name"] == "adopted"
    assert host.deploy(labels[1], check)["changed"]


def test_what_a_run_staged_is_compared_once_it_was_live(host, labels):
    """The run that staged it knows that it is whole only until a service runs from it."""
    host.damage(labels[0], "lib")

    result = host.deploy(None)

    assert [item["path"] for item in result["drift"]] == ["lib"]
    assert host.drift() == []


def test_what_a_run_tried_is_compared_before_it_is_tried_again(host, estate):
    third = estate.seal("3.0", {"app": "shop 3", "lib": "same"})
    host.deploy(third, commit=False)
    host.deploy(None)
    host.damage(third, "app")

    result = host.deploy(third)

    assert [item["path"] for item in result["drift"]] == ["app"]
    assert host.read("app") == "shop 3"


def test_what_this_run_has_just_staged_is_not_read_again(host, estate):
    third = estate.seal("3.0", {"app": "shop 3", "lib": "same"})
    host.deploy(third, state="staged")
    host.damage(third, "app")

    assert host.deploy(third)["drift"] == []
    host.run = "another run"
    assert host.deploy(third, verify=True)["drift"] != []
