# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ssh need not compress: packs are compressed before they travel."""

from __future__ import annotations

import shlex
from typing import Any, Protocol


class Connection(Protocol):
    """What is used of an Ansible connection plugin."""

    def get_option_and_origin(self, option: str) -> tuple[Any, str | None]: ...

    def set_option(self, option: str, value: object) -> None: ...


def leave_to_packs(connection: Connection) -> None:
    """Let *connection* not compress, if that is only Ansible's default, and it is opened now.

    To compress a pack again takes the controller six times as long as to send it, and gains
    nothing. Arguments for ssh that anybody has chosen are left alone.
    """
    try:
        arguments, origin = connection.get_option_and_origin("ssh_args")
    except KeyError:
        return  # not ssh
    if origin == "default":
        kept = [word for word in shlex.split(arguments) if word != "-C"]
        connection.set_option("ssh_args", shlex.join(kept))
