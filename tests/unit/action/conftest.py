# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of actions share: ``release_package`` as a task calls it, without a playbook."""

from __future__ import annotations

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import connection_loader
from ansible.template import Templar

from ansible_collections.itops.release.plugins.action.release_package import ActionModule


@pytest.fixture
def call(tmp_path):
    """Return ``call(**options)``: what the action answers to a task with these options."""

    def call(check_mode=False, diff=False, **options):
        task = Task()
        task.check_mode, task.diff = check_mode, diff
        task.args = {"media_library": str(tmp_path / "library"), **options}
        data = DataLoader()
        connection = connection_loader.get("local", PlayContext())
        templar = Templar(data)
        return ActionModule(task, connection, PlayContext(), data, templar, None).run()

    return call
