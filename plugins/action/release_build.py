# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_build``: the controller reads ``release.yml`` and watches; a build host builds."""

from __future__ import annotations

import base64
import hashlib
import json
import os

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.release import __version__
from ansible.utils.display import Display

from ..module_utils.errors._release_error import ReleaseError
from ..module_utils.options import _build
from ..plugin_utils.adapter import _arguments, _environment, _remote, _run_action, _transfer
from ..plugin_utils.building import _diff, _supervision
from ..plugin_utils.definition import _release_file
from ..plugin_utils.run import _ci, _identity

MODULE = "itops.release.release_build"
PATIENCE = "itops_release_build_patience"  # for tests: a variable with seconds


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        return _run_action.run_action(
            self,
            _arguments.on_host(_build.options(), "src", "workspace"),
            lambda arguments: self._hide(arguments, task_vars),
        )

    def _hide(self, arguments, task_vars):
        paths = arguments["src"], arguments["workspace"]
        with _environment.hidden_environment(self, *paths) as environment:
            return self._build(arguments, environment, task_vars)

    def _build(self, arguments, environment, task_vars):
        there = self._call(arguments, None, environment, task_vars)
        data = base64.b64decode(there["content"])
        release = _release_file.parse(
            _text(data, there["path"]), there["path"], arguments["version"], arguments["serial"]
        )
        patience = float(task_vars.get(PATIENCE, _supervision.PATIENCE_SECONDS))
        job = _ci.recognise(os.environ, task_vars)
        plan = {
            "run": _identity.run_id(task_vars),
            "release": {key: getattr(release, key) for key in ("name", "version", "serial")},
            "definition": {"path": there["path"], "sha256": hashlib.sha256(data).hexdigest()},
            "folder": there["folder"],
            "check": self._task.check_mode,
            "rebuild": arguments["rebuild"],
            "require_reproducible": arguments["require_reproducible"],
            "patience": patience,
            "versions": _supervision.versions(__version__),
            "ci": job and job._asdict(),
            "components": _supervision.components(release),
            "scripts": release.scripts,
        }
        started = self._call(arguments, plan, environment, task_vars)
        host, display = task_vars["inventory_hostname"], Display()

        def tell(text):
            display.display(f"[{host}] {text}")

        ended = _supervision.watch(self, started, patience, tell, AnsibleConnectionFailure)
        return self._with_release(ended, plan)

    def _with_release(self, ended, plan):
        """Return how a build *ended*, with the release of its *plan*, and a diff where wanted."""
        before = ended.pop("before", None)
        result = {"release": plan["release"], **ended}
        if self._task.diff and not ended.get("failed"):
            after = {**plan, "components": ended["components"]}
            result["diff"] = _diff.diff(ended["workspace"], before, after)
        return result

    def _call(self, arguments, plan, environment, task_vars):
        """Have the host's half do its part; what may be secret goes as one text that is no_log."""
        hidden = json.dumps({"plan": plan, "environment": environment})
        with _transfer.modules_through_input(self):
            result = self._execute_module(
                MODULE,
                _arguments.to_module({**arguments, "_hidden": hidden}),
                task_vars=task_vars,
                wrap_async=False,
            )
        if result.get("unreachable"):
            raise AnsibleConnectionFailure(result.get("msg", "the build host is unreachable"))
        if result.get("failed"):
            raise _BuildHostError(_remote.why_failed(result))
        return result


class _BuildHostError(ReleaseError):
    """The build host could not do its part."""

    code = "build_host_failed"


def _text(data, path):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _release_file.ReleaseFileError(
            f"{path}:{line}: not UTF-8; expected YAML in UTF-8"
        ) from None
