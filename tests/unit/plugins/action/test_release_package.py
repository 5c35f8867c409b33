# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_package``: its half on the controller, and what it says in a line when it fails."""

from __future__ import annotations

import json
import os
import pathlib
import re
import resource
import subprocess
import sys

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import connection_loader
from ansible.template import Templar

from ansible_collections.itops.release.plugins.action.release_package import ActionModule
from ansible_collections.itops.release.tests.unit.plugins.estate import write_tree

CHECKOUT = pathlib.Path(__file__).resolve().parents[4]


@pytest.fixture
def call(tmp_path):
    """Return ``call(**options)``: what the action answers to a task with these options."""

    def call(**options):
        task = Task()
        task.args = {"media_library": str(tmp_path / "library"), **options}
        data = DataLoader()
        connection = connection_loader.get("local", PlayContext())
        templar = Templar(data)
        return ActionModule(task, connection, PlayContext(), data, templar, None).run()

    return call


def by_ansible(options):
    """Return the result of a task with these options on localhost, in a run of Ansible."""
    program = [sys.executable, "-m", "ansible", "adhoc", "localhost", "-m"]
    run = subprocess.run(
        [*program, "itops.release.release_package", "-a", json.dumps(options)],
        cwd=CHECKOUT,
        env={**os.environ, "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"},
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(run.stdout.partition("=> ")[2])


def release_yml(**component):
    component = {"name": "app", "kind": "files", **component}
    return json.dumps({"name": "shop", "version": "1", "serial": 1, "components": [component]})


def test_a_source_is_relative_to_the_folder_of_the_definition(tmp_path, call):
    write_tree(
        tmp_path / "src",
        {"sub/release.yml": release_yml(source="app"), "sub/app/a": "", "app/b": "", "app/c": ""},
    )

    options = {"src": str(tmp_path / "src"), "definition": "sub/release.yml"}

    answer = call(**options)

    assert answer["release"]["files"] == 1
    options.update(remote_src=True, media_library=str(tmp_path / "library"))
    assert by_ansible(options) == {**answer, "changed": False}


def test_a_definition_that_is_missing_on_a_build_host_is_told_with_its_path(tmp_path):
    options = {"src": str(tmp_path), "remote_src": True, "media_library": str(tmp_path / "library")}

    answer = by_ansible(options)

    assert answer["msg"].endswith(f"No such file or directory: '{tmp_path}/release.yml'")


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"version": "1 0"}, 'the option version: "1 0" does'), ({"serial": -1}, "the option serial")],
)
def test_an_option_that_is_bad_is_blamed_itself(tmp_path, call, options, reason):
    write_tree(tmp_path / "src", {"release.yml": release_yml()})

    answer = call(src=str(tmp_path / "src"), **options)

    assert answer["failed"]
    assert answer["msg"].startswith(reason)


def test_a_library_of_python_that_is_missing_is_told_in_a_line(tmp_path, call, monkeypatch):
    write_tree(tmp_path / "src", {"release.yml": release_yml()})
    monkeypatch.setitem(sys.modules, "jsonschema", None)

    answer = call(src=str(tmp_path / "src"))

    assert answer["failed"]
    assert re.match(r"Failed to import the required Python library \(jsonschema\)", answer["msg"])
    assert "\n" not in answer["msg"]


@pytest.mark.parametrize("release", ["shop", "shop:", ":1", "shop:1:2", "sha256:", "sha256:abc"])
def test_what_names_no_release_cannot_be_absent(call, release):
    answer = call(state="absent", release=release)

    assert answer["failed"]
    assert answer["msg"] == (
        f"release {release!r} is neither name:version nor sha256:<release digest>"
    )


@pytest.mark.parametrize("release", ["shop:1", "sha256:" + "0" * 64])
def test_what_is_not_there_is_absent_already(tmp_path, call, release):
    assert call(state="absent", release=release) == {"changed": False}
    assert not (tmp_path / "library").exists()


def test_a_damaged_release_can_be_removed_by_its_digest(tmp_path, call):
    write_tree(tmp_path / "src", {"release.yml": release_yml()})
    digest = call(src=str(tmp_path / "src"))["release"]["digest"]
    index = json.loads((tmp_path / "library/index.json").read_bytes())
    damaged = index["manifests"][0]["digest"].replace("sha256:", "library/blobs/sha256/")
    (tmp_path / damaged).write_bytes(b"{}")

    assert call(state="absent", release=f"sha256:{digest}") == {"changed": True}
    assert call(state="absent", release=f"sha256:{digest}") == {"changed": False}


@pytest.mark.parametrize("full", ["layer", "library"])
def test_a_full_disk_is_told_with_its_path(tmp_path, call, full):
    # Small files, or none, are what a process may write: to it that is as a disk that is full.
    content = os.urandom(10_000).hex() if full == "layer" else ""
    write_tree(tmp_path / "src", {"release.yml": release_yml(), "a": content})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096 if full == "layer" else 0, before[1]))
    try:
        answer = call(src=str(tmp_path / "src"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert answer["failed"]
    assert str(tmp_path / "library") in answer["msg"]
    assert "File too large" in answer["msg"]
    assert "\n" not in answer["msg"]
