# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``release_deployment_info``: it knows which digest is expected."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile

from ansible import constants as C  # noqa: N812 (Ansible's own name for it)
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ..module_utils.formats import _canonical
from ..module_utils.options import _deployment_info
from ..plugin_utils.adapter import _arguments, _environment
from ..plugin_utils.adapter import _transfer
from ..plugin_utils.library import _store
from ..plugin_utils.run import _identity, _lifetime

MODULE = "itops.release.release_deployment_info"


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        _lifetime.end_with(_identity.main_pid())
        arguments = _arguments.plain_arguments(
            self, _arguments.on_host(_deployment_info.options(), "root")
        )
        try:
            expected = self._expected(arguments)
        except _store.LibraryError as error:
            return {"failed": True, "msg": str(error)}
        path = self._memory(arguments, task_vars) if arguments.pop("reuse_answer") else None
        if path and os.path.exists(path):
            with open(path, encoding="utf-8") as stream:
                return json.load(stream)
        try:
            result = self._ask(arguments, expected, task_vars)
        except AnsibleConnectionFailure as error:
            if not self._task.delegate_to:
                raise
            # The host that asks is not lost with the one that was asked.
            return {"failed": True, "msg": f"unreachable: {_canonical.one_line(error)}"}
        if path and "deployment" in result:
            _remember(path, result)
        return result

    def _ask(self, arguments, expected, task_vars):
        with (
            _environment.hidden_environment(self, arguments["root"]),  # of which it needs nothing
            _transfer.modules_through_input(self),
        ):
            result = self._execute_module(
                MODULE,
                _arguments.to_module({**arguments, "_expected": expected}),
                task_vars=task_vars,
                wrap_async=False,
            )
        return {**result, "run": _identity.run_id(task_vars)}

    def _memory(self, arguments, task_vars):
        """Return the path of the answer to this very task, by this host and of this root.

        A play's tasks are the same in all its batches, and Ansible removes the folder with the run.
        """
        host = self._task.delegate_to or task_vars["inventory_hostname"]
        asked = json.dumps([self._task._uuid, host, arguments], sort_keys=True)
        name = hashlib.sha256(asked.encode("utf-8")).hexdigest()
        return os.path.join(C.DEFAULT_LOCAL_TMP, f"itops-release-{name}.json")

    def _expected(self, arguments):
        """Return the digest that should be live, or None when nothing is expected."""
        reference = arguments["release"]
        if reference is None:
            return None
        if reference.startswith("sha256:"):
            return reference[len("sha256:") :]
        if arguments["media_library"] is None:
            raise _store.LibraryError(f"media_library is needed to find {reference}")
        return _store.Library(arguments["media_library"]).find(reference).digest


def _remember(path, result):
    """Write an answer to *path*: whole, or not at all."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=os.path.dirname(path), delete=False
    ) as stream:
        json.dump(result, stream)
    os.replace(stream.name, path)
