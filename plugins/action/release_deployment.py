# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``release_deployment``: options in, a conversation, the result out."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.errors._release_error import ReleaseError
from ..module_utils.options import _deployment
from ..plugin_utils.adapter import (
    _arguments,
    _conversion,
    _hooks,
    _listeners,
    _run_action,
    _transport,
)
from ..plugin_utils.deployment import _compression, _conversation, _host_diff, _options, _packs
from ..plugin_utils.ledger import _noting
from ..plugin_utils.planning import _gated
from ..plugin_utils.run import _identity


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False
    _supports_diff = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        result = _run_action.run_action(
            self,
            _arguments.on_host(_deployment.options(), "root"),
            lambda arguments: self._deploy(arguments, variables),
            refuse=_options.refuse_ambiguous,
            prefix=self._called(""),
            place="root",
        )
        _noting.deployment(self, variables, result)
        return result

    def _deploy(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Hold the conversation and return what the task returns."""
        known = (*_deployment.options(), *_conversion.OF_PLAYBOOKS)
        for line in _conversion.near_misses(known, task_vars, self._called("")):
            self._display.warning(line)
        if arguments["state"] in _options.BRINGING and not arguments["release"]:
            name = "release" + (f" ({self._called('release')})" if self._called("") else "")
            raise _conversion.OptionError(f"{name} is required")
        if not arguments["ledger_head"]:
            self._demand_record(arguments["state"], task_vars)
        arguments = _gated.demanded(self, arguments, task_vars)
        options = _options.Options.from_arguments(
            arguments,
            run=_identity.run_id(task_vars),
            process=_identity.process_id(),
            check=self._task.check_mode,
            login=self._login(),
            becomes=self._connection.become is not None,
            ledger=arguments["ledger_head"],
        )
        hooks = _hooks.read(self, arguments["hooks"] or {}, task_vars, self._called("hooks"))
        if arguments["baseline"]:  # a deployment in waves
            _hooks.refuse_endings(hooks, self._called("hooks"))
        _compression.leave_to_packs(self._connection)
        conversation = _conversation.Conversation(
            _transport.AnsibleTransport(self, task_vars),
            options,
            host=task_vars["inventory_hostname"],
            pack_directory=_packs.default_directory(),
            hooks=list(hooks.values()),
            hooks_option=self._called("hooks"),
        )
        tally = conversation.tally
        try:
            answer = conversation.hold()
        except (ReleaseError, OSError) as error:
            refused = hooks if getattr(error, "code", "") != _conversation.UNSEALED_HOOK else {}
            failed = _run_action.failure(error, options.root)
            return {**tally.to_plain(), **failed, "hooks": refused}
        finally:
            for line in tally.overrides:
                self._display.warning(f"allow_incompatible: {line}")
        result = _conversation.to_result(answer, tally)
        result["hooks"] = hooks
        if not answer.failed:
            result["commit"] = arguments["commit"]
            result["has_listeners"] = _listeners.has_listeners(self._task)
            if self._task.diff and "before" in result:
                result["diff"] = _host_diff.diff(conversation.manifest, result)
        return result

    def _demand_record(self, state: str, task_vars: dict[str, Any]) -> None:
        """Refuse a role, and warn a task, that no task recorded before, where a ledger is set.

        That is a role that the first host of the play skips; a way back must not depend on it.
        """
        if not task_vars.get("release_ledger") or state == "checked" or self._task.check_mode:
            return
        if state == "staged" and task_vars.get("release_as") == "staged":  # and nothing else
            return
        if self._called("") not in ("", "rollback_") and state != "reverted":
            raise ReleaseError(
                "release_ledger is set, and this run is not on record: the first host of the play "
                "skips the role; choose hosts by the play's hosts or --limit, not by when",
                code="unrecorded",
            )
        if not self._called(""):
            self._display.warning(
                "release_ledger is set, and this change is not recorded: use a role, or the module "
                "release_ledger before this task and ledger_head in it"
            )

    def _called(self, option: str) -> str:
        """Return the name by which the user knows an *option*: the role's variable, if any."""
        return f"{self._task.args.get('variables') or ''}{option}"

    def _login(self) -> str | None:
        """Return the name of the user that the connection logs in as, or None."""
        try:
            login: str | None = self._connection.get_option("remote_user")
        except KeyError:
            login = self._play_context.remote_user
        return login
