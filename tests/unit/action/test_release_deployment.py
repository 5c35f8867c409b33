# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task must not leave to be guessed: it is refused before any host is asked."""

from __future__ import annotations

import json

import pytest

from ansible_collections.itops.release.plugins.action import release_deployment
from ansible_collections.itops.release.plugins.module_utils.release import _manifest
from ansible_collections.itops.release.plugins.plugin_utils.compatibility import _fitness
from ansible_collections.itops.release.plugins.plugin_utils.library import _store

refusal = release_deployment.refusal
only_forward = release_deployment._only_forward


@pytest.mark.parametrize("release", ["previous", "current", "", None])
@pytest.mark.parametrize(
    ("task", "reason"),
    [({"state": "absent"}, "name one release, or leave release out"), ({"mark": "bad"}, "mark")],
    ids=["absent", "mark"],
)
def test_what_is_removed_or_marked_has_its_name(task, reason, release):
    assert reason in refusal({**task, "release": release})


@pytest.mark.parametrize("release", ["previous", "current"])
def test_what_is_staged_has_its_name(release):
    assert "state: staged" in refusal({"state": "staged", "release": release})


@pytest.mark.parametrize(
    "task",
    [
        {"state": "absent"},
        {"state": "absent", "release": "shop:1.0"},
        {"state": "staged", "release": "shop:1.0"},
        {"mark": "bad", "release": "shop:1.0"},
        {"release": "previous"},
        {"release": "current"},
    ],
    ids=str,
)
def test_what_can_mean_but_one_thing_is_done(task):
    assert refusal(task) is None


class Faulty(_store.Library):
    """A library with a fault in its code."""

    def get(self, digest):
        return digest + None


def test_only_a_library_that_cannot_give_a_manifest_is_passed_over(tmp_path):
    give, path, digest = release_deployment.ActionModule._manifest, str(tmp_path), "0" * 64

    assert give(_store.Library(None), digest) is None
    assert give(_store.Library(path), digest) is None
    with pytest.raises(TypeError):
        give(Faulty(path), digest)


@pytest.mark.parametrize("release", ["shop:1.0", "sha256.app:1.0"])
def test_a_name_goes_only_forward_unless_a_downgrade_is_allowed(release):
    assert only_forward({"release": release, "allow_downgrade": False})
    assert not only_forward({"release": release, "allow_downgrade": True})


@pytest.mark.parametrize("release", ["sha256:" + "0" * 64, "previous", "current", None, ""])
def test_a_digest_may_go_back_and_so_may_what_the_host_knows(release):
    assert not only_forward({"release": release, "allow_downgrade": False})


class Host(release_deployment.ActionModule):
    """The action with a host that repeats in its result what it was sent, as modules do."""

    def __init__(self):
        self._calls = 0
        self._despite = []
        self._environment = {"TOKEN": "s3cr3t"}
        self.sent = None

    def _execute_module(self, module_name=None, module_args=None, **_options):
        self.sent = module_args
        return {"invocation": {"module_args": dict(module_args)}}


def test_what_may_be_secret_is_in_no_option_that_is_logged_and_in_no_result():
    host = Host()
    options = {
        "root": "/srv/shop",
        "restart": ["restart", "s3cr3t"],
        "probe": {"url": "http://user:s3cr3t@127.0.0.1/", "contains": None},
    }

    result = host._execute(options, {"run": "a run"}, {})

    hidden = json.loads(host.sent.pop("_hidden"))
    assert hidden.pop("environment") == {"TOKEN": "s3cr3t"}
    assert hidden == {name: options[name] for name in ("restart", "probe")}
    assert host.sent == {"root": "/srv/shop", "_call": {"run": "a run"}}
    assert result == {"invocation": {"module_args": {"root": "/srv/shop"}}}


def test_what_is_live_elsewhere_does_not_travel_to_every_host():
    host = Host()

    options = dict.fromkeys(("restart", "probe", *release_deployment.ONLY_HERE), None)
    host._execute({"root": "/", **options}, {}, {})
    assert set(host.sent) == {"root", "_hidden", "_call"}
    host._execute({**options, "root": "/", "beside": [], "allow_incompatible": True}, {}, {})

    assert set(host.sent) == {"root", "_hidden", "_call"}


class Strict:
    """A library whose releases require of hosts what no host has."""

    def document(self, _digest):
        requires_hosts = {"architecture": ["vax"], "free_disk": 7}
        manifest = _manifest.Manifest("shop", "1", 1, (), (("requires_hosts", requires_hosts),))
        return _manifest.render(manifest)


def demand(host, machine="x86_64", damaged=None, release="shop:1", **options):
    """Hold a host to the Strict release; return how many bytes must stay free there."""
    need = {"damaged": damaged, "host": {"os": "", "architecture": machine, "python": "3.11"}}
    arguments = {"release": release, "allow_incompatible": False, **options}
    label = _store.Label("0" * 64, "shop", "1", 1)
    return host._demand_host(Strict(), label, need, arguments, {"inventory_hostname": "web1"})


def test_a_host_that_a_release_does_not_fit_is_refused_unless_that_is_allowed():
    host = Host()
    with pytest.raises(_fitness.Incompatible, match="architecture vax; web1 has x86_64"):
        demand(host)
    assert demand(host, machine="vax") == 7
    assert host._told_despite() == {}

    assert demand(host, allow_incompatible=True) == 0
    assert demand(host, allow_incompatible=True) == 0
    assert host._told_despite() == {
        "despite": ["shop 1 requires the architecture vax; web1 has x86_64"]
    }
    assert demand(Host(), machine="vax", allow_incompatible=True) == 0


@pytest.mark.parametrize("release", ["previous", "current"])
def test_what_a_host_has_had_is_not_held_to_its_requirements_again(release):
    assert demand(Host(), release=release) == 0
    assert demand(Host(), damaged="the manifest held here is damaged") == 0
