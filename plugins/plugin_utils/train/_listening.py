# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job tells while it goes on, by the events of ansible-runner: lines, verdict, reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..ledger._words import counted

TOLD = ("itops.release.release_deployment",)  # actions whose tasks are told
LINES = re.compile(r"(open|closed): |wave \d|staged on all hosts|late: |backing out |failed: ")
COLOUR = re.compile(r"\x1b\[[0-9;]*[mK]")
LONGEST = 500
DONE, BAD = ("runner_on_ok",), ("runner_on_failed", "runner_on_unreachable")


@dataclass
class Listener:
    """Listens to the events of one job; the last ``ansible_stats`` have its *verdict*."""

    verdict: str = ""
    reason: str = ""
    run: str = ""
    failure: str = ""  # what failed last
    pid: int = 0
    task: str = ""
    done: set[str] = field(default_factory=set)
    bad: set[str] = field(default_factory=set)

    def lines(self, event: Mapping[str, Any]) -> Iterator[str]:
        """Yield what people are told of an *event*."""
        kind, data = str(event.get("event", "")), event.get("event_data") or {}
        self.pid = self.pid or int(event.get("pid") or 0)
        if kind == "verbose":
            yield from self._displayed(str(event.get("stdout", "")))
        elif kind == "playbook_on_task_start":
            yield from self._counted()
            self._task(data)
        elif kind in (*DONE, *BAD):
            self._host(kind, data)
        elif kind == "playbook_on_stats":
            yield from self._counted()
            self._stats(data.get("artifact_data") or {})

    def _displayed(self, text: str) -> Iterator[str]:
        """Yield the lines among *text* that tasks show to people."""
        for line in COLOUR.sub("", text).splitlines():
            if LINES.match(line) or " → " in line:
                yield line.rstrip()[:LONGEST]

    def _task(self, data: Mapping[str, Any]) -> None:
        action = str(data.get("resolved_action") or data.get("task_action") or "")
        self.task = str(data.get("task") or "").rpartition(" : ")[2] if action in TOLD else ""
        self.done, self.bad = set(), set()

    def _host(self, kind: str, data: Mapping[str, Any]) -> None:
        host = str(data.get("host", ""))
        (self.done if kind in DONE else self.bad).add(host)
        if kind in BAD and not data.get("ignore_errors"):
            result = data.get("res") or {}
            said = result.get("msg") if isinstance(result, Mapping) else None
            self.failure = f"{host}: {' '.join(str(said or 'failed').split())}"[:LONGEST]

    def _counted(self) -> Iterator[str]:
        """Yield the task that is over, and on how many hosts."""
        if self.task and (self.done or self.bad):
            many = len(self.done) + len(self.bad)
            bad = f", {len(self.bad)} not well" if self.bad else ""
            yield f"{self.task}: {counted(many, 'host')}{bad}"
        self.task = ""

    def _stats(self, data: Mapping[str, Any]) -> None:
        self.verdict = str(data.get("release_verdict") or "")
        self.reason = str(data.get("release_reason") or "")
        self.run = str(data.get("release_run") or "")
