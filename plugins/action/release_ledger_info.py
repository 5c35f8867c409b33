# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_ledger_info``: status, unrecorded changes, events, audit and export."""

from __future__ import annotations

import dataclasses
import os
from datetime import datetime, timezone
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils.formats import _canonical
from ..module_utils.options import _ledger_info
from ..plugin_utils.adapter import _arguments, _conversion, _run_action
from ..plugin_utils.ledger import _finding, _hosts, _place, _questions
from ..plugin_utils.ledger._event import LedgerError
from ..plugin_utils.ledger._ledger import Ledger
from ..plugin_utils.notes import _files
from ..plugin_utils.planning import _looking_ahead
from ..plugin_utils.policy import _file as _policy_file

MISSING = "missing_ledger"


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
            _ledger_info.options(),
            lambda arguments: self._answer(arguments, variables),
            prefix=str(self._task.args.get("variables") or ""),
        )

    def _answer(
        self, arguments: _arguments.Arguments, task_vars: dict[str, Any]
    ) -> _run_action.Result:
        """Answer the question; show it to people and write it to a file, as asked."""
        names = _policy_file.environment_names(arguments["policy"])
        arguments = {**arguments, "environments": names or arguments["environments"]}
        dest = arguments["dest"]
        if dest:
            _files.check(dest, "dest")
        reply = _ask(arguments, _hosts.told(arguments, task_vars))
        changed = bool(dest) and _files.put(dest, reply.text, keep=not self._task.check_mode)
        if arguments["show"]:
            for line in [*reply.lines, *_pages(arguments)]:
                Display().display(_canonical.printable(line))
        if not reply.problem:
            return {"changed": changed, **reply.data, "lines": list(reply.lines)}
        # Ansible prints all that a failed task returns.
        known = {key: reply.data[key] for key in ("findings",) if key in reply.data}
        return {"failed": True, "msg": reply.problem, "code": "ledger", **known}


def _pages(arguments: _arguments.Arguments) -> list[str]:
    """Return the line of a status that names the pages, where there are some."""
    index = os.path.join(arguments["pages"] or "", "index.html")
    if arguments["question"] != "status" or not arguments["pages"] or not os.path.isfile(index):
        return []
    return ["", f"pages: {index}"]


def _ask(arguments: _arguments.Arguments, told: _finding.Told | None) -> _questions.Reply:
    question, most = arguments["question"], arguments["most"]
    if most is not None and most < 1:
        raise _conversion.OptionError(f"most (release_most) is {most}: give 1 or more")
    if question == "unrecorded" and told is None:
        raise _conversion.OptionError("answers is required for unrecorded")
    if question == "status":
        return _status(arguments, told)
    ledger = _opened(arguments["ledger"], question)
    if question == "unrecorded":
        return _questions.unrecorded(ledger, told or _finding.Told())
    if question == "audit":
        return _questions.audit(ledger, told)
    if question == "export":
        return _questions.export(ledger, arguments["format"], arguments["after"])
    return _questions.events(
        ledger, arguments["kind"], arguments["application"], arguments["after"], most
    )


def _status(arguments: _arguments.Arguments, told: _finding.Told | None) -> _questions.Reply:
    """Report the status; what hosts say is known without the ledger, too."""
    place, names, now = arguments["ledger"], arguments["environments"], datetime.now(timezone.utc)
    if told is not None and not place:
        return _questions.status(None, told, names, now)
    try:
        ledger = _opened(place, "status")
        ahead = _looking_ahead.ahead(ledger, arguments["policy"], arguments["calendar"], now)
        return _questions.status(ledger, told, names, now, ahead)
    except LedgerError as error:
        if told is None:
            raise
        reply = _questions.status(None, told, names, now)
        if error.code != MISSING:
            return dataclasses.replace(reply, problem=str(error))
        Display().warning(str(error))
        return reply


def _opened(place: str | None, question: str) -> Ledger:
    if not place:
        raise _conversion.OptionError(f"ledger (release_ledger) is required for {question}")
    ledger = Ledger(place)
    if not ledger.exists():
        raise LedgerError(
            f"release_ledger: there is no ledger at {_place.shown(place)}: the first run that is "
            "recorded makes it",
            code=MISSING,
        )
    return ledger
