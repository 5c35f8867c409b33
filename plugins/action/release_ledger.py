# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_ledger``: record what a run intends, how it ended, and what hosts did unrecorded."""

from __future__ import annotations

import contextlib
import importlib
import os
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.errors._release_error import ReleaseError
from ..module_utils.options import _ledger
from ..plugin_utils.adapter import _arguments, _conversion, _play, _run_action
from ..plugin_utils.events import _facts
from ..plugin_utils.gates import _redirection
from ..plugin_utils.ledger import _actor, _finding, _hosts, _noting, _recorder, _recording
from ..plugin_utils.library import _store
from ..plugin_utils.policy import _file as _policy_file
from ..plugin_utils.run import _identity

# Workers are copies of the process that loads this: what it imports here, they need not import.
with contextlib.suppress(ImportError):  # reported where it is needed
    importlib.import_module("sqlalchemy.dialects.sqlite")


# Strategies by which each host of a batch goes on by itself.
ALONE = ("free", "host_pinned", "ansible.builtin.free", "ansible.builtin.host_pinned")


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
        names = _policy_file.environment_names(arguments["policy"])
        if names:  # with a policy, environments are groups
            arguments = {**arguments, "environments": names, "env": None}
        if "release_policy" in task_vars and arguments["state"] == "found":
            _redirection.refuse(_play.extra_variables(self), task_vars, with_plan=False)
        recorder = _recorder.Recorder(
            arguments["ledger"],
            _actor.of_run(task_vars, os.environ),
            _noting.journal(),
            self._task.check_mode,
            self._display.warning,
            _identity.is_alive,
            _identity.is_over,
        )
        if arguments["state"] == "failed":
            return {"changed": False, **_noting.failure(task_vars, arguments["noted"])}
        if arguments["state"] == "found":
            if not arguments["ledger"]:
                raise _conversion.OptionError("ledger (release_ledger) is required")
            told = _hosts.told(arguments, task_vars) or _finding.Told()
            return recorder.found(told, _identity.run_id(task_vars))
        if arguments["state"] == "began":
            return recorder.began(self._intent(arguments, task_vars), arguments["required"])
        intent = self._begun(arguments, task_vars)
        lost = set(intent.hosts) - set(task_vars["ansible_play_hosts"])
        if arguments["failed"] and self._others_go_on(intent, lost):
            return {"changed": False}
        return recorder.ended(intent, lost)

    def _begun(
        self, arguments: _arguments.Arguments, task_vars: dict[str, Any]
    ) -> _recording.Intent:
        """Return what was recorded when the run began on this host, or what it is about."""
        host = task_vars["inventory_hostname"]
        given = arguments["intent"]
        if given and host not in given["hosts"]:  # free strategies give all hosts the last one
            given = None
        given = given or _noting.journal().intent(arguments["act"], host)
        if given:
            return _recording.Intent.from_plain(given)
        return self._intent(arguments, task_vars)

    def _others_go_on(self, intent: _recording.Intent, lost: set[str]) -> bool:
        """Tell whether hosts of the batch go on, and will record how the run ended."""
        facts = _noting.journal().facts(intent.position)
        failed = {fact.host for fact in facts if isinstance(fact, _facts.Failure)} | lost
        play = self._task.get_play()
        most = self._templar.template(play.max_fail_percentage) if play else None
        percent = _hosts.percent(most)
        fatal = bool(play and play.any_errors_fatal)
        return _hosts.go_on(intent.hosts, failed & set(intent.hosts), percent, fatal)

    def _intent(
        self, arguments: _arguments.Arguments, task_vars: dict[str, Any]
    ) -> _recording.Intent:
        """Return what is about to be done."""
        play = self._task.get_play()
        alone = play is not None and play.strategy in ALONE
        release = _release(arguments["media_library"], arguments["release"] or "")
        return _hosts.intent(arguments, task_vars, _identity.run_id(task_vars), release, alone)


def _release(media_library: str | None, reference: str) -> dict[str, str]:
    """Return name, version and digest of the release that *reference* names, as far as known."""
    if not media_library or not reference or reference in _recording.HOST_ONLY:
        return {}
    try:
        label = _store.Library(media_library).find(reference)
    except (ReleaseError, OSError):  # the task that deploys it reports that
        return {}
    return {"name": label.name, "version": label.version, "digest": label.digest}
