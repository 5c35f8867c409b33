# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send the notices of the outbox, and record what channels took; nothing here fails a run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical
from ..adapter import _play
from ..gates import _collect
from ..ledger._ledger import Ledger
from ..ledger._words import counted
from ..notices import _outbox, _sending
from ..notices._notice import Notice
from ..policy import _file as _policy_file
from ..policy._file import VARIABLE
from ..report import _files

if TYPE_CHECKING:
    from ._task import PlanTask

Result = dict[str, Any]
BUSY_S = 3  # for a ledger that another holds
FAILED = "notices"  # kept in the journal: channels that failed in this run


def send(task: PlanTask) -> Result:
    """Send what waits; return ids of notices that were *sent* and that are *waiting*.

    A channel that failed in this run is not tried again in it. A dry run sends nothing.
    """
    sent: list[Notice] = []
    waiting: list[Notice] = []
    if not task.check and task.sources.policy and task.sources.ledger:
        try:
            _send(task, sent, waiting)
        except ReleaseError as error:
            _warn(task, _canonical.one_line(error))
        except Exception as error:  # whatever it is, a deployment must not wait for a notice
            _warn(task, f"not sent ({type(error).__name__})")
    return {
        "changed": bool(sent),
        "sent": [notice.id for notice in sent],
        "waiting": [notice.id for notice in waiting if notice not in sent],
    }


def _send(task: PlanTask, sent: list[Notice], waiting: list[Notice]) -> None:
    policy = _policy_file.read(task.sources.policy)
    if not policy.channels:
        return
    with contextlib.closing(Ledger(task.sources.ledger, busy_seconds=BUSY_S)) as ledger:
        if not ledger.exists():
            return
        since = task.now - _outbox.LOOKED_BACK
        found = [e for kind in _outbox.KINDS for e in ledger.events(kind=kind, since=since)]
        events = sorted(found, key=lambda event: event.sequence)
        record = _collect.OnRecord.of(ledger)
        waiting += _outbox.outbox(events, record, policy, task.now, _pages(task))
        if not waiting:
            return
        urls, failed = _urls(task, policy.channels, [notice.channel for notice in waiting])
        tried = [notice for notice in waiting if notice.channel in urls]
        try:
            outcome = _sending.send(tried, urls) if tried else _sending.Outcome((), {})
        except _sending.SendingError as error:
            _warn(task, f"{error}; {_counted(waiting)} to be sent by a later run")
            _remember(task, urls)
            return
        failed |= outcome.failed
        for name, why in failed.items():
            left = _counted(
                [n for n in waiting if n.channel == name and n not in outcome.delivered]
            )
            _warn(task, f"channel {name}: {why}; {left} to be sent by a later run")
        _remember(task, failed)
        if outcome.delivered:
            sent += outcome.delivered
            for notice in outcome.delivered:  # one that cannot be recorded must not keep others
                ledger.append([notice.sent()], task.actor)
            task.show(f"{_counted(sent)} sent")


def _urls(
    task: PlanTask, channels: Mapping[str, str], wanted: list[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the URLs of the channels that are *wanted*, and why others have none."""
    urls: dict[str, str] = {}
    problems: dict[str, str] = {}
    before = (task.journal.kept(FAILED) or {}).get("channels", ())
    for name in dict.fromkeys(wanted):
        if name in before:
            continue
        if name not in channels:
            problems[name] = "it is not in policy.yml any more"
            continue
        try:
            urls[name] = VARIABLE.sub(
                lambda match: _play.text_of(task.action, task.task_vars, match[1]), channels[name]
            )
        except ReleaseError as error:
            problems[name] = _canonical.one_line(error)
    return urls, problems


def _remember(task: PlanTask, channels: Iterable[str]) -> None:
    """Keep for later tasks of this run that these *channels* failed."""
    before = (task.journal.kept(FAILED) or {}).get("channels", [])
    with contextlib.suppress(OSError):
        task.journal.keep(FAILED, {"channels": [*before, *channels]})


def _counted(notices: Sequence[Notice]) -> str:
    return counted(len(notices), "notice")


def _pages(task: PlanTask) -> str:
    pages = task.arguments.get("pages")
    return os.path.join(pages, _files.PLANS) if pages else ""


def _warn(task: PlanTask, line: str) -> None:
    task.action._display.warning(f"notices: {line}")
