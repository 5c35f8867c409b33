# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's events turned into events of the report, and the report shown when the run ends."""

from __future__ import annotations

DOCUMENTATION = r"""
name: metrics
type: aggregate
short_description: Tell at the end of a run what became of the release on each host
description:
  - Ends a run that handled releases with one line for each host, then one line with the counts,
    and last the verdict - C(done), C(refused), C(held), C(backed_out) or C(failed) - and why.
    Hosts that were lost, that the run never reached, or that C(--limit) left out have their line
    too.
  - Says nothing when a run does not use M(itops.release.release_deployment),
    M(itops.release.release_deployment_info) or M(itops.release.release_build), nor seals what that
    built.
  - A run that is interrupted, or that ends with an error, closes with what is known of each host.
  - Adds the run to a file of metrics for Prometheus, and posts one message to a webhook, where
    O(textfile) or O(webhook) is set and the run handled releases. A failure of these is a warning.
    In check mode neither is done. A run that is interrupted posts nothing.
  - On Linux it lets the workers of the run end when the main process is killed.
  - It reports; it never changes the course of a run or its exit status.
version_added: 0.1.0
author: The itops.release authors (@itops)
requirements:
  - C(callbacks_enabled = itops.release.metrics) in C(ansible.cfg), or E(ANSIBLE_CALLBACKS_ENABLED).
options:
  record:
    description:
      - A file to which each event is appended as it happens, one JSON object a line, so that a run
        that was killed leaves its record too.
      - Each line has C(format) (1), C(run) (the name of the run, as hosts know it), C(time) (UTC)
        and C(event).
      - Where the last event of a run is neither C(end) nor C(stopped), the run was killed. A line
        that a full disk or a lost machine cut off is to be passed over.
      - The file is made with mode 0600, because messages of failed tasks are written to it.
    type: path
    ini:
      - section: callback_metrics
        key: record
    env:
      - name: ITOPS_RELEASE_RECORD
  textfile:
    description:
      - A file for the textfile collector of Prometheus' node_exporter, to which the run is added
        when it ends. Its name must end in C(.prom).
      - The file is replaced in one step, with mode 0644. Runs that end at once wait for each other
        by a lock file beside it.
      - Counters go on from the values in the file. Applications and environments that the run did
        not handle keep their values; at most 200 are kept, those of the newest runs.
    type: path
    ini:
      - section: callback_metrics
        key: textfile
    env:
      - name: ITOPS_RELEASE_TEXTFILE
  webhook:
    description:
      - A URL (http or https) to which one JSON body is posted when the run ends, once, with a limit
        of five seconds. Redirects are not followed.
      - User and password in it are sent as basic authentication. Messages have its host only.
    type: str
    ini:
      - section: callback_metrics
        key: webhook
    env:
      - name: ITOPS_RELEASE_WEBHOOK
  webhook_token:
    description: A secret that is sent to O(webhook) as a bearer token.
    type: str
    env:
      - name: ITOPS_RELEASE_WEBHOOK_TOKEN
  webhook_template:
    description:
      - The body that is posted to O(webhook), which is one of the following, or the path of a
        Jinja2 template.
      - V(cdevents) is CDEvents 0.5.1 as CloudEvents. Nothing is posted when no service was
        deployed, upgraded, rolled back or removed.
      - V(devlake) is a deployment of Apache DevLake. Nothing is posted when nothing was deployed.
      - V(chat) is C({"text":"…"}) with a line for each application and environment.
      - A template gives JSON. Each value that it prints is JSON already, text with its quotes. It
        has C(run), C(began), C(ended), C(seconds), C(text), and C(places), a list of what
        became of each application in each environment.
    type: str
    default: cdevents
    ini:
      - section: callback_metrics
        key: webhook_template
    env:
      - name: ITOPS_RELEASE_WEBHOOK_TEMPLATE
"""

import contextlib
import errno
import functools
import json
import os
import platform
import select
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timezone
from typing import IO, TYPE_CHECKING, Any

from ansible import constants as C  # noqa: N812 (Ansible's own name for it)
from ansible import context
from ansible.plugins.callback import CallbackBase
from ansible.template import Templar

from ..module_utils.formats import _canonical
from ..plugin_utils.events import _answers, _facts, _recorder, _report
from ..plugin_utils.ledger import _noting
from ..plugin_utils.run import _identity, _lifetime

if TYPE_CHECKING:
    from ansible.executor.stats import AggregateStats
    from ansible.executor.task_result import TaskResult
    from ansible.inventory.host import Host
    from ansible.playbook import Playbook
    from ansible.playbook.play import Play
    from ansible.playbook.task import Task

    from ..plugin_utils.telemetry import _run_watch

DEPLOYMENT = "itops.release.release_deployment"
INSPECTION = "itops.release.release_deployment_info"
BUILD = "itops.release.release_build"
PACKAGE = "itops.release.release_package"
NOTES = "itops.release.release_notes"
OF_BUILDS: dict[str, Callable[..., _facts.Event]] = {
    PACKAGE: _answers.sealing,
    NOTES: _answers.noting,
}
OF_ANSWERS: dict[str, Callable[..., _facts.Event]] = {
    DEPLOYMENT: _answers.deployment,
    INSPECTION: _answers.inspection,
    BUILD: _answers.building,
}
OURS = (DEPLOYMENT, INSPECTION, BUILD)
COLOURS = {
    "ok": C.COLOR_OK,
    "changed": C.COLOR_CHANGED,
    "bad": C.COLOR_ERROR,
    "quiet": C.COLOR_SKIP,
}
RECORD_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


def _guarded(method: Callable[..., None]) -> Callable[..., None]:
    """Let a mistake in the report cost the report, never the run: warn once, then stay silent."""

    @functools.wraps(method)
    def guarded(self: CallbackModule, *args: Any, **kwargs: Any) -> None:
        if not self.broken:
            try:
                method(self, *args, **kwargs)
            except Exception as error:
                self.broken = True
                self._display.warning(f"itops.release gave up its closing report: {error!r}")

    return guarded


class CallbackModule(CallbackBase):
    """Feed the recorder, and the record if one is wanted."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "itops.release.metrics"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.broken = False
        self.run_id: str | None = None
        self.watching = False  # whether an end that Ansible gives no callback for is told
        self.ended_by: str | None = None  # the host that told the verdict of the run
        self.going_on = False  # a playbook has begun whose end has not been told
        self.record: int | None = None  # the file descriptor
        self.recorder = _recorder.Recorder()
        self.journal_start = 0  # what this playbook notes in the journal of the run begins there
        # None where the run is not reported to others.
        self.watch: _run_watch.RunWatch | None = None
        self.waiting: dict[
            str, Play
        ] = {}  # the plays of the playbook that have not started, by identifier
        self.undecided: Play | None = None  # the running play, until it is known to handle releases

    def note(self, event: _facts.Event) -> None:
        """Write *event* down before it is counted: a killed run leaves only the file."""
        if self.record is not None:
            line = {
                "format": _facts.RECORD_FORMAT,
                "run": self.run_id,
                "time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
                **event.to_plain(),
            }
            self._write(self.record, json.dumps(line).encode() + b"\n")
        self.recorder.note(event)
        if self.watch:
            with self._dropping_the_watch():
                self.watch.note(event)

    def _write(self, record: int, line: bytes) -> None:
        try:
            if os.write(record, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self.record = None
            self._display.warning(f"The record of itops.release ends here: {error}")

    @_guarded
    def v2_playbook_on_start(self, playbook: Playbook) -> None:
        self.recorder = _recorder.Recorder(check_mode=bool(context.CLIARGS.get("check")))
        plays = playbook.get_plays()
        self.waiting = {play._uuid: play for play in plays}
        extra_vars = plays[0].get_variable_manager().extra_vars if plays else {}
        self.run_id = _identity.run_id(extra_vars)
        path = self.get_option("record")
        if path and self.record is None:
            try:
                self.record = _open_record(path)
            except OSError as error:
                self._display.warning(f"There will be no record of itops.release: {error}")
        self.watch = None
        if not self.recorder.check_mode:
            with self._dropping_the_watch():
                self.watch = self._watch(extra_vars)
        self.journal_start = _noting.journal().position()
        self.note(_facts.Run(check_mode=self.recorder.check_mode))
        self.going_on = True
        if not self.watching:
            self.watching = True
            _lifetime.end_workers_with_this_process()
            _lifetime.tell_of_the_end(self._stop)

    def _watch(self, extra_vars: dict[str, Any]) -> _run_watch.RunWatch | None:
        textfile, webhook = self.get_option("textfile"), self.get_option("webhook")
        if not textfile and not webhook:
            return None
        # Few runs need it, and a run should start without it.
        from ..plugin_utils.telemetry import _export, _run_watch

        export = _export.Export(
            textfile=textfile or "",
            webhook=webhook or "",
            template=self.get_option("webhook_template"),
            token=self.get_option("webhook_token") or "",
        )
        return _run_watch.RunWatch(export, self.run_id or "", platform.node(), extra_vars)

    @contextlib.contextmanager
    def _dropping_the_watch(self) -> Iterator[None]:
        """Let a mistake in what others are told cost no more than that."""
        try:
            yield
        except Exception as error:  # whose text may have parts of the webhook's URL
            self.watch = None
            self._display.warning(
                f"itops.release gave up metrics and webhook: {type(error).__name__}"
            )

    @_guarded
    def _stop(self, cause: str) -> None:
        """Close the report of a run that stops before its end."""
        if self.going_on:
            self.going_on = False
            with contextlib.suppress(Exception):  # whatever a signal fell into the middle of
                self._plan_the_rest()
            self.note(_facts.Stopped(by=cause))
            if _takes_output(sys.stdout):
                self._show()
                sys.stdout.flush()
            self._report_to_others(is_stopped=True)

    @_guarded
    def v2_playbook_on_play_start(self, play: Play) -> None:
        if self.waiting.pop(play._uuid, None):  # else it is a further batch of a play
            self.undecided = play
            if _mentions_releases(play):
                self._plan()

    def _plan(self) -> None:
        """Say whom the running play is for, once: its later batches may never come."""
        if self.undecided:
            self._note_hosts(self.undecided, self.undecided.hosts)
            self.undecided = None

    def _plan_the_rest(self) -> None:
        """Say whom the plays that never started are for."""
        for play in self.waiting.values():
            if _mentions_releases(play):
                variables = play.get_variable_manager().get_vars(play=play)
                templar = Templar(loader=play.get_loader(), variables=variables)
                self._note_hosts(play, templar.template(play.hosts))

    def _note_hosts(self, play: Play, pattern: Any) -> None:
        # A play starts for each batch and knows this batch only. The inventory knows all hosts;
        # there is no public way to it.
        inventory = play.get_variable_manager()._inventory
        chosen = inventory.get_hosts(pattern, ignore_restrictions=True)
        every = inventory.get_hosts(pattern, ignore_limits=True, ignore_restrictions=True)
        hosts = tuple(host.name for host in chosen)
        kept = set(hosts)
        left_out = tuple(host.name for host in every if host.name not in kept)
        self.note(_facts.Plan(hosts=hosts, left_out=left_out))

    @_guarded
    def v2_runner_on_start(self, host: Host, task: Task) -> None:
        ours = task.resolved_action in OURS and not _looks_beside(task)
        if ours:
            self._plan()
        if ours or _is_of_builds(task.resolved_action, task.args):
            self.note(_answers.begin(host.name, task.get_name()))

    def v2_runner_on_ok(self, result: TaskResult) -> None:
        self._note_answer(result, "ok")

    def v2_runner_on_skipped(self, result: TaskResult) -> None:
        self._note_answer(result, "skipped")

    def v2_runner_on_failed(self, result: TaskResult, ignore_errors: bool = False) -> None:
        self._note_answer(result, "failed", forgiven=ignore_errors)

    def v2_runner_on_unreachable(self, result: TaskResult) -> None:
        self._note_answer(result, "unreachable", forgiven=result.task.ignore_unreachable)

    def v2_runner_item_on_ok(self, result: TaskResult) -> None:
        self._note_answer(result, "ok", item=True)

    def v2_runner_item_on_failed(self, result: TaskResult) -> None:
        self._note_answer(result, "failed", item=True)

    @_guarded
    def _note_answer(
        self, result: TaskResult, status: str, forgiven: bool = False, item: bool = False
    ) -> None:
        host, action, answer = result.host.name, result.task.resolved_action, result.result
        if item and answer.get("unreachable"):  # Ansible tells such an item as failed
            status = "unreachable"
        make = OF_ANSWERS.get(action)
        if action in _answers.SPEAKS_FOR_ITSELF and result.task.name == _answers.END_OF_RUN:
            self.ended_by = host if status == "failed" else self.ended_by
            return
        if make and not _looks_beside(result.task):
            self._plan()
            if item or "results" not in answer:  # a loop was told item by item
                self.note(make(host, status, result.task.args, answer))
            return
        if _is_of_builds(action, result.task.args) and (item or "results" not in answer):
            task, args = result.task.get_name(), result.task.args
            self.note(OF_BUILDS[action](host, status, task, args, answer))
            if args.get("workspace"):
                return
        if action == PACKAGE and status == "ok" and result.task.args.get("state") == "pruned":
            self.note(_answers.pruning(host, answer))
        elif status in ("failed", "unreachable") and not item:
            name = result.task.get_name()
            if not forgiven or _answers.is_verdict(name, action):
                self.note(_answers.failure(host, status, name, action, answer, forgiven))

    @_guarded
    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        self._plan_the_rest()
        failed, unreachable = tuple(sorted(stats.failures)), tuple(sorted(stats.dark))
        self.note(_facts.End(failed=failed, unreachable=unreachable, ended_by=self.ended_by))
        self.going_on = False
        self._show()
        self._report_to_others()

    def _show(self) -> None:
        lines = _report.render(self.recorder)
        if lines:
            self._display.banner("RELEASES")
        for tone, line in [*lines, *_verdict_lines(self.recorder.check_mode)]:
            self._display.display(line, color=COLOURS[tone])

    def _report_to_others(self, is_stopped: bool = False) -> None:
        """Add the run to the metrics and post it, where that is wanted; failures are warnings."""
        if self.watch and self.recorder.speaks():
            with self._dropping_the_watch():
                parts = _noting.journal().parts(self.journal_start)
                for line in self.watch.end(self.recorder.rows(), parts, is_stopped):
                    self._display.warning(f"itops.release: {line}")


def _verdict_lines(check_mode: bool) -> list[tuple[str, str]]:
    """Return the line on how the run ended, where a role or playbook of ours found that."""
    journal = _noting.journal()
    if journal.is_open():
        return [("bad", "Verdict: unknown: no end was recorded; the next run settles it")]
    ending = journal.ending()
    if ending is None:
        return []
    said = "Check mode: " if check_mode else ""
    said += f"Verdict: {ending.verdict}"
    said += f": {_canonical.printable(ending.reason)}" if ending.reason else ""
    return [("ok" if ending.verdict == "done" else "bad", said)]


def _open_record(path: str) -> int:
    """Open the record at *path* for appending; a line that was cut off gets its end."""
    record = os.open(path, RECORD_FLAGS, 0o600)
    with contextlib.suppress(OSError), open(path, "rb") as stream:
        stream.seek(-1, os.SEEK_END)
        if stream.read() != b"\n":
            os.write(record, b"\n")
    return record


def _takes_output(stream: IO[str]) -> bool:
    """Tell whether *stream* takes a line now: a reader that has stopped must not delay the end."""
    return stream in select.select([], [stream], [], 0)[1]


def _mentions_releases(play: Play) -> bool:
    """Tell whether *play* has one of our roles or modules in plain sight; includes may hide it."""
    if any(role.get_name().startswith(_answers.OUR_ROLES) for role in play.get_roles()):
        return True
    return any(map(_is_ours, _tasks(play.get_tasks())))


def _looks_beside(task: Task) -> bool:
    """Tell whether *task* asks what is live elsewhere, which is not what the run is about."""
    return bool(task.delegate_to and task.args.get("declared"))


def _is_of_builds(action: str, args: dict[str, Any]) -> bool:
    """Tell whether a task seals, signs or describes, which is told where something was built."""
    return action in OF_BUILDS and args.get("state", "present") in ("present", "signed")


def _tasks(entries: Iterable[Any]) -> Iterator[Task]:
    """Yield the tasks below *entries*, which nest as lists and blocks do."""
    for entry in entries:
        if isinstance(entry, list):
            yield from _tasks(entry)
        elif hasattr(entry, "rescue"):
            yield from _tasks([entry.block, entry.rescue, entry.always])
        else:
            yield entry


def _is_ours(task: Task) -> bool:
    if task.get_name().startswith(_answers.OUR_ROLES) or task.action in OURS:
        return True
    return str(task.args.get("name", "")).startswith(_answers.OUR_ROLES)
