# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said to a host, in which order, and what comes of it, without Ansible."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import _answer, _upload
from ansible_collections.itops.release.plugins.module_utils.errors._release_error import (
    ReleaseError,
)
from ansible_collections.itops.release.plugins.module_utils.options import _deployment
from ansible_collections.itops.release.plugins.plugin_utils.deployment import (
    _conversation,
    _options,
)
from ansible_collections.itops.release.tests.fakes.estate import probe_of
from ansible_collections.itops.release.tests.fakes.transport import HereTransport

DEFAULTS = {name: option.get("default") for name, option in _deployment.options().items()}


class Scene:
    """One host, and conversations with it; ``talk`` is one task."""

    def __init__(self, estate):
        self.estate = estate
        self.host = estate.host()
        self.conversation = None

    def transport(self):
        return HereTransport(self.host.now)

    def talk(
        self, release, transport=None, run="a run", check=False, hooks=(), reverts=None, **options
    ):
        arguments = {
            **DEFAULTS,
            "root": str(self.host.root),
            "release": release,
            "media_library": str(self.estate.folder / "library"),
            "lock_timeout": 1,
            "run": reverts,
            **options,
        }
        self.conversation = _conversation.Conversation(
            transport or self.transport(),
            _options.Options.from_arguments(arguments, run, check, None, False),
            host="web1",
            pack_directory=str(self.estate.folder / "packs"),
            hooks=hooks,
        )
        return self.conversation.hold()

    @property
    def calls(self):
        return self.conversation.tally.calls


@pytest.fixture
def scene(estate):
    for number in (1, 2):
        estate.seal(f"{number}.0", {"app": str(number), "lib": "the same"})
    return Scene(estate)


def test_a_release_that_has_to_be_sent_takes_two_calls_and_one_that_is_live_takes_one(scene):
    first = scene.talk("shop:1.0")
    assert (first.code, first.outcome["changed"], scene.calls) == ("ok", True, 2)
    assert scene.conversation.tally.sent_bytes > 0

    again = scene.talk("shop:1.0")
    assert (again.code, again.outcome["changed"], scene.calls) == ("ok", False, 1)
    assert scene.host.read("app") == "1"


@pytest.mark.parametrize(("answered", "state"), [(0, None), (1, None)])
def test_a_host_that_is_lost_is_an_answer(scene, answered, state):
    transport = scene.transport()
    transport.lost_after = answered

    answer = scene.talk("shop:1.0", transport)

    assert (answer.code, answer.failed) == ("host_lost", True)
    assert scene.host.current is state
    result = _conversation.to_result(answer, scene.conversation.tally)
    assert (result["failed"], result["code"], result["msg"]) == (
        True,
        "host_lost",
        "no route to host",
    )


@pytest.mark.parametrize("code", ["host_lost", "transfer_failed"])
def test_a_pack_that_cannot_be_sent_says_why_and_changes_nothing(scene, code):
    transport = scene.transport()
    transport.broken = code

    with pytest.raises(ReleaseError, match=r"^the pack could not be sent$") as caught:
        scene.talk("shop:1.0", transport)

    assert caught.value.code == code
    assert scene.host.current is None


def test_a_pack_that_arrives_altered_is_refused_and_made_anew(scene):
    transport = scene.transport()
    transport.damage = True

    refused = scene.talk("shop:1.0", transport)
    assert refused.code == "pack_refused"
    assert list((scene.estate.folder / "packs").glob("[!.]*")) == []

    assert scene.talk("shop:1.0").outcome["changed"]


def test_the_lease_of_a_run_that_is_over_is_taken_over(scene):
    scene.talk("shop:1.0", run="the first", commit=False)

    held = scene.talk("shop:2.0", run="the second")
    assert held.code == "lease_held"
    assert held.lease["run"] == "the first"

    transport = scene.transport()
    transport.over = {"the first"}
    assert scene.talk("shop:2.0", transport, run="the second").outcome["is_live"]
    assert scene.conversation.tally.took_over == "the first"


def test_checking_changes_nothing_and_says_whether_anything_would(scene):
    would = scene.talk("shop:1.0", state="checked")
    assert (would.outcome["changed"], would.outcome["is_live"]) == (False, False)
    assert not scene.host.root.exists()

    scene.talk("shop:1.0")
    nothing = scene.talk("shop:1.0", state="checked")
    assert (nothing.outcome["changed"], nothing.outcome["is_live"]) == (False, True)


@pytest.mark.parametrize("state", ["checked", "staged"])
def test_a_linked_file_that_is_missing_is_refused_before_anything_is_sent(scene, state):
    scene.host.deploy(scene.estate.library.find("shop:1.0"))
    transport = scene.transport()

    with pytest.raises(ReleaseError, match=r"shared/config\.ini does not exist"):
        scene.talk("shop:2.0", transport, state=state, linked_paths=["config.ini"])

    assert transport.sent == []
    assert len(scene.host.trees) == 1


def test_hooks_other_than_those_sealed_are_refused_before_the_host_is_asked(scene, tmp_path):
    hook = tmp_path / "hook.yml"
    hook.write_text("- ansible.builtin.ping:\n")
    transport = scene.transport()

    # Nothing was sealed of hooks, so nothing is compared.
    scene.talk("shop:1.0", transport, hooks=[str(hook)])

    assert len(transport.requests) == 2


def test_a_run_is_undone_by_another_that_names_it(scene):
    scene.talk("shop:1.0", run="the first")
    scene.talk("shop:2.0", run="the second")

    nothing = scene.talk(None, run="a third", state="reverted")
    assert not nothing.outcome["changed"]

    undone = scene.talk(None, run="a third", state="reverted", reverts="the second")
    assert undone.outcome["changed"]
    assert undone.outcome["summary"] == "back on 1.0"
    assert scene.host.read("app") == "1"

    refused = scene.talk(None, run="a third", state="reverted", reverts="the first")
    assert refused.code in ("ok", "changed_since")


@pytest.mark.parametrize("state", ["checked", "staged", "live"])
def test_a_host_without_disk_space_is_refused_before_anything_is_sent(scene, monkeypatch, state):
    monkeypatch.setattr(_upload, "space", lambda _path: _answer.Free(10, 10))
    transport = scene.transport()

    with pytest.raises(ReleaseError, match=r"not enough room: .*deploy_root") as caught:
        scene.talk("shop:1.0", transport, state=state)

    assert caught.value.code == "disk_full"
    assert transport.sent == []


@pytest.mark.parametrize("state", ["checked", "staged"])
@pytest.mark.parametrize("staged", [True, False])
def test_what_is_in_service_is_probed_once_and_is_in_the_last_answer(
    scene, tmp_path, state, staged
):
    scene.talk("shop:1.0")
    if staged:
        scene.talk("shop:2.0", state="staged")
    noting = probe_of({"command": ["sh", "-c", f"echo >>{tmp_path}/asked; exit 1"], "count": 2})

    answer = scene.talk("shop:2.0", state=state, baseline=True, probe=[noting])

    assert not answer.failed
    assert answer.outcome["in_service"] is False
    assert answer.outcome["out_of_service"].startswith("probe failed: sh ended with 1")
    assert (tmp_path / "asked").read_text() == "\n\n"


@pytest.mark.parametrize(("options", "wanted"), [({"baseline": True}, None), ({}, "not there")])
def test_whether_something_is_in_service_is_null_where_nothing_is(scene, options, wanted):
    probe = [probe_of({"command": ["false"]})]

    answer = scene.talk("shop:1.0", state="checked", probe=probe, **options)

    assert answer.outcome.get("in_service", "not there") == wanted


def test_only_checking_and_staging_ask_what_is_in_service(scene):
    scene.talk("shop:1.0")

    answer = scene.talk("shop:2.0", baseline=True, probe=[probe_of({"command": ["true"]})])

    assert "in_service" not in answer.outcome
