# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Interface of a machine that a build host is reached by."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol


class Machine(Protocol):
    """A machine that runs modules and commands, and has files to be fetched.

    Every method raises ``lost`` when the machine cannot be reached. ``adapter._task_host`` has the
    one for hosts of Ansible.
    """

    @property
    def lost(self) -> type[Exception]:
        """The exception that means: the machine cannot be reached."""

    def run_module(
        self, name: str, arguments: dict[str, Any], through_input: bool
    ) -> dict[str, Any]:
        """Run the module *name* and return its result, which may be a failure.

        With *through_input*, *arguments* never lie in a file there if that can be helped.
        """

    def run_command(self, command: str) -> str:
        """Run *command* in a shell and return what it prints to its standard output."""

    def fetch(self, there: str, path: str) -> None:
        """Copy the file *there* to *path* here; raise OSError when that fails."""

    def folder(self) -> AbstractContextManager[str]:
        """Give the path of a temporary folder there, which ends in a slash."""
