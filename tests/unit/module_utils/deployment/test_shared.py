# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What outlives releases: linked paths that change, and those that a release seeds."""

from __future__ import annotations

import os

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import _host_call
from ansible_collections.itops.release.plugins.module_utils.root import _claim
from ansible_collections.itops.release.plugins.module_utils.tree import _layout
from ansible_collections.itops.release.plugins.plugin_utils.deployment import (
    _conversation,
    _options,
)
from ansible_collections.itops.release.tests.fakes.estate import snapshot

FILES = {"app": "1", "conf/app.ini": "as sealed", "conf/more/run*": "#!", "conf/l@": "app.ini"}


@pytest.fixture
def label(estate):
    return estate.seal("1.0", FILES)


def test_a_path_that_is_also_sealed_is_refused_without_seed(estate, label):
    host = estate.host()

    with pytest.raises(_layout.TreeError, match=r"or set seed: true \(deploy_seed in the role\)"):
        host.deploy(label, linked_paths=["conf/app.ini"])


def test_a_sealed_file_is_copied_once(estate, label):
    host = estate.host(seed=True, linked_paths=["conf/app.ini"])
    host.deploy(label)
    seeded = host.root / "shared/conf/app.ini"

    assert os.readlink(host.root / "current/conf/app.ini") == "../../../shared/conf/app.ini"
    assert host.read("conf/app.ini") == "as sealed"
    assert os.stat(seeded).st_nlink == 1
    assert host.drift() == []
    seeded.write_text("changed by the service")
    two = estate.seal("2.0", {**FILES, "app": "2", "conf/app.ini": "sealed anew"})
    host.deploy(two)
    assert host.read("conf/app.ini") == "changed by the service"
    assert host.drift() == []
    assert not host.deploy(two, verify=True)["changed"]


def test_a_sealed_directory_is_copied_with_all_that_is_in_it(estate, label):
    host = estate.host(seed=True, linked_paths=["conf/"])
    host.deploy(label)

    assert host.read("conf/app.ini") == "as sealed"
    assert os.access(host.root / "current/conf/more/run", os.X_OK)
    assert os.readlink(host.root / "shared/conf/l") == "app.ini"
    assert host.drift() == []


def test_check_mode_writes_nothing_and_promises_no_more_than_the_run(estate, label):
    host = estate.host(seed=True, linked_paths=["conf/app.ini", "missing"])
    host.deploy(label, linked_paths=[], state="staged")
    before = snapshot(host.root)

    for check_mode in (True, False):
        with pytest.raises(_claim.DeploymentError, match="shared/missing does not exist"):
            host.deploy(label, check_mode)
    assert host.current is None
    assert host.deploy(label, True, linked_paths=["conf/app.ini"])["changed"]
    assert {k: v for k, v in before.items() if k.startswith("shared")} == {
        k: v for k, v in snapshot(host.root).items() if k.startswith("shared")
    }


def test_a_content_that_is_damaged_is_sent_again_and_then_seeded(estate, label):
    host = estate.host()
    host.deploy(label)
    (host.root / "current/conf/app.ini").write_text("tampered!")

    host.deploy(label, seed=True, linked_paths=["conf/app.ini"])

    assert host.read("conf/app.ini") == "as sealed"


def test_a_link_that_leads_nowhere_is_not_replaced(estate, label):
    host = estate.host(seed=True, linked_paths=["conf/app.ini"])
    host.deploy(label, state="staged")
    (host.root / "shared/conf").mkdir()
    (host.root / "shared/conf/app.ini").symlink_to("/not/mounted")

    with pytest.raises(_claim.DeploymentError, match="does not exist"):
        host.deploy(label)

    assert os.readlink(host.root / "shared/conf/app.ini") == "/not/mounted"


@pytest.mark.parametrize("lost", ["a file", "the manifest"])
def test_a_tree_that_was_seeded_is_mended_and_gone_back_to_without_being_told_again(
    estate, label, lost
):
    host = estate.host()
    host.deploy(label, seed=True, linked_paths=["conf/app.ini"])
    (host.root / "shared/conf/app.ini").write_text("changed by the service")
    host.deploy(estate.seal("2.0", {"app": "2"}))

    host.damage(label, "app")
    if lost == "the manifest":
        (host.root / ".release/manifests" / label.digest).unlink()
    assert host.deploy(None, check_mode=True)["changed"]
    host.deploy(None)

    assert host.read("app") == "1"
    assert host.read("conf/app.ini") == "changed by the service"
    assert host.drift() == []


def test_other_linked_paths_mean_another_tree_made_without_a_pack(estate, label):
    host = estate.host()
    host.deploy(label)
    first = host.current

    result = host.deploy(label, linked_paths=["log/"])

    assert result["changed"]
    assert host.calls == 1
    assert host.current == first + ".2"
    assert (host.root / "shared/log").is_dir()
    assert host.drift() == host.drift(first) == []
    back = host.deploy(label, linked_paths=[])
    assert host.current == first
    assert back["changed"]


def test_a_rollback_leads_to_a_tree_linked_as_it_was(estate, label):
    host = estate.host()
    host.deploy(label, linked_paths=["log/"])
    host.deploy(estate.seal("2.0", {**FILES, "log": "a file now"}))

    host.deploy(None)

    assert (host.root / "current/log").is_symlink()
    assert host.drift() == []


def test_writable_files_are_copies_and_private_ones_are_closed(estate):
    files = {"app": "same", "data.db": "same", "key": "same"}
    label = estate.seal("1.0", files, writable=("data.db",), private=("key",))
    host = estate.host()
    host.deploy(label)

    (host.root / "current/data.db").write_text("written by the service")

    assert host.read("app") == host.read("key") == "same"
    assert os.stat(host.root / "current/key").st_mode & 0o777 == 0o600
    assert host.drift() == []
    assert not host.deploy(label, verify=True)["changed"]
    assert host.read("data.db") == "written by the service"


def test_a_writable_file_that_is_gone_or_something_else_is_drift(estate):
    label = estate.seal("1.0", {"app": "1", "data.db": "same"}, writable=("data.db",))
    host = estate.host()
    host.deploy(label)

    (host.root / "current/data.db").unlink()
    assert host.drift() == [("data.db", "missing")]
    (host.root / "current/data.db").symlink_to("/etc/passwd")
    assert host.drift() == [("data.db", "type")]


def seen(host):
    """Return what is at a root, but for who has had the lock and a token."""
    volatile = (".release/lock", ".release/state.json")
    return {path: it for path, it in snapshot(host.root).items() if path not in volatile}


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("held", ["with other links", "with these links"])
def test_staging_refuses_a_linked_file_that_is_missing(estate, label, held, check):
    """It could not go live: that is told before all hosts are staged, not when one is switched."""
    host = estate.host()
    conf = host.root / "shared/app.conf"
    host.deploy(label, state="staged")
    if held == "with these links":
        conf.write_text("here, for now")
        host.deploy(label, state="staged", linked_paths=["app.conf"])
        conf.unlink()
    host.sent.clear()
    before = seen(host)

    with pytest.raises(
        _claim.DeploymentError, match=r"/shared/app\.conf does not exist: put it th"
    ):
        host.deploy(label, check, state="staged", linked_paths=["app.conf"])

    assert (host.calls, host.sent) == (1, [])
    assert seen(host) == before
    for folder in ("staging", "drop"):
        assert os.listdir(host.root / ".release" / folder) == []
    conf.write_text("here")
    host.deploy(label, check, state="staged", linked_paths=["app.conf"])


class ByHand:
    """A Transport to a Host in this process; ``sent`` has what travelled."""

    def __init__(self, host):
        self.host, self.sent = host, []

    def ask(self, request):
        return _host_call.answer(request, self.host.now)

    def send(self, pack, upload_dir, start):
        self.sent.append(pack)
        raise AssertionError("nothing is to be sent")

    def is_over(self, run):
        return False


@pytest.mark.parametrize("check", [False, True])
def test_a_release_is_not_sent_to_a_host_that_misses_a_linked_file(estate, label, check):
    """Only the controller knows what the release brings itself: it is told what is missing."""
    host = estate.host()
    arguments = {
        **host.options(),
        "state": "staged",
        "release": "shop:1.0",
        "media_library": estate.library.path,
        "linked_paths": ["app.conf", "log/"],
    }
    options = _options.Options.from_arguments(arguments, "a run", check, None, False)
    transport = ByHand(host)
    talk = _conversation.Conversation(transport, options, "host", str(estate.folder / "packs"))

    with pytest.raises(
        _claim.DeploymentError, match=r"/shared/app\.conf does not exist: put it th"
    ):
        talk.hold()

    assert talk.tally.calls == 1
    assert transport.sent == []
    assert not (estate.folder / "packs").exists()
    if check:
        assert not host.root.exists()
    else:
        assert host.trees == []
        assert os.listdir(host.root / ".release/staging") == []


def test_a_host_tells_which_linked_files_it_misses(estate, label):
    host = estate.host(linked_paths=["app.conf", "dangling", "log/"])
    (host.root / "shared").mkdir(parents=True)
    (host.root / "shared/dangling").symlink_to("nowhere")

    for check in (True, False):
        need = host.answer(host.request(label, check=check, state="staged")).need
        assert need.unshared == {"app.conf": True, "dangling": False}
