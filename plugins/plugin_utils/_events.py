# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened on the hosts of a run, as plain events that JSON can carry.

The kinds: ``plan`` (hosts of a play that handles releases), ``begin`` (a module of ours is asked),
``deployment`` and ``inspection`` (it answered), ``failure`` (any other task failed), ``end`` (hosts
that Ansible counts as failed or unreachable), ``stopped`` (instead of an end: by a signal, or by an
error of Ansible).
"""

from __future__ import annotations

import re

RECORD_FORMAT = 1
REASON_LENGTH = 160
REASON_TAIL = 60  # what a message ends with, such as where that left the host, is kept
SHOWN_DRIFT = 3
# The messages of these need no task's name before them.
SPEAKS_FOR_ITSELF = ("ansible.builtin.assert", "ansible.builtin.fail")
OUR_ROLES = "itops.release."
NOTHING = {"phase": "none", "name": None, "version": None, "serial": None, "digest": None}


def deployment_event(host, status, args, result):
    """Return the event for an answer of release_deployment to a task with these *args*."""
    event = _answer_event("deployment", host, status, args, result)
    event["state"] = str(args.get("state") or "live")
    event["changed"] = bool(result.get("changed"))
    event["switched_back"] = bool(result.get("switched_back"))
    event["sent_bytes"] = int(result.get("sent_bytes") or 0)
    event["resumed_bytes"] = int(result.get("resumed_bytes") or 0)
    event["took_over"] = result.get("took_over")
    event["drift"] = len(result.get("drift") or [])
    for moment in ("before", "after"):
        if isinstance(result.get(moment), dict):
            event[moment] = {key: result[moment].get(key) for key in NOTHING}
    return event


def inspection_event(host, status, args, result):
    """Return the event for an answer of release_deployment_info."""
    event = _answer_event("inspection", host, status, args, result)
    deployment = result.get("deployment")
    if isinstance(deployment, dict):
        current = deployment.get("trial") or deployment.get("live") or {}
        event["after"] = {key: current.get(key) for key in NOTHING}
        event["after"]["phase"] = deployment.get("phase")
    if "ok" in result:
        drift = [_in_words(entry) for entry in result.get("drift") or []]
        if event["after"]["phase"] == "none":
            drift = ["nothing is deployed"]
        event["ok"] = not drift
        event["drift"] = len(drift)
        event["first_drift"] = drift[:SHOWN_DRIFT]
    return event


def _in_words(drift):
    if drift.get("change") == "release":
        return "another release is current"
    if drift.get("change") == "trial":
        return "is on trial, not accepted"
    return one_line(f"{drift.get('path')} {drift.get('change')}")


def failure_event(host, status, task, action, result):
    """Return the event for any other task that failed or found *host* unreachable."""
    refused = result.get("argument_errors")  # by a role's argument specification
    reason = one_line("; ".join(map(str, refused or [])) or result.get("msg") or "failed")
    # With this a role of ours ends what failed before.
    verdict = action in SPEAKS_FOR_ITSELF and task.startswith(OUR_ROLES)
    if action not in SPEAKS_FOR_ITSELF and not refused:
        reason = f"{_title(task)}: {reason}"
    event = {"event": "failure", "host": host, "status": status, "reason": reason}
    return {**event, "verdict": verdict}


def begin_event(host, task):
    """Return the event for a task of ours, named *task*, that is about to ask *host*."""
    return {"event": "begin", "host": host, "task": _title(task)}


def _title(task):
    """Return the name of *task* without that of its role."""
    return one_line(task.rpartition(" : ")[2])


def one_line(text):
    """Return the first line of *text* that says something, printable and of bounded length."""
    text = re.sub(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)", "", str(text))
    lines = (
        "".join(character if character.isprintable() else " " for character in line).strip()
        for line in text.splitlines()
    )
    line = next(filter(None, lines), "")
    # ansible-core puts these before a message; the report's own words say as much.
    line = re.sub(r"^(?:(?:Task|Action|Module) failed: )+|^.*(?=ssh: connect to host )", "", line)
    if len(line) <= REASON_LENGTH:
        return line
    return line[: REASON_LENGTH - REASON_TAIL - 1] + "…" + line[-REASON_TAIL:]


def _answer_event(kind, host, status, args, result):
    root = one_line(args.get("root") or "")
    event = {"event": kind, "host": host, "root": root, "status": status}
    if status in ("failed", "unreachable"):
        event["reason"] = one_line(result.get("msg") or "")
    return event
