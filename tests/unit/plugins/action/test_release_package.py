# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_package``: its half on the controller, and what it says in a line when it fails."""

from __future__ import annotations

import json
import pathlib
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
    program = [sys.executable, "-m", "ansible", "adhoc", "localhost", "-o", "-m"]
    run = subprocess.run(
        [*program, "itops.release.release_package", "-a", json.dumps(options)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout.partition("=> ")[2]) == {**answer, "changed": False}
