# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Damage on a host: named, and mended beside the damaged tree from what is whole."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

from ansible_collections.itops.release.plugins.module_utils.root import _claim
from ansible_collections.itops.release.tests.fakes.estate import sha256, snapshot

LARGE = "".join(sha256(str(number)) for number in range(1000))  # compresses by half at most
FILES = {"app*": "one", "lib/a": "same", "lib/b": LARGE, "latest@": "app"}


@pytest.fixture
def labels(estate):
    return [estate.seal("1.0", FILES), estate.seal("2.0", {**FILES, "app*": "two"})]


@pytest.fixture
def host(estate, labels):
    host = estate.host()
    host.deploy(labels[0])
    host.deploy(labels[1])
    host.sent.clear()
    return host


def overwrite(path, content="tampered"):
    mode = path.stat().st_mode
    path.chmod(0o644)
    path.write_text(content)
    path.chmod(mode)


def modify(tree):
    overwrite(tree / "app")


def replace(tree):
    (tree / "app").unlink()
    (tree / "app").write_text("tampered")


def add(tree):
    (tree / "lib/more").write_text("more")


def remove(tree):
    shutil.rmtree(tree / "lib")


def open_up(tree):
    (tree / "lib/a").chmod(0o666)


def swap(tree):
    (tree / "latest").unlink()
    (tree / "latest").symlink_to("lib/a")


HARMS = {
    modify: {"app": "modified"},
    replace: {"app": "modified"},
    add: {"lib/more": "extra"},
    remove: {"lib": "missing"},
    open_up: {"lib/a": "mode"},
    swap: {"latest": "modified"},
}


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
@pytest.mark.parametrize("check_mode", [True, False], ids=["check", "run"])
def test_what_is_live_is_mended_when_it_is_verified(host, labels, harm, check_mode):
    live = host.root / "releases" / host.current
    harm(live)
    before = snapshot(host.root)

    result = host.deploy(labels[1], check_mode, verify=True)

    assert result["changed"]
    named = {item["path"]: item["change"] for item in result["drift"]}
    assert HARMS[harm].items() <= named.items()
    assert {item["tree"] for item in result["drift"]} == {live.name}
    assert result["after"]["tree"] == live.name + ".2"
    if check_mode:
        assert snapshot(host.root) == before
        return
    assert host.current == live.name + ".2"
    assert host.drift() == []
    assert host.read("app") == "two"
    assert not host.deploy(labels[1], verify=True)["changed"]


def test_without_being_asked_to_verify_nothing_is_read(host, labels):
    modify(host.root / "current")

    result = host.deploy(labels[1])

    assert not result["changed"]
    assert result["drift"] == []


def test_a_whole_release_that_is_verified_is_unchanged(host, labels):
    before = snapshot(host.root)

    result = host.deploy(labels[1], verify=True)

    assert not result["changed"]
    assert host.calls == 1
    assert snapshot(host.root) == before


@pytest.mark.parametrize("harm", [replace, add, open_up, swap], ids=lambda harm: harm.__name__)
def test_where_contents_are_whole_nothing_is_sent(host, labels, harm):
    harm(host.root / "current")

    host.deploy(labels[1], verify=True)

    assert host.calls == 1
    assert host.sent == []


def test_of_damaged_contents_only_those_are_sent_again(host, labels):
    modify(host.root / "current")

    host.deploy(labels[1], verify=True)

    assert host.calls == 2
    (size,) = host.sent
    assert size < 1000


def test_when_too_many_are_damaged_the_whole_release_is_sent(estate):
    files = {f"f{number}": str(number) for number in range(300)}
    label, host = estate.seal("1.0", files), estate.host()
    host.deploy(label)
    for number in range(250):
        overwrite(host.root / f"current/f{number}")

    result = host.deploy(label, verify=True)

    assert host.calls == 2
    assert len(result["drift"]) == 250
    assert host.drift() == []


def test_damage_that_a_next_release_builds_upon_is_mended_in_one_more_small_pack(estate, labels):
    host = estate.host()
    host.deploy(labels[0])
    overwrite(host.root / "current/lib/a")

    result = host.deploy(labels[1])

    assert host.calls == 3
    assert host.sent[2] < 1000
    assert result["after"]["version"] == "2.0"
    assert host.drift() == []


def test_contents_whose_names_a_power_cut_took_are_sent_again(host, estate):
    for folder in (host.root / ".release/objects").iterdir():
        shutil.rmtree(folder)
    newest = estate.seal("3.0", {**FILES, "app*": "three"})

    assert host.deploy(newest)["is_live"]

    assert (host.read("app"), host.drift(), host.calls) == ("three", [], 3)
    host.sent.clear()
    assert host.deploy(None)["is_live"]
    assert (host.read("app"), host.drift(), host.sent) == ("two", [], [])


def test_a_rollback_target_is_mended_and_named(host, labels):
    target = host.root / "releases" / host.tree_of(labels[0])
    modify(target)

    result = host.deploy(None)

    assert host.calls == 2
    assert [(item["path"], item["change"]) for item in result["drift"]] == [("app", "modified")]
    assert host.current == target.name + ".2"
    assert host.read("app") == "one"
    assert host.drift() == []


def test_a_rollback_target_with_an_extra_file_is_rebuilt_without_the_library(host, labels):
    add(host.root / "releases" / host.tree_of(labels[0]))

    host.deploy(None)

    assert host.calls == 1
    assert host.drift() == []


def test_the_current_release_need_not_be_named(host, labels):
    add(host.root / "current")

    result = host.deploy(None, release="current", verify=True)

    assert result["after"]["version"] == "2.0"
    assert host.drift() == []
    assert not host.deploy(None, release="current", verify=True)["changed"]


def test_nothing_is_current_where_nothing_is_live(estate, labels):
    host = estate.host()
    host.deploy(labels[0], state="staged")

    with pytest.raises(_claim.DeploymentError, match="nothing is live at"):
        host.deploy(None, release="current")


def test_a_staged_release_is_verified_and_mended_without_going_live(estate, labels):
    host = estate.host()
    host.deploy(labels[0])
    host.deploy(labels[1], state="staged")
    modify(host.root / "releases" / host.tree_of(labels[1]))

    result = host.deploy(labels[1], state="staged", verify=True)

    assert result["changed"]
    assert host.drift(host.tree_of(labels[1]) + ".2") == []
    assert host.read("app") == "one"


def test_the_damaged_tree_stays_for_processes_that_read_it_until_the_next_release(host, labels):
    damaged = host.current
    add(host.root / "current")
    host.deploy(labels[1], verify=True, keep=1)

    assert damaged in host.trees
    host.deploy(labels[0], keep=1)
    assert damaged not in host.trees


def test_the_service_is_restarted_and_probed_as_for_any_release(host, labels):
    damaged = host.current
    add(host.root / "current")
    failing = {"command": [sys.executable, "-c", "raise SystemExit(1)"]}

    with pytest.raises(_claim.DeploymentError, match="differs from what was sealed"):
        host.deploy(labels[1], verify=True, probe=failing)

    assert host.current == damaged


def test_runtime_paths_are_no_damage(host, labels):
    (host.root / "current/lib/__pycache__").mkdir()

    assert not host.deploy(labels[1], verify=True)["changed"]


def test_a_content_with_the_right_bytes_and_the_wrong_mode_is_not_sent(host, labels):
    (host.root / "current/app").chmod(0o777)

    result = host.deploy(labels[1], verify=True)

    assert host.sent == []
    assert [item["change"] for item in result["drift"]] == ["mode"]
    assert os.stat(host.root / "current/app").st_mode & 0o777 == 0o755


def test_damage_knows_its_contents(host, labels):
    modify(host.root / "current")
    asked = []
    host.send = lambda path, digest, base, again: asked.append((base, again)) or 1 / 0

    with pytest.raises(ZeroDivisionError):
        host.deploy(labels[1], verify=True)

    assert asked == [(labels[1].digest, (sha256("two"),))]
