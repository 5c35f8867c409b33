# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collections of another version over hosts with live releases: older formats go on, newer stop.

A newer collection is a copy of this one with other format numbers, an older root is one whose state
is written as the first version wrote it.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from types import SimpleNamespace

import pytest

from ansible_collections.itops.release.tests.integration.ansible_run import CHECKOUT, Controller
from ansible_collections.itops.release.tests.integration.applications import (
    Operator,
    deploying,
    failures,
    is_one_line,
    live_version,
    looking,
    play,
    read_state,
    read_tree,
    seal_all,
    sealing,
    snapshot,
    task,
    write_application,
)

pytestmark = pytest.mark.slow

SHIPPED = ("plugins", "roles", "playbooks", "meta", "schemas")
NEW_STATE = {
    "plugins/module_utils/root/_directory.py": [
        (r"^FORMAT = 3$", "FORMAT = 5"),
        (r"^READ_FORMATS = \(1, 2, 3, 4\)", "READ_FORMATS = (3, 4, 5)"),
    ],
    "plugins/module_utils/root/_history.py": [(r"^FORMATS = \(1, 2\)", "FORMATS = (3, 3)")],
    # What a newer version may have more of.
    "plugins/module_utils/root/_state_form.py": [
        (
            r'^    "since": _or_none\(_is_text\),$',
            '    "since": _or_none(_is_text),\n    "novelty": _is_text,',
        )
    ],
    "plugins/module_utils/root/_state.py": [
        (
            r"^    since: str \| None = None$",
            "    since: str | None = None\n    novelty: str = 'new'",
        )
    ],
}
NEW_MANIFEST = {
    "plugins/module_utils/release/_manifest.py": [
        (r"^FORMAT = 1$", "FORMAT = 2"),
        (r'plain\["format"\] != FORMAT', 'plain["format"] not in (1, FORMAT)'),
        (
            r"render\(manifest\) != data",
            "data not in [render(manifest).replace(b'format\":2', v) for v in "
            "(b'format\":1', b'format\":2')]",
        ),
    ],
    "plugins/module_utils/release/_pack.py": [(r"^FORMAT = 1$", "FORMAT = 2")],
    "plugins/plugin_utils/events/_facts.py": [(r"^RECORD_FORMAT = 1$", "RECORD_FORMAT = 2")],
}
OLD_VERSIONS = {"1.0.0", "2.0.0", "3.0.0"}
IGNORED = {"ignore_errors": True}
CHECKED = {"ignore_errors": True, "check_mode": True}


def collection(path, changes):
    """Make a collections path with a copy of this collection in which *changes* are made."""
    root = path / "ansible_collections/itops/release"
    for name in SHIPPED:
        shutil.copytree(
            CHECKOUT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", ".*")
        )
    shutil.copy(CHECKOUT / "galaxy.yml", root)
    for name, edits in changes.items():
        text = (root / name).read_text(encoding="utf-8")
        for pattern, replacement in edits:
            text, count = re.subn(pattern, replacement, text, flags=re.MULTILINE)
            assert count == 1, f"{name}: {pattern}"
        (root / name).write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def sealed(tmp_path_factory, _sockets):
    """Return a media library with three versions, a root where 2.0.0 followed 1.0.0, and newers."""
    directory = tmp_path_factory.mktemp("sealed")
    library, controller = directory / "library", Controller(directory / "controller", _sockets)
    sources = [
        write_application(
            directory / f"{serial}.0.0", {"app": f"{serial}\n"}, f"{serial}.0.0", serial
        )
        for serial in (1, 2, 3)
    ]
    seal_all(controller, library, sources)
    hosts = directory / "hosts.json"
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "srv": str(directory),
    }
    hosts.write_text(json.dumps({"all": {"hosts": {"template": variables}}}))
    tasks = [deploying(version, f"shop:{version}", library) for version in ("1.0.0", "2.0.0")]
    run = controller.run(play(*tasks), hosts)
    assert run.rc == 0, run.output
    return SimpleNamespace(
        library=library,
        root=directory / "shop",
        new_state=collection(directory / "new-state", NEW_STATE),
        new_manifest=collection(directory / "new-manifest", NEW_MANIFEST),
    )


@pytest.fixture
def host(sealed, local_hosts):
    """Return a host where 2.0.0 is live, after 1.0.0."""
    (host,) = local_hosts(1)
    shutil.copytree(sealed.root, host.seen / "shop", symlinks=True)
    return host


@pytest.fixture
def operator(sealed, host, inventory, tmp_path, _sockets):
    """Return ``operator(collections)``: one who has this collection, or that in *collections*."""
    hosts = inventory(
        [host], deploy_root="{{ srv }}/shop", deploy_media_library=str(sealed.library)
    )

    def make(collections=None):
        controller = Controller(
            tmp_path / f"controller-{collections and collections.name}", _sockets
        )
        if collections:
            controller.collections = [collections]
        return Operator(controller.run, hosts)

    return make


def rewrite_state(host, change):
    path = host.seen / "shop/.release/state.json"
    state = json.loads(path.read_text(encoding="utf-8"))
    change(state)
    state.pop("sum", None)
    path.write_text(json.dumps(state, sort_keys=True, separators=(",", ":")), encoding="utf-8")


def as_first_written(state):
    """Turn *state* into what the first version wrote: no lease, nothing left or pinned, no age."""
    state["format"] = 1
    for name in ("lease", "left", "pinned"):
        del state[name]
    for record in state["trees"].values():
        del record["at"]


@pytest.mark.every_point
def test_what_the_first_version_left_is_gone_on_with(host, sealed, operator):
    rewrite_state(host, as_first_written)
    before = snapshot(host.seen)
    now = operator()

    looked = now.play(
        looking("Look", history=10),
        deploying("Would go on", "shop:3.0.0", sealed.library, CHECKED, keep_days=1, verify=True),
        deploying("Nothing to do", "shop:2.0.0", sealed.library),
    )

    assert looked.rc == 0, looked.output
    assert looked.result("Look")["ok"]
    assert looked.result("Look")["deployment"]["previous"]["version"] == "1.0.0"
    assert looked.result("Would go on")["changed"]
    assert snapshot(host.seen) == before  # reading rewrites nothing

    run = now.rollback()

    assert run.rc == 0, run.output
    assert live_version(host) == "1.0.0"
    assert read_state(host)["format"] == 3
    assert now.deploy("3.0.0").rc == 0
    assert live_version(host) == "3.0.0"


@pytest.mark.every_point
def test_an_upgrade_and_a_downgrade_over_a_live_release(host, sealed, operator):
    now, newer = operator(), operator(sealed.new_state)

    looked = newer.verify()
    assert looked.rc == 0, looked.output
    assert read_state(host)["format"] == 3
    run = newer.rollback()
    assert run.rc == 0, run.output
    assert live_version(host) == "1.0.0"
    assert read_state(host)["format"] == 5

    before = snapshot(host.seen)
    options = {"library": sealed.library, "keywords": IGNORED}
    refused = now.play(
        deploying("Deploy", "shop:3.0.0", **options),
        deploying("Check", "shop:3.0.0", sealed.library, CHECKED),
        deploying("What is live", "shop:1.0.0", **options),
        deploying("Stage", "shop:3.0.0", state="staged", **options),
        deploying("Go back", "previous", **options),
        deploying("Mend", "current", verify=True, **options),
        deploying("Adopt", "shop:3.0.0", adopt=True, **options),
        deploying("Take over", "shop:3.0.0", takeover="somebody", **options),
        deploying("Mark", "shop:1.0.0", mark="bad", **options),
        deploying("Remove one", "shop:2.0.0", state="absent", **options),
        deploying("Remove", None, state="absent", **options),
        deploying("Would remove", None, sealed.library, CHECKED, state="absent"),
        looking("Look", IGNORED),
        looking("History", IGNORED, verify=False, history=10),
    )

    assert snapshot(host.seen) == before
    state = f"{host.srv}/shop/.release/state.json"
    reason = f"{state} has format 5, and this itops.release reads up to 4: upgrade it"
    said = [outcome.result.get("msg") for outcome in refused.outcomes]
    assert said == [reason] * 14
    for run in (now.deploy("3.0.0"), now.rollback(), now.verify(), now.uninstall()):
        assert run.rc != 0
        assert reason in failures(run)[host.name]
        assert is_one_line(failures(run)[host.name])
    assert snapshot(host.seen) == before

    run = newer.deploy("3.0.0")
    assert run.rc == 0, run.output
    assert live_version(host) == "3.0.0"


@pytest.mark.every_point
def test_a_release_of_a_newer_format_is_refused_and_the_one_before_is_still_there(
    host, sealed, operator, tmp_path
):
    library = tmp_path / "library"
    shutil.copytree(sealed.library, library)
    four = write_application(tmp_path / "4.0.0", {"app": "4\n"}, "4.0.0", 4)
    now, newer = operator(), operator(sealed.new_manifest)
    mine = {"deploy_media_library": str(library)}
    run = newer.play(sealing("Seal", four, library))
    assert run.rc == 0, run.output
    run = newer.deploy("4.0.0", **mine)
    assert run.rc == 0, run.output
    stored, before = read_tree(library), snapshot(host.seen / "shop")

    info = {"media_library": str(library)}
    refused = now.play(
        task("List", "release_package_info", info, **IGNORED),
        task("Info", "release_package_info", {**info, "release": "shop:4.0.0"}, **IGNORED),
        sealing("Seal again", four, library, IGNORED),
        deploying("What is live", "shop:4.0.0", library),
        deploying("Deploy anew", "shop:4.0.0", library, IGNORED, root="{{ srv }}/new"),
        looking("Look", IGNORED),
        deploying("Mend", "current", library, IGNORED, verify=True),
    )

    for title in ("Info", "Deploy anew", "Look", "Mend"):
        message = refused.result(title)["msg"]
        assert is_one_line(message)
        assert "manifest has format 2, and this itops.release reads up to 1: upgrade it" in message
    assert {label["version"] for label in refused.result("List")["releases"]} == OLD_VERSIONS
    (unread,) = refused.result("List")["damaged"]
    assert "shop 4.0.0: manifest has format 2" in unread["reason"]
    assert "already" in refused.result("Seal again")["msg"]
    assert not refused.result("What is live").get("changed")
    assert read_tree(library) == stored
    assert snapshot(host.seen / "shop") == before

    back = now.rollback()  # what it was is all that this version has to know

    assert back.rc == 0, back.output
    assert live_version(host) == "2.0.0"
    assert now.verify().rc == 0
    run = now.deploy("3.0.0", deploy_keep="3")  # 1.0.0 goes; what 4.0.0 needs cannot be known
    assert run.rc == 0, run.output
    run = newer.deploy("4.0.0", **mine)
    assert run.rc == 0, run.output
    assert live_version(host) == "4.0.0"


def test_histories_and_records_are_appended_to_whatever_is_in_them(
    host, sealed, operator, tmp_path
):
    history, record = host.seen / "shop/.release/history.jsonl", tmp_path / "record.jsonl"
    told = history.read_bytes()
    history.write_bytes(told + b'{"event":"accep')  # the process that wrote it was killed
    record.write_text('{"event":"run","format":2,"novelty":[1.5]}\n')
    now = operator()

    looked = now.play(looking("Look", history=100))
    run = now.rollback(env={"ITOPS_RELEASE_RECORD": str(record)})

    assert looked.rc == 0, looked.output
    assert run.rc == 0, run.output
    assert len(looked.result("Look")["history"]) == len(told.splitlines())
    assert history.read_bytes().startswith(told + b"{")
    assert [json.loads(line)["event"] for line in history.open()][-2:] == ["went back", "accepted"]
    lines = [json.loads(line) for line in record.open()]
    assert lines[0]["novelty"] == [1.5]
    assert {line["format"] for line in lines[1:]} == {1}  # each line has its own

    with open(history, "a", encoding="utf-8") as stream:
        stream.write('{"event":"novelty","format":3}\n')
    before = snapshot(host.seen)
    refused = now.play(looking("History", IGNORED, history=1), looking("Look"))

    reason = f"{host.srv}/shop/.release/history.jsonl has format 3, and this itops.release reads"
    assert refused.result("History")["msg"].startswith(reason)
    assert is_one_line(refused.result("History")["msg"])
    assert refused.result("Look")["ok"]
    assert snapshot(host.seen) == before
