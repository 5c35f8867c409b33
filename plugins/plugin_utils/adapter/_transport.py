# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an action of Ansible reaches a host for a conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleConnectionFailure

from ...module_utils.deployment import _answer, _look, _request
from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical, _message
from ..run import _identity
from . import _environment, _remote, _transfer

if TYPE_CHECKING:
    from ansible.plugins.action import ActionBase

MODULE = "itops.release.release_deployment"
INSPECTION = "itops.release.release_deployment_info"


class AnsibleTransport:
    """The host of the task of an *action*; see ``deployment._conversation.Transport``."""

    def __init__(self, action: ActionBase, task_vars: dict[str, Any]) -> None:
        self._action = action
        self._task_vars = task_vars

    def ask(self, request: _request.Request) -> _answer.Answer:
        told, secret = request.to_plain()
        with (
            _environment.hidden_environment(self._action, request.root) as environment,
            _transfer.modules_through_input(self._action),
        ):
            # root stands outside too: Ansible names it in the result and in the host's syslog.
            message = _message.pack(told, {**secret, "environment": environment})
            plain = self._execute(MODULE, {"root": request.root, **message})
        if plain.get("unreachable"):
            return _answer.Answer(_answer.HOST_LOST, str(plain["msg"]))
        if "format" not in plain:
            return _answer.Answer(_answer.MODULE_FAILED, _remote.why_failed(plain), outcome=plain)
        return _answer.Answer.from_plain(_without_message(plain))

    def look(self, look: _look.Look) -> dict[str, Any]:
        with (
            _environment.hidden_environment(self._action, look.root),
            _transfer.modules_through_input(self._action),
        ):
            plain = self._execute(INSPECTION, {"root": look.root, **_message.pack(look.to_plain())})
        if plain.get("unreachable"):
            raise ReleaseError(str(plain["msg"]), code=_answer.HOST_LOST)
        if plain.get("failed"):
            raise ReleaseError(_remote.why_failed(plain), code=plain.get("code"))
        _message.check_format(plain)
        return _without_message(plain)

    def send(self, pack: str, upload_dir: str, start: int) -> int:
        self._action._display.vv(f"sending {pack} from byte {start} to {upload_dir}")
        return _transfer.send(self._action, pack, upload_dir, start)

    def is_over(self, run: str) -> bool:
        return _identity.is_over(run)

    def _execute(self, module: str, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            result: dict[str, Any] = self._action._execute_module(
                module, arguments, task_vars=self._task_vars, wrap_async=False
            )
        except AnsibleConnectionFailure as error:
            return {"unreachable": True, "msg": _canonical.one_line(error)}
        return result


def _without_message(plain: dict[str, Any]) -> dict[str, Any]:
    """Return what a module returned, without the message that Ansible repeats in it."""
    shown = plain.get("invocation", {}).get("module_args", {})
    for name in _message.OPTIONS:
        shown.pop(name, None)
    return plain
