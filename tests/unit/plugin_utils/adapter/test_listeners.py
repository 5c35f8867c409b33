# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether handlers listen, asked of real plays: Ansible has no public way to tell."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.adapter import _listeners

COLLECTIONS = pathlib.Path(__file__).resolve().parents[4] / ".dev"
# In a process of its own: Ansible's loader takes over how collections are imported.
ASK = """
import json, sys
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader([])
from ansible.playbook.play import Play
from ansible.vars.manager import VariableManager
from ansible_collections.itops.release.plugins.plugin_utils.adapter import _listeners

folder, plays = json.loads(sys.argv[1])
loader = DataLoader()
loader.set_basedir(folder)
answers = []
for play in plays:
    loaded = Play.load(play, variable_manager=VariableManager(loader=loader), loader=loader)
    answers.append(_listeners.has_listeners(loaded.tasks[0].block[0]))
print(json.dumps(answers))
"""
RESTART = {"name": "Restart", "ansible.builtin.command": "true"}
LISTENING = {**RESTART, "listen": "release activated"}
NOTHING = {"name": "Ours", "ansible.builtin.meta": "noop", "listen": "release activated"}
PLAYS = {
    "no handler": ([], [], False),
    "one that is notified by its name": ([RESTART], [], False),
    "one that does nothing": ([NOTHING], [], False),
    "one that listens": ([NOTHING, LISTENING], [], True),
    "one that listens to two topics": (
        [{**RESTART, "listen": ["another", "release activated"]}],
        [],
        True,
    ),
    "one with the topic as its name": ([{**RESTART, "name": "release activated"}], [], True),
    "a topic that is a template": ([{**RESTART, "listen": "{{ topic }}"}], [], True),
    "one of another role that listens": ([], ["listening"], True),
    "one of another role that does not": ([], ["restarting"], False),
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Return what is found for each of PLAYS."""
    folder = tmp_path_factory.mktemp("plays")
    for role, handler in (("listening", LISTENING), ("restarting", RESTART)):
        (folder / f"roles/{role}/handlers").mkdir(parents=True)
        (folder / f"roles/{role}/handlers/main.yml").write_text(json.dumps([handler]))
    plays = [
        {
            "hosts": "all",
            "roles": roles,
            "tasks": [{"ansible.builtin.ping": None}],
            "handlers": handlers,
        }
        for handlers, roles, _wanted in PLAYS.values()
    ]
    done = subprocess.run(
        [sys.executable, "-c", ASK, json.dumps([str(folder), plays])],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)},
        stdout=subprocess.PIPE,
        check=True,
    )
    return dict(zip(PLAYS, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("handlers", PLAYS)
def test_a_handler_that_does_something_is_found(answers, handlers):
    assert answers[handlers] is PLAYS[handlers][-1]


class Strange:
    """A task of an Ansible that has changed inside."""

    def get_play(self):
        raise AttributeError("get_play")


def test_where_it_cannot_be_told_there_is_room_for_handlers():
    assert _listeners.has_listeners(Strange())
