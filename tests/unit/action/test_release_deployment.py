# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task of release_deployment asks for, before and beside the conversation."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import _answer, _request
from ansible_collections.itops.release.plugins.module_utils.options import _deployment
from ansible_collections.itops.release.plugins.module_utils.release import _manifest
from ansible_collections.itops.release.plugins.plugin_utils.adapter import _transport
from ansible_collections.itops.release.plugins.plugin_utils.compatibility import _fitness
from ansible_collections.itops.release.plugins.plugin_utils.deployment import (
    _conversation,
    _options,
)
from ansible_collections.itops.release.plugins.plugin_utils.library import _store

DEFAULTS = {name: option.get("default") for name, option in _deployment.options().items()}


def refused(given):
    """Return why a task is ambiguous, or None."""
    try:
        _options.refuse_ambiguous(given)
    except _options.AmbiguousTask as error:
        return str(error)
    return None


def read(**given):
    arguments = {**DEFAULTS, "root": "/srv/shop", **given}
    return _options.Options.from_arguments(arguments, "a run", False, None, False)


@pytest.mark.parametrize("release", ["previous", "current", "", None])
@pytest.mark.parametrize(
    ("task", "reason"),
    [({"state": "absent"}, "name one release, or leave release out"), ({"mark": "bad"}, "mark")],
    ids=["absent", "mark"],
)
def test_what_is_removed_or_marked_has_its_name(task, reason, release):
    assert reason in refused({**task, "release": release})


def test_what_is_reverted_is_a_run():
    assert "takes a run" in refused({"state": "reverted", "release": "shop:1.0"})


@pytest.mark.parametrize(
    "task",
    [
        {"state": "absent"},
        {"state": "absent", "release": "shop:1.0"},
        {"state": "staged", "release": "shop:1.0"},
        {"state": "staged", "release": "previous"},
        {"state": "reverted", "run": "another run"},
        {"mark": "bad", "release": "shop:1.0"},
        {"release": "previous"},
        {"release": "current"},
    ],
    ids=str,
)
def test_what_can_mean_but_one_thing_is_done(task):
    assert refused(task) is None


@pytest.mark.parametrize("release", ["shop:1.0", "sha256.app:1.0"])
def test_a_name_goes_only_forward_unless_a_downgrade_is_allowed(release):
    assert read(release=release).host.forward
    assert not read(release=release, allow_downgrade=True).host.forward


@pytest.mark.parametrize("release", ["sha256:" + "0" * 64, "previous", "current", None])
def test_a_digest_may_go_back_and_so_may_what_the_host_knows(release):
    assert not read(release=release).host.forward


def test_this_run_is_what_is_reverted_unless_another_is_named():
    assert read(state="reverted").host.reverts == "a run"
    assert read(state="reverted", run="another run").host.reverts == "another run"
    assert read(release="shop:1.0").host.reverts is None


class Task:
    environment = ()


class Action:
    """An action whose host repeats in its result what it was sent, as modules do."""

    def __init__(self):
        self._task = Task()
        self._connection = self
        self.become = None
        self.sent = None

    def _compute_environment_string(self, given):
        given["TOKEN"] = "s3cr3t"

    def get_option_and_origin(self, _name):
        return True, "var"

    def _is_become_unprivileged(self):
        return False

    def _execute_module(self, _module, arguments, **_options):
        self.sent = arguments
        plain = _answer.Answer(outcome={"changed": False}).to_plain()
        return {**plain, "invocation": {"module_args": dict(arguments)}}


def test_what_may_be_secret_is_in_no_option_that_is_logged_and_in_no_result():
    action = Action()
    probe = {"url": "http://user:s3cr3t@127.0.0.1/", "headers": {"X-Token": "s3cr3t"}}
    service = _request.Service(("restart", "s3cr3t"), 300, (probe,))
    request = _request.Request("/srv/shop", "a run", service=service)

    answer = _transport.AnsibleTransport(action, {}).ask(request)

    assert action.sent.pop("_secret").count("s3cr3t") == 4
    assert "s3cr3t" not in str(action.sent)
    assert set(action.sent) == {"root", "_request"}
    assert answer.outcome["invocation"] == {"module_args": {"root": "/srv/shop"}}


class Strict(_store.Library):
    """A library whose releases require of hosts what no host has."""

    def document(self, _digest):
        requires_hosts = {"architecture": ["vax"], "free_disk": 7}
        manifest = _manifest.Manifest("shop", "1", 1, (), (("requires_hosts", requires_hosts),))
        return _manifest.render(manifest)


def demand(machine="x86_64", damaged=None, release="shop:1", **options):
    """Hold a host to the Strict release; return how many bytes must stay free, and overrides."""
    conversation = _conversation.Conversation(
        None, read(release=release, **options), host="web1", pack_directory="/nowhere"
    )
    conversation._library = Strict("/nowhere")
    host = {"os": "", "architecture": machine, "python": "3.11"}
    need = _answer.Need("0" * 64, (), (), (), None, damaged, (), _answer.Free(0, 0), host)
    label = _store.Label("0" * 64, "shop", "1", 1)
    return conversation._demand_host(label, need), conversation.tally.overrides


def test_a_host_that_a_release_does_not_fit_is_refused_unless_that_is_allowed():
    with pytest.raises(_fitness.Incompatible, match="architecture vax; web1 has x86_64"):
        demand()
    assert demand(machine="vax") == (7, [])
    assert demand(allow_incompatible=True) == (
        0,
        ["shop 1 requires the architecture vax; web1 has x86_64"],
    )
    assert demand(machine="vax", allow_incompatible=True) == (0, [])


@pytest.mark.parametrize("release", ["previous", "current"])
def test_what_a_host_has_had_is_not_held_to_its_requirements_again(release):
    assert demand(release=release) == (0, [])
    assert demand(damaged="the manifest held here is damaged") == (0, [])


class Faulty(_store.Library):
    """A library with a fault in its code."""

    def get(self, digest):
        return digest + None


def test_only_a_library_that_cannot_give_a_manifest_is_passed_over(tmp_path):
    conversation = _conversation.Conversation(
        None, read(release="shop:1"), host="web1", pack_directory="/nowhere"
    )

    assert conversation.manifest("0" * 64) is None
    conversation._library = _store.Library(str(tmp_path))
    assert conversation.manifest("0" * 64) is None
    conversation._library = Faulty(str(tmp_path))
    with pytest.raises(TypeError):
        conversation.manifest("0" * 64)
