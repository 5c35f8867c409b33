# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_report``: write pages about releases, plans and hosts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ansible import context
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils.errors._release_error import ReleaseError
from ..module_utils.formats import _canonical
from ..module_utils.options import _report
from ..plugin_utils.adapter import _arguments, _conversion, _play, _run_action
from ..plugin_utils.calendar._calendar import Calendar
from ..plugin_utils.gates import _sources
from ..plugin_utils.handover import _package as _handover
from ..plugin_utils.ledger import _hosts
from ..plugin_utils.ledger._ledger import Ledger
from ..plugin_utils.policy import _file as _policy_file
from ..plugin_utils.policy._policy import Policy
from ..plugin_utils.report import _package, _pages, _site

RECORD = "ITOPS_RELEASE_RECORD"  # as the callback reads it


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
            _report.options(),
            lambda arguments: self._work(arguments, variables),
            prefix=str(self._task.args.get("variables") or ""),
        )

    def _work(
        self, arguments: _arguments.Arguments, task_vars: dict[str, Any]
    ) -> _run_action.Result:
        for name in ("pages", "ledger"):
            if not arguments[name]:
                raise _conversion.OptionError(f"{name} (release_{name}) is required")
        try:
            return self._write(arguments, task_vars)
        except (ReleaseError, OSError) as error:
            if arguments["required"]:
                raise
            said = _canonical.printable(" ".join(str(error).split()))
            self._display.warning(f"the pages are not up to date: {said}")
            return {"changed": False, "msg": f"the pages are not up to date: {said}"}

    def _write(
        self, arguments: _arguments.Arguments, task_vars: dict[str, Any]
    ) -> _run_action.Result:
        ledger = Ledger(arguments["ledger"])
        head = ledger.head()
        if head is None:
            raise _conversion.OptionError(
                f"ledger (release_ledger): there is no ledger at {arguments['ledger']}: the first "
                "run that is recorded makes it"
            )
        now = datetime.now(timezone.utc)
        site = _site.read(_inputs(self, arguments, task_vars, ledger, now), head)
        packages = _package.Packages(
            arguments["media_library"] or "", arguments["trust"] or "", now
        )
        keep = not self._task.check_mode
        written = _pages.write(site, arguments["pages"], packages.of_plan, keep)
        if keep:
            Display().display(f"pages        {_canonical.printable(written.index)}")
        return {
            "changed": bool(written.changed),
            "index": written.index,
            "pages": written.pages,
            "written": written.changed,
        }


def _inputs(
    action: ActionModule,
    arguments: _arguments.Arguments,
    task_vars: dict[str, Any],
    ledger: Ledger,
    now: datetime,
) -> _site.Inputs:
    """Return what the pages are made from; what cannot be read is told on the page."""
    names = _policy_file.environment_names(arguments["policy"]) or arguments["environments"]
    told = _hosts.told({**arguments, "environments": names}, task_vars)
    policy: Policy | None = None
    calendar: tuple[Calendar | None, str] = (None, "")
    problem = ""
    try:
        if arguments["policy"]:
            policy = _policy_file.read(arguments["policy"])
            calendar = _sources.read_calendar(arguments["calendar"] or "", policy)
    except ReleaseError as error:
        problem = " ".join(str(error).split())
    return _site.Inputs(
        ledger,
        policy,
        calendar,
        names,
        now,
        told,
        problem or calendar[1],
        lambda standing: _handover.of_plan(arguments["media_library"] or "", standing),
        lambda host: _options(action, task_vars, host),
        lambda host: _root(task_vars, host),
        tuple(context.CLIARGS.get("inventory") or ()),
        arguments["pages"],
        arguments["media_library"] or "",
        arguments["record"] or os.environ.get(RECORD, ""),
    )


def _root(task_vars: dict[str, Any], host: str) -> str:
    """Return the ``deploy_root`` of *host*, "" where it has none."""
    if host not in task_vars["hostvars"]:
        return ""
    try:
        return str(_play.value_of(task_vars, host, "deploy_root") or "")
    except ReleaseError:
        return ""


def _options(action: ActionModule, task_vars: dict[str, Any], host: str) -> Mapping[str, Any]:
    """Return the role options of *host*, none where it has left or one cannot be read."""
    if host not in task_vars["hostvars"]:
        return {}
    try:
        (found,) = _play.role_options(action, task_vars, [host])
    except ReleaseError:
        return {}
    return {**found.options, **({"deploy_hooks": found.hooks} if found.hooks else {})}
