# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened on the hosts of a run, as plain events that JSON can carry.

The kinds: ``plan`` (hosts of a play that handles releases), ``begin`` (a module of ours is asked),
``deployment`` and ``inspection`` (it answered), ``pruning`` (a media library was pruned),
``failure`` (any other task failed), ``end`` (hosts that Ansible counts as failed or unreachable),
``stopped`` (instead of an end: by a signal, or by an error of Ansible); _build_events has others.
"""

from __future__ import annotations

import re

RECORD_FORMAT = 1
# A refusal that names two runs and what to do about them has to fit.
REASON_LENGTH = 400
REASON_TAIL = 140  # what a message ends with, such as where that left the host, is kept
SHOWN_DRIFT = 3
# The messages of these need no task's name before them.
SPEAKS_FOR_ITSELF = ("ansible.builtin.assert", "ansible.builtin.fail")
HOST_LOST = "host_lost"  # the code of an answer of ours: Ansible counts such a host as failed
OUR_ROLES = "itops.release."
NOTHING = {"phase": "none", "name": None, "version": None, "serial": None, "digest": None}


def deployment_event(host, status, args, result):
    """Return the event for an answer of release_deployment to a task with these *args*."""
    event = answer_event("deployment", host, status, args, result)
    event["state"] = str(args.get("state") or "live")
    event["back"] = event["state"] == "live" and args.get("release") == "previous"
    # A release that is held back from going live is told by its name.
    event["waiting"] = _waiting(args, result) if event["state"] == "staged" else None
    event["changed"] = bool(result.get("changed"))
    event["switched_back"] = bool(result.get("switched_back"))
    event["sent_bytes"] = int(result.get("sent_bytes") or 0)
    event["resumed_bytes"] = int(result.get("resumed_bytes") or 0)
    event["took_over"] = result.get("took_over")
    allowed = result.get("incompatible") or [] if event["status"] == "ok" else []
    event["despite"] = [one_line(line) for line in allowed]
    event["drift"] = len(result.get("drift") or [])
    # What was only checked did not come to be.
    for moment in ("before",) if event["state"] == "checked" else ("before", "after"):
        if isinstance(result.get(moment), dict):
            event[moment] = {key: result[moment].get(key) for key in NOTHING}
            event[moment]["links"] = _links(result[moment])
    return event


def _links(moment):
    """Return the linked paths of what is current at a *moment*; None where nobody knows them."""
    if moment.get("digest") is None or "links" not in moment:
        return None
    return moment["links"].get(moment["tree"], [])


def inspection_event(host, status, args, result):
    """Return the event for an answer of release_deployment_info."""
    event = answer_event("inspection", host, status, args, result)
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


def pruning_event(host, result):
    """Return the event for a media library that release_package has pruned, or would."""
    said, changed = one_line(result.get("msg") or ""), bool(result.get("changed"))
    return {"event": "pruning", "host": host, "changed": changed, "said": said}


def _waiting(args, result):
    """Return the release that is staged by *result* and not live, or None."""
    if result.get("is_live", True):
        return None
    kind, _colon, digest = str(args.get("release")).partition(":")
    return f"{kind}:{digest[:12]}" if kind == "sha256" else one_line(args.get("release"))


def _in_words(drift):
    if drift.get("change") == "release":
        return "another release is current"
    if drift.get("change") == "trial":
        return "is on trial, not accepted"
    if drift.get("change") == "unverified":
        return "was adopted and never sealed, so it cannot be verified"
    return one_line(f"{drift.get('path')} {drift.get('change')}")


def failure_event(host, status, task, action, result):
    """Return the event for any other task that failed or found *host* unreachable."""
    refused = result.get("argument_errors")  # by a role's argument specification
    reason = one_line("; ".join(map(str, refused or [])) or result.get("msg") or "failed")
    # With this a role of ours ends what failed before.
    verdict = action in SPEAKS_FOR_ITSELF and task.startswith(OUR_ROLES)
    if action not in SPEAKS_FOR_ITSELF and not refused:
        reason = f"{title_of(task)}: {reason}"
    event = {"event": "failure", "host": host, "status": status, "reason": reason}
    return {**event, "verdict": verdict}


def begin_event(host, task):
    """Return the event for a task of ours, named *task*, that is about to ask *host*."""
    return {"event": "begin", "host": host, "task": title_of(task)}


def title_of(task):
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


def answer_event(kind, host, status, args, result):
    """Return what the events of all answers of ours to tasks with these *args* have."""
    root = one_line(args.get("root") or "")
    if status == "failed" and result.get("code") == HOST_LOST:
        status = "unreachable"
    event = {"event": kind, "host": host, "root": root, "status": status}
    event["hidden"] = "censored" in result  # by no_log of the task
    if status in ("failed", "unreachable"):
        event["reason"] = one_line(result.get("msg") or "no_log hides why" * event["hidden"])
    return event
