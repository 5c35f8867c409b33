# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversation with a build host: ask a module's half there, fetch its files."""

from __future__ import annotations

import os
import tempfile
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical, _message
from ..adapter import _arguments, _remote
from ._machine import Machine

Answer = dict[str, Any]


class BuildHostError(ReleaseError):
    """The build host could not do its part; it may give a more exact code and a hint."""

    code = "build_host_failed"


class BuildHost:
    """The half of a *module* on a build host.

    *machine* is how it is reached, and *options* are the module's, the same in every call. Where an
    *environment* is given, which may hold secrets, it goes with every call: out of sight, and
    through standard input. A machine that cannot be reached raises its ``lost``; all else that goes
    wrong there is a BuildHostError.
    """

    def __init__(
        self,
        machine: Machine,
        module: str,
        options: dict[str, Any],
        environment: dict[str, str] | None = None,
    ) -> None:
        self.machine = machine
        self._module = module
        self._options = _arguments.to_module(options)
        self._environment = environment

    def ask(
        self, call: dict[str, Any] | None = None, secret: dict[str, Any] | None = None
    ) -> Answer:
        """Have the half there do what *call* says, and return its answer.

        *secret* is a part of the call that no log has. It needs an environment. Raises MessageError
        for an answer of another format.
        """
        is_secret = self._environment is not None
        if secret is not None and not is_secret:
            raise ValueError("secret needs an environment")
        if is_secret:
            secret = {**(secret or {}), "environment": self._environment}
        arguments = {**self._options, **_message.pack(call or {}, secret)}
        answer = self.machine.run_module(self._module, arguments, through_input=is_secret)
        if answer.get("failed"):
            code, hint = answer.get("code"), answer.get("hint")
            raise BuildHostError(_remote.why_failed(answer), code=code, hint=hint)
        _message.check_format(answer)
        return answer

    def fetch(self, there: str, path: str) -> None:
        """Copy the file *there* on the build host to *path* here."""
        try:
            self.machine.fetch(there, path)
        except OSError as error:
            name, reason = os.path.basename(there), _canonical.one_line(error)
            raise BuildHostError(f"{name} could not be fetched to {path}: {reason}") from None

    def read(self, there: str, most_bytes: int | None = None) -> bytes:
        """Return the bytes of the file *there*; more than *most_bytes* are refused."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, os.path.basename(there))
            self.fetch(there, path)
            if most_bytes is not None and os.path.getsize(path) > most_bytes:
                raise BuildHostError(f"the build host answers with more than {most_bytes} bytes")
            with open(path, "rb") as stream:
                return stream.read()
