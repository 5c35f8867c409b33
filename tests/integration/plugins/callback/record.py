# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what a playbook run did as JSON lines, for tests that read it as data."""

from __future__ import annotations

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: record
type: notification
short_description: Write the results of a run as JSON lines
description:
  - One line for each result of a task on a host, and one for the closing statistics.
  - The file is named by the environment variable RECORD_FILE.
"""


class CallbackModule(CallbackBase):
    """Appends each event to the file as it comes, so that a killed run leaves a record too."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record"

    def __init__(self):
        super().__init__()
        self._file = os.environ["RECORD_FILE"]
        self._play = None

    def v2_playbook_on_play_start(self, play):
        self._play = play.get_name()

    def v2_runner_on_ok(self, result):
        self._outcome("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._outcome("failed", result, ignored=ignore_errors)

    def v2_runner_on_unreachable(self, result):
        self._outcome("unreachable", result)

    def v2_runner_on_skipped(self, result):
        self._outcome("skipped", result)

    def v2_playbook_on_stats(self, stats):
        self._write({"stats": {host: stats.summarize(host) for host in stats.processed}})

    def _outcome(self, status, result, ignored=False):
        self._write(
            {
                "status": status,
                "ignored": bool(ignored),
                "play": self._play,
                "host": result.host.get_name(),
                "task": result.task.get_name(),
                "action": result.task.action,
                "result": dict(result.result),
            }
        )

    def _write(self, event):
        with open(self._file, "a", encoding="utf-8") as stream:
            stream.write(json.dumps(event, default=str) + "\n")
