# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send notices by apprise: all channels side by side, within a time, and no secret in a message."""

from __future__ import annotations

import contextlib
import logging
import queue
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...module_utils.errors._release_error import ReleaseError
from ._notice import Notice

if TYPE_CHECKING:
    from apprise import Apprise

LIMIT_S = 10.0  # for all channels together
AT_ONCE = 16  # channels
MOST = 50  # notices of a channel in one run; later runs send the others
LOGGER = "apprise"
STATUS = re.compile(r"\berror[=:]\s*([1-5]\d\d)\b")  # as apprise logs the answer of a server
UNKNOWN_URL = "apprise cannot send to its URL"
NOT_INSTALLED = (
    "the Python library apprise is not installed on the control machine (requirements/notices.txt)"
)


class SendingError(ReleaseError):
    """Nothing can be sent; the text says why."""

    code = "notices_not_sent"


@dataclass(frozen=True)
class Outcome:
    """What channels took: *delivered*; and why others did not, by the name of the channel."""

    delivered: tuple[Notice, ...]
    failed: Mapping[str, str]


@dataclass
class _Channel:
    """What a channel is to get, and what it *took*; *problem* is why not all, so far."""

    target: Apprise | None
    notices: list[Notice] = field(default_factory=list)
    took: list[Notice] = field(default_factory=list)
    problem: str = ""


class _Statuses(logging.Handler):
    """Takes what apprise logs, and keeps the last HTTP status of each thread.

    The rest goes nowhere: it may have parts of a URL, and a URL is often a secret.
    """

    def __init__(self) -> None:
        super().__init__()
        self.last: dict[int, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        found = STATUS.search(record.getMessage())
        if found and record.thread is not None:
            self.last[record.thread] = found[1]


def send(notices: Sequence[Notice], urls: Mapping[str, str], limit_s: float = LIMIT_S) -> Outcome:
    """Send *notices* by the *urls* of their channels, and return after *limit_s* at the latest.

    A channel gets its notices in their order, and none after one that it did not take. What it
    takes after the limit counts as not delivered: it is sent again later, with the same id.
    """
    statuses = _Statuses()
    logger = logging.getLogger(LOGGER)
    logger.propagate, logger.handlers = False, [statuses]  # for good: a thread may log late
    channels: dict[str, _Channel] = {}
    for notice in notices:
        if notice.channel not in channels:
            channels[notice.channel] = _Channel(_target(urls[notice.channel]))
        channels[notice.channel].notices.append(notice)
    waiting: queue.SimpleQueue[_Channel] = queue.SimpleQueue()
    for channel in channels.values():
        channel.problem = f"not delivered within {limit_s:g} s"
        waiting.put(channel)
    # A thread that hangs must not keep the process from its end.
    threads = [
        threading.Thread(target=_work_off, args=(waiting, statuses), daemon=True)
        for _number in range(min(AT_ONCE, len(channels)))
    ]
    deadline = time.monotonic() + limit_s
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return Outcome(
        tuple(notice for channel in channels.values() for notice in list(channel.took)),
        {name: channel.problem for name, channel in channels.items() if channel.problem},
    )


def _work_off(waiting: queue.SimpleQueue[_Channel], statuses: _Statuses) -> None:
    with contextlib.suppress(queue.Empty):
        while True:
            channel = waiting.get_nowait()
            channel.problem = _deliver(channel, statuses)


def _deliver(channel: _Channel, statuses: _Statuses) -> str:
    """Send the notices of *channel* in their order; return why one was not taken, or ""."""
    if channel.target is None:
        return UNKNOWN_URL
    for notice in channel.notices[:MOST]:
        statuses.last.pop(threading.get_ident(), None)
        try:
            is_taken = channel.target.notify(notice.text, notice.title, body_format="text")
        except Exception as error:  # of one of some hundred services
            return f"not delivered ({type(error).__name__})"
        if not is_taken:
            status = statuses.last.get(threading.get_ident(), "")
            return f"not delivered (HTTP {status})" if status else "not delivered"
        channel.took.append(notice)
    return ""


def _target(url: str) -> Apprise | None:
    """Return what sends to *url*, None where apprise knows no such."""
    try:
        import apprise
    except ImportError:
        raise SendingError(NOT_INSTALLED) from None
    asset = apprise.AppriseAsset(
        app_id="itops.release",
        app_desc="itops.release",
        app_url="",
        async_mode=False,  # the time limit is kept here
        storage_mode="memory",
    )
    found = apprise.Apprise.instantiate(url, asset=asset)
    if found is None:
        return None
    found.request_rate_per_sec = 0  # seconds between two; what a server refuses is sent later
    # Which makes HTML of text for those that want that; the service itself would take it as HTML.
    target = apprise.Apprise(asset=asset)
    target.add(found)
    return target
