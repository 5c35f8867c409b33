# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``release_deployment_info``: it knows which digest is expected."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.deployment import _answer, _look
from ..module_utils.errors._release_error import ReleaseError
from ..module_utils.options import _deployment_info
from ..plugin_utils.adapter import _arguments, _conversion, _run_action, _run_folder, _transport
from ..plugin_utils.ledger import _noting
from ..plugin_utils.library import _store
from ..plugin_utils.run import _identity

# Variables of the role verify that this module has no options for.
OF_ROLE = ("hooks", "sealed_hooks", "scripts_from", "mend", "restart", "restart_timeout", "probe")


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        prefix = str(self._task.args.get("variables") or "")
        known = (*_deployment_info.options(), *OF_ROLE, *_conversion.OF_PLAYBOOKS)
        for line in _conversion.near_misses(known, variables, prefix):
            self._display.warning(line)
        result = _run_action.run_action(
            self,
            _arguments.on_host(_deployment_info.options(), "root"),
            lambda arguments: self._inspect(arguments, variables),
            prefix=prefix,
            place="root",
        )
        if not self._task.delegate_to:  # another host is asked for what is live beside
            _noting.inspection(self, variables, result)
        return result

    def _inspect(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Ask the host, or return what it answered earlier in this play if that will do."""
        look = _look.Look(
            root=arguments["root"],
            verify=arguments["verify"],
            history=arguments["history"],
            declared=arguments["declared"],
            expected_digest=_expected(arguments),
            runtime_paths=tuple(arguments["runtime_paths"]),
        )
        path = self._memory(look, task_vars) if arguments["reuse_answer"] else None
        if path and os.path.exists(path):
            with open(path, encoding="utf-8") as stream:
                remembered: dict[str, Any] = json.load(stream)
                return remembered
        try:
            result = _transport.AnsibleTransport(self, task_vars).look(look)
        except ReleaseError as error:
            lost = error.code == _answer.HOST_LOST
            raise ReleaseError(
                f"unreachable: {error}" if lost else str(error), error.code
            ) from None
        result["run"] = _identity.run_id(task_vars)
        if path:
            _remember(path, result)
        return result

    def _memory(self, look: _look.Look, task_vars: dict[str, Any]) -> str:
        """Return the path of the answer to *look* by this host, for this play and all its batches.

        Ansible removes the folder with the run.
        """
        host = self._task.delegate_to or task_vars["inventory_hostname"]
        play = self._task.get_play()
        asked = json.dumps([play._uuid if play else None, host, look.to_plain()], sort_keys=True)
        name = hashlib.sha256(asked.encode("utf-8")).hexdigest()
        return os.path.join(_run_folder.path(), f"itops-release-{name}.json")


def _expected(arguments: dict[str, Any]) -> str | None:
    """Return the digest that should be live, or None when nothing is expected."""
    reference: str | None = arguments["release"]
    if reference is None:
        return None
    if reference.startswith("sha256:"):
        return reference[len("sha256:") :]
    if arguments["media_library"] is None:
        raise _store.LibraryError(f"media_library is needed to find {reference}")
    return _store.Library(arguments["media_library"]).find(reference).digest


def _remember(path: str, result: dict[str, Any]) -> None:
    """Write an answer to *path*: whole, or not at all."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=os.path.dirname(path), delete=False
    ) as stream:
        json.dump(result, stream)
    os.replace(stream.name, path)
