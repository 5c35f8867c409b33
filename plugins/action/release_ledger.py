# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_ledger``: record what a run intends, how it ended, and what hosts did unrecorded."""

from __future__ import annotations

import os
import re
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.errors._release_error import ReleaseError
from ..module_utils.options import _ledger
from ..plugin_utils.adapter import _arguments, _conversion, _run_action
from ..plugin_utils.ledger import _actor, _finding, _hosts, _noting, _recorder, _recording
from ..plugin_utils.library import _store
from ..plugin_utils.run import _identity

# Workers are copies of the process that loads this: what it imports here, they need not import.
try:
    import sqlalchemy.dialects.sqlite  # noqa: F401 (see above)
except ImportError:
    pass  # reported where it is needed


WITHOUT_ENVIRONMENT = ("build", "seal", "prune")  # acts that are about no environment
NAMED = re.compile(r"(?!sha256:)[^:]+:")  # a release by its name and version
# Strategies by which all hosts of a batch take each task together.
LINEAR = ("linear", "debug", "ansible.builtin.linear", "ansible.builtin.debug")


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> _run_action.Result:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        return _run_action.run_action(
            self,
            _ledger.options(),
            lambda arguments: self._record(arguments, variables),
            required_if=[
                ("state", "began", ["act"]),
                ("state", "ended", ["act"]),
                ("state", "found", ["answers"]),
            ],
            prefix=str(self._task.args.get("variables") or ""),
        )

    def _record(
        self, arguments: _arguments.Arguments, task_vars: dict[str, Any]
    ) -> _run_action.Result:
        recorder = _recorder.Recorder(
            arguments["ledger"],
            _actor.of_run(task_vars, os.environ),
            _noting.journal(),
            self._task.check_mode,
            self._display.warning,
            _identity.is_alive,
        )
        if arguments["state"] == "found":
            if not arguments["ledger"]:
                raise _conversion.OptionError("ledger (release_ledger) is required")
            told = _hosts.told(arguments, task_vars) or _finding.Told()
            return recorder.found(told, _identity.run_id(task_vars))
        intent = self._intent(arguments, task_vars)
        if arguments["state"] == "began":
            return recorder.began(intent, arguments["required"])
        lost = set(intent.hosts) - set(task_vars["ansible_play_hosts"])
        failures = {}
        if arguments["failed"]:
            failures = _hosts.failures(intent.hosts, task_vars["hostvars"])
        return recorder.ended(intent, failures, lost)

    def _intent(
        self, arguments: _arguments.Arguments, task_vars: dict[str, Any]
    ) -> _recording.Intent:
        """Return what was recorded when the run began, or what is to be recorded now."""
        if arguments["intent"]:
            return _recording.Intent.from_plain(arguments["intent"])
        play = self._task.get_play()
        together = not play or play.strategy in LINEAR
        hosts = arguments["hosts"] or (
            task_vars["ansible_play_batch"] if together else [task_vars["inventory_hostname"]]
        )
        names = arguments["environments"]
        reference = arguments["release"] or ""
        return _recording.Intent(
            run=_identity.run_id(task_vars),
            act=arguments["act"],
            application=reference.partition(":")[0] if NAMED.match(reference) else "",
            hosts=tuple(hosts),
            root=arguments["root"] or "",
            release=_release(arguments["media_library"], reference),
            reference=reference,
            environments={}
            if arguments["act"] in WITHOUT_ENVIRONMENT
            else _hosts.environments(hosts, task_vars["groups"], names, arguments["env"]),
        )


def _release(media_library: str | None, reference: str) -> dict[str, str]:
    """Return name, version and digest of the release that *reference* names, as far as known."""
    if not media_library or not reference or reference in _recording.HOST_ONLY:
        return {}
    try:
        label = _store.Library(media_library).find(reference)
    except (ReleaseError, OSError):  # the task that deploys it reports that
        return {}
    return {"name": label.name, "version": label.version, "digest": label.digest}
