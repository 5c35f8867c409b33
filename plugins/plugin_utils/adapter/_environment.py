# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment of a task: kept out of command lines on hosts."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible.plugins.action import ActionBase

# What the shell, Python or Ansible's wrapper reads before a module runs; none of it is secret.
BEFORE_MODULES = frozenset(
    "HOME LANG LC_ALL LC_CTYPE LD_LIBRARY_PATH PATH PYTHONHOME PYTHONPATH PYTHONUTF8 TMPDIR".split()
)


@contextlib.contextmanager
def hidden_environment(action: ActionBase, *paths: str | None) -> Iterator[dict[str, str]]:
    """Give the variables of the task's ``environment``, and keep them out of command lines.

    Ansible writes them before the interpreter of a module, where other users, ``-vvv`` and the log
    show them. Only BEFORE_MODULES stay there, and those that one of *paths* names, such as
    ``$HERE/shop``, which the module expands. A module that needs the others gets them in an option
    that is ``no_log``.
    """
    given: dict[object, object] = {}
    declared = action._task.environment
    action._compute_environment_string(given)
    environment = {str(name): str(value) for name, value in given.items()}
    stays = BEFORE_MODULES.union(*(re.findall(r"\$\{?(\w+)", path or "") for path in paths))
    action._task.environment = [{name: environment[name] for name in environment if name in stays}]
    try:
        yield environment
    finally:
        action._task.environment = declared  # for another try of the same task
