# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether handlers of the play listen to a topic of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible.playbook.task import Task

ACTIVATED = "release activated"
# The roles have a handler that does nothing for each topic: without any, Ansible ends the run.
DOES_NOTHING = ("meta", "ansible.builtin.meta")


def has_listeners(task: Task, topic: str = ACTIVATED) -> bool:
    """Return whether a handler that does something listens to *topic* in the play of *task*.

    Ansible has no public way to tell. Where it cannot be told, as with a topic that is a template,
    the answer is True: the caller then leaves room for handlers, which is right, only slower.
    """
    try:
        play = task.get_play()
        # The handlers of roles are not among the play's own in a worker.
        blocks = [*play.handlers, *play.compile_roles_handlers()]
        handlers = [each for block in blocks for each in block.get_tasks()]
        return any(
            name == topic or "{{" in name
            for handler in handlers
            if handler.action not in DOES_NOTHING
            for name in [*(handler.listen or []), handler.name or ""]
        )
    except Exception:  # whatever changed inside Ansible: see above
        return True
