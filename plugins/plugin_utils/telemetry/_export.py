# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report a run that has ended to other systems: neither fails it, nor keeps it for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ...module_utils.errors._release_error import ReleaseError
from . import _posting, _textfile, _webhook_bodies
from ._ended_run import EndedRun
from ._webhook_bodies import BUILT_IN, Body

LIMIT_S = 6.0  # for all together; a POST is given up before
LOCK_PATIENCE_S = 3.0
HASTE_S = 0.5  # for the lock, where the run was interrupted
TEXTFILE = "textfile"
LONGEST_TEMPLATE = 100_000


@dataclass(frozen=True)
class Export:
    """Where runs are reported to: the path of a *textfile*, the URL of a *webhook*; "" for none.

    *template* is the name of a built-in one or a path. *token* is a secret, as the URL is.
    """

    textfile: str = ""
    webhook: str = field(default="", repr=False)
    template: str = "cdevents"
    token: str = field(default="", repr=False)

    def report(self, run: EndedRun, limit_s: float = LIMIT_S) -> list[str]:
        """Report *run*; return what went wrong, in a line each, after *limit_s* at the latest."""
        works: dict[str, Callable[[], None]] = {}
        if self.textfile and run.places:
            works[TEXTFILE] = lambda: _textfile.add(self.textfile, run, LOCK_PATIENCE_S)
        if self.webhook and run.places:
            works[f"webhook {_posting.shown(self.webhook)}"] = lambda: self._post(run)
        return _side_by_side(works, limit_s)

    def report_stopped(self, run: EndedRun) -> list[str]:
        """Report *run*, which was stopped, to the textfile only; return what went wrong.

        The process is about to end and can have no threads.
        """
        if not self.textfile or not run.places:
            return []
        try:
            _textfile.add(self.textfile, run, HASTE_S)
        except (OSError, ReleaseError) as error:
            return [f"{TEXTFILE}: {error}"]
        return []

    def _post(self, run: EndedRun) -> None:
        body = self._body(run)
        if body is not None:
            _posting.post(self.webhook, body, self.token)

    def _body(self, run: EndedRun) -> Body | None:
        if self.template in BUILT_IN:
            return BUILT_IN[self.template](run)
        with open(self.template, encoding="utf-8") as stream:
            text = stream.read(LONGEST_TEMPLATE)
        return _webhook_bodies.by_template(text, self.template, run)


def _side_by_side(works: dict[str, Callable[[], None]], limit_s: float) -> list[str]:
    """Do *works*; return why they failed. One that hangs does not keep the process alive."""
    problems = dict.fromkeys(works, f"not done within {limit_s:g} s")

    def do(name: str, work: Callable[[], None]) -> None:
        try:
            work()
            del problems[name]
        except Exception as error:  # of whatever is at the other end
            problems[name] = " ".join(str(error).split()) or type(error).__name__

    threads = [threading.Thread(target=do, args=item, daemon=True) for item in works.items()]
    deadline = time.monotonic() + limit_s
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [f"{name}: {problem}" for name, problem in list(problems.items())]
