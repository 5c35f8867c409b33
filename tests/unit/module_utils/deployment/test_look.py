# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_deployment_info``: what is here, every drift, and whether it is what is expected."""

from __future__ import annotations

import dataclasses
import os

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import _look
from ansible_collections.itops.release.plugins.module_utils.files import _durable
from ansible_collections.itops.release.plugins.module_utils.root import _directory
from ansible_collections.itops.release.plugins.plugin_utils.building import _sealing
from ansible_collections.itops.release.tests.fakes.estate import snapshot, write_tree
from ansible_collections.itops.release.tests.fakes.processes import KILLED, exit_status


@pytest.fixture
def labels(estate):
    return [estate.seal(f"{n}.0", {"app*": str(n), "lib": "same"}) for n in (1, 2)]


@pytest.fixture
def host(estate, labels):
    host = estate.host()
    host.deploy(labels[0])
    return host


def ask(host, **options):
    before = snapshot(host.root) if host.root.exists() else None
    told = _look.answer(_look.Look(str(host.root), **options))
    assert (snapshot(host.root) if host.root.exists() else None) == before
    assert not told["changed"]
    return told


def changes(told):
    return [(item["path"], item["change"]) for item in told["drift"]]


def test_where_nothing_is_nothing_is_told(estate):
    told = ask(estate.host())

    assert told["deployment"]["phase"] == "none"
    assert told["drift"] == []


def test_a_negative_number_of_events_is_refused_wherever_it_is_asked(estate, labels):
    host = estate.host()
    with pytest.raises(_directory.RootError, match="history is -1: give 0 or more"):
        ask(host, history=-1)
    host.deploy(labels[0])
    with pytest.raises(_directory.RootError, match="history is -1: give 0 or more"):
        ask(host, history=-1)


def test_nothing_is_not_taken_for_something_whole(estate):
    told = ask(estate.host(), verify=True)

    assert not told["ok"]
    assert changes(told) == [("current", "missing")]


def test_what_is_live_and_whole_is_ok(host, labels):
    told = ask(host, verify=True)

    assert told["ok"]
    assert told["deployment"]["live"]["digest"] == labels[0].digest
    assert told["deployment"]["current"] == host.current


def test_each_difference_is_told_with_its_tree(host):
    (host.root / "current/new").write_text("")
    (host.root / "current/__pycache__").mkdir()

    told = ask(host, verify=True)

    assert not told["ok"]
    assert told["drift"] == [{"path": "new", "change": "extra", "tree": host.current}]
    assert told["runtime"] == ["__pycache__"]


def test_without_verifying_no_file_is_looked_at(host):
    (host.root / "current/new").write_text("")

    told = ask(host)

    assert told["drift"] == []
    assert "ok" not in told


def test_another_release_than_expected_is_drift(host, labels):
    assert ask(host, expected_digest=labels[0].digest)["ok"]
    assert changes(ask(host, expected_digest=labels[1].digest)) == [("current", "release")]


def test_a_trial_is_not_what_is_expected_to_be_live(host, labels):
    host.deploy(labels[1], commit=False)

    assert not ask(host, expected_digest=labels[1].digest)["ok"]
    assert not ask(host, expected_digest=labels[0].digest)["ok"]


def test_a_current_that_leads_elsewhere_is_drift(host, labels):
    host.deploy(labels[1], state="staged")
    current = host.root / "current"
    for target in ("releases/" + host.tree_of(labels[1]), "/etc"):
        current.unlink()
        current.symlink_to(target)
        assert changes(ask(host, verify=True)) == [("current", "modified")]
    current.unlink()
    assert changes(ask(host, verify=True)) == [("current", "missing")]


@pytest.fixture
def half_switched(host, labels, monkeypatch):
    """Return the host after a run that was killed when it had switched, and not recorded that."""
    host.deploy(labels[1], state="staged")
    replace_link = _durable.replace_link

    def switch_and_die(*arguments):
        replace_link(*arguments)
        os._exit(KILLED)

    with monkeypatch.context() as patch:
        patch.setattr(_durable, "replace_link", switch_and_die)
        assert exit_status(lambda: host.deploy(labels[1])) == KILLED
    return host


def test_what_a_killed_run_switched_to_is_on_trial_and_that_run_s(half_switched, labels):
    told = ask(half_switched, verify=True)

    deployment = told["deployment"]
    assert deployment["phase"] == "on trial"
    assert deployment["trial"]["digest"] == labels[1].digest
    assert deployment["live"]["digest"] == labels[0].digest
    assert deployment["run"] == half_switched.run
    assert deployment["since"]
    assert told["drift"] == []
    assert changes(ask(half_switched, expected_digest=labels[1].digest)) == [("current", "trial")]


def test_where_what_a_killed_run_switched_to_is_gone_that_is_told(half_switched, labels):
    (half_switched.root / "releases" / half_switched.current).rename(half_switched.root / "aside")

    told = ask(half_switched, verify=True)

    assert told["deployment"]["phase"] == "on trial"
    assert changes(told) == [(".", "missing")]
    half_switched.deploy(None)
    assert ask(half_switched, verify=True, expected_digest=labels[0].digest)["ok"]


def test_a_foreign_current_after_a_killed_run_is_told(half_switched, labels):
    current = half_switched.root / "current"
    current.unlink()
    current.symlink_to("/etc")

    told = ask(half_switched, verify=True)

    assert told["deployment"]["live"]["digest"] == labels[0].digest
    assert changes(told) == [("current", "modified")]


def test_a_damaged_manifest_is_drift(host, labels):
    (host.root / ".release/manifests" / labels[0].digest).write_text("{}")

    assert changes(ask(host, verify=True)) == [
        (".release/manifests/" + labels[0].digest, "missing")
    ]


@pytest.mark.parametrize("staged", [False, True])
def test_a_switch_between_the_reading_of_state_and_of_current_is_no_drift(
    host, labels, monkeypatch, staged
):
    if staged:
        host.deploy(labels[1], state="staged")
    real = _directory.Root.read_current

    def switched(root, state):
        monkeypatch.setattr(_directory.Root, "read_current", real)
        host.deploy(labels[1])
        return real(root, state)

    monkeypatch.setattr(_directory.Root, "read_current", switched)
    told = _look.answer(_look.Look(str(host.root), verify=True, runtime_paths=()))

    assert told["deployment"]["live"]["version"] == "2.0"
    assert told["ok"]


def sealed_with(estate, version, **about):
    """Seal a release whose component declares *about*; return its Label."""
    source = write_tree(estate.folder / "sources" / version, {"app": version})
    release = estate.declare(version)
    component = release.components[0]._replace(about=tuple(sorted(about.items())))
    release = release._replace(components=(component,))
    stored, _new = _sealing.seal(estate.library, release, _sealing.pack_here(str(source)))
    return stored.label


def test_what_releases_declare_is_told_of_those_that_may_serve(estate):
    first = sealed_with(
        estate, "1.0", requires=["api >=3"], materials=[{"kind": "git", "place": "x"}]
    )
    second = sealed_with(estate, "2.0", provides={"web": "2.0"})
    third, fourth = (estate.seal(version, {"app": version}) for version in ("3.0", "4.0"))
    host = estate.host()
    host.deploy(fourth, state="staged")
    host.deploy(first)
    assert "declared" not in ask(host)
    assert ask(host, declared=True)["declared"] == {
        first.digest: {
            "name": "shop",
            "version": "1.0",
            "components": [{"name": "app", "version": "1.0", "requires": ["api >=3"]}],
        }
    }

    host.deploy(second)
    host.deploy(third, commit=False)
    told = ask(host, declared=True, expected_digest=fourth.digest)["declared"]
    assert set(told) == {label.digest for label in (second, third, fourth)}
    assert told[second.digest]["components"][0]["provides"] == {"web": "2.0"}
    nowhere = dataclasses.replace(host, root=host.root / "none")
    assert ask(nowhere, declared=True)["declared"] == {}


def test_a_release_whose_manifest_is_damaged_declares_nothing(estate, host, labels):
    (host.root / ".release/manifests" / labels[0].digest).write_text("{}")

    assert ask(host, declared=True)["declared"] == {}


def test_what_is_asked_travels_as_plain_data():
    look = _look.Look("/srv/shop", verify=True, runtime_paths=("a", "b"))

    assert _look.Look.from_plain(look.to_plain()) == look
