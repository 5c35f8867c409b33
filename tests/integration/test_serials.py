# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing goes back unasked: an older release needs its digest, or a rollback."""

from __future__ import annotations

import json

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.library import _store
from ansible_collections.itops.release.tests.integration.applications import (
    Operator,
    deploying,
    failures,
    is_one_line,
    live_version,
    looking,
    play,
    report_line,
    seal_all,
    sealing,
    snapshot,
    write_application,
)

pytestmark = pytest.mark.slow

CHECKED = {"check_mode": True, "ignore_errors": True}
IGNORED = {"ignore_errors": True}
SERIALS = (1, 2, 3)
SWITCHES = ("activated", "went back")


@pytest.fixture
def library(controller, tmp_path):
    """Return a media library with three releases of the shop."""
    sources = [
        write_application(tmp_path / str(serial), {"app": f"{serial}\n"}, f"{serial}.0.0", serial)
        for serial in SERIALS
    ]
    seal_all(controller, tmp_path / "media", sources)
    return tmp_path / "media"


@pytest.fixture
def digests(library):
    """Return ``{version: sha256:…}`` of what is in the library."""
    labels = _store.Library(str(library)).labels()
    return {label.version: f"sha256:{label.digest}" for label in labels}


@pytest.fixture
def operator(run_playbook, inventory, library):
    """Return who runs the playbooks over *targets*."""

    def given(targets):
        options = {
            "deploy_root": "{{ srv }}/shop",
            "deploy_media_library": str(library),
            "deploy_pack_cache": f"{library}-packs",
        }
        return Operator(run_playbook, inventory(targets, **options))

    return given


@pytest.mark.every_point
def test_a_fleet_goes_back_by_a_digest_or_a_rollback_and_never_by_a_name(
    local_hosts, operator, digests
):
    ahead, fresh = hosts = local_hosts(2)
    shop, alone = operator(hosts), operator([ahead])
    assert alone.deploy("2.0.0").rc == 0
    before = snapshot(ahead.seen)

    foretold, refused = shop.deploy("1.0.0", check=True), shop.deploy("1.0.0")

    for run in (foretold, refused):
        assert run.rc != 0
        message = failures(run)[ahead.name]
        assert is_one_line(message)
        assert "shop 1.0.0 (serial 1) is older than 2.0.0 (serial 2), which is live" in message
        assert f"give its digest, {digests['1.0.0']}, or roll back (release: previous" in message
    assert snapshot(ahead.seen) == before
    assert not (fresh.seen / "shop/current").exists()  # a batch goes live together or not at all

    run = shop.run("itops.release.deploy", deploy_release=digests["1.0.0"])

    assert run.rc == 0, run.output
    assert "rolled back" in report_line(run, ahead.name)
    assert " deployed " in report_line(run, fresh.name)
    assert [live_version(host) for host in hosts] == ["1.0.0", "1.0.0"]
    assert events(ahead)[-2:] == ["went back", "accepted"]
    assert events(fresh)[-2:] == ["activated", "accepted"]

    assert alone.deploy("3.0.0").rc == 0
    older = {"rollback_release": "shop:1.0.0"}
    foretold, back = shop.rollback(check=True, **older), shop.rollback(**older)

    assert (foretold.rc, back.rc) == (0, 0), foretold.output + back.output
    assert "would be rolled back" in report_line(foretold, ahead.name)
    assert "unchanged" in report_line(back, fresh.name)
    assert [live_version(host) for host in hosts] == ["1.0.0", "1.0.0"]


@pytest.mark.every_point
def test_modules_say_the_same_in_one_call_live_or_on_trial(
    local_hosts, inventory, run_playbook, library, digests, tmp_path
):
    (host,) = local_hosts(1)
    stranger = write_application(tmp_path / "stranger", {"app": "?"}, "3.0.1", 3)
    adopted = host.seen / "shop/releases/20250101"
    adopted.mkdir(parents=True)
    (host.seen / "shop/current").symlink_to("releases/20250101")
    try_it = {"commit": False}

    run = run_playbook(
        play(
            sealing("Known serial", stranger, library, IGNORED),
            sealing("Of its own", stranger, tmp_path / "other"),
            deploying("Two", "shop:2.0.0", library, adopt=True),
            deploying("Predict one", "shop:1.0.0", library, CHECKED),
            deploying("One", "shop:1.0.0", library, IGNORED),
            deploying("Stage one", "shop:1.0.0", library, IGNORED, state="staged"),
            deploying("Three", "shop:3.0.0", library, **try_it),
            deploying("Predict two", "shop:2.0.0", library, CHECKED),
            deploying("Two again", "shop:2.0.0", library, IGNORED),
            deploying("Stranger", "shop:3.0.1", tmp_path / "other", IGNORED),
            deploying("Allowed", "shop:2.0.0", library, {"diff": True}, allow_downgrade="yes"),
            deploying("Explicit", digests["1.0.0"], library, **try_it),
            deploying("Back", "previous", library),
            looking("Look", history=50),
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    assert "has shop with serial 3 already" in run.result("Known serial")["msg"]
    told = {
        "Predict one": "1.0.0 (serial 1) is older than 2.0.0 (serial 2), which is live at ",
        "One": "1.0.0 (serial 1) is older than 2.0.0 (serial 2), which is live at ",
        "Stage one": "1.0.0 (serial 1) is older than 2.0.0 (serial 2), which is live at ",
        "Predict two": "2.0.0 (serial 2) is older than 3.0.0 (serial 3), which is on trial at ",
        "Two again": "2.0.0 (serial 2) is older than 3.0.0 (serial 3), which is on trial at ",
        "Stranger": "3.0.1 (serial 3) is not newer than 3.0.0 (serial 3), which is on trial at ",
    }
    for title, line in told.items():
        assert is_one_line(run.result(title)["msg"]), title
        assert line in run.result(title)["msg"]
        assert run.result(title)["calls"] == 1
    changes = [event for event in run.result("Look")["history"] if event["event"] in SWITCHES]
    assert [event["event"] for event in changes] == [
        *("activated", "activated", "went back", "went back", "activated")
    ]
    assert run.result("Look")["deployment"]["live"]["version"] == "2.0.0"


def events(host):
    """Return what the history of a Target's root tells, oldest first."""
    lines = (host.seen / "shop/.release/history.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["event"] for line in lines]
