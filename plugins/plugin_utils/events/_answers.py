# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of tasks, as Ansible reports them, as facts of a run."""

from __future__ import annotations

from typing import Any

from ...module_utils.deployment._answer import HOST_LOST
from . import _facts
from ._lines import one_line, title_of

SHOWN_DRIFT = 3
SHOWN_COMPONENTS = 10
COMMIT_LENGTH = 12
# The messages of these need no task's name before them.
SPEAKS_FOR_ITSELF = ("ansible.builtin.assert", "ansible.builtin.fail")
OUR_ROLES = "itops.release."
END_OF_RUN = "End the run"  # the task that fails a run whose verdict is reported for all hosts
# What is attached to a release, by the type of its predicate, as the option ``evidence`` calls it.
EVIDENCE = {"https://cyclonedx.org/bom": "sbom", "https://slsa.dev/provenance/v1": "provenance"}

Plain = dict[str, Any]


def deployment(host: str, status: str, args: Plain, result: Plain) -> _facts.Deployment:
    """Return the fact that release_deployment answered to a task with these *args*."""
    state = str(args.get("state") or "live")
    allowed = result.get("incompatible") or [] if status == "ok" else []
    restored = state == "reverted" and status == "ok" and bool(result.get("probes"))
    return _facts.Deployment(
        **_answer(host, status, args, result),
        state=state,
        back=state == "live" and args.get("release") == "previous",
        # A release that is held back from going live is reported by its name.
        waiting=_waiting(args, result) if state == "staged" else None,
        changed=bool(result.get("changed")),
        switched_back=bool(result.get("switched_back")),
        sent_bytes=int(result.get("sent_bytes") or 0),
        resumed_bytes=int(result.get("resumed_bytes") or 0),
        took_over=result.get("took_over"),
        despite=tuple(one_line(line) for line in allowed),
        drift=len(result.get("drift") or []),
        before=_release(result.get("before")),
        # What was only checked did not come to be.
        after=None if state == "checked" else _release(result.get("after")),
        by=result.get("by"),
        in_service=result.get("in_service", True if restored else None),
        out_of_service=_line_or_none(result.get("out_of_service")),
    )


def inspection(host: str, status: str, args: Plain, result: Plain) -> _facts.Inspection:
    """Return the fact that release_deployment_info answered."""
    after, by, deployed = None, None, result.get("deployment")
    if isinstance(deployed, dict):
        current = deployed.get("trial") or deployed.get("live") or {}
        known = {key: current.get(key) for key in ("name", "version", "serial", "digest")}
        after = _facts.Release(phase=deployed.get("phase", "none"), **known)
        by = result.get("by")
    common = _answer(host, status, args, result)
    if "ok" not in result:
        return _facts.Inspection(**common, after=after, by=by)
    drift = [_drift_in_words(entry) for entry in result.get("drift") or []]
    if after and after.phase == "none":
        drift = ["nothing is deployed"]
    first = tuple(drift[:SHOWN_DRIFT])
    return _facts.Inspection(
        **common, after=after, by=by, ok=not drift, drift=len(drift), first_drift=first
    )


def building(host: str, status: str, args: Plain, result: Plain) -> _facts.Building:
    """Return the fact that release_build answered to a task with these *args*."""
    components = result.get("components") or []
    return _facts.Building(
        **_of_workspace(host, status, args, result),
        built=status == "ok" and bool(result.get("built")),
        components=tuple(map(_component_in_words, components[:SHOWN_COMPONENTS])),
        more=len(components[SHOWN_COMPONENTS:]),
    )


def sealing(host: str, status: str, task: str, args: Plain, result: Plain) -> _facts.Sealing:
    """Return the fact that release_package answered to the task named *task*."""
    types = [item.get("predicate_type") for item in result.get("evidence") or []]
    return _facts.Sealing(
        **_of_workspace(host, status, args, result, task),
        role=one_line((result.get("signature") or {}).get("role") or ""),
        evidence=tuple(dict.fromkeys(EVIDENCE[type_] for type_ in types if type_ in EVIDENCE)),
    )


def noting(host: str, status: str, task: str, args: Plain, result: Plain) -> _facts.Noting:
    """Return the fact that release_notes answered to the task named *task*."""
    # Now, or before; None where it is not to be.
    attached = result.get("attached")
    return _facts.Noting(**_of_workspace(host, status, args, result, task), attached=attached)


def pruning(host: str, result: Plain) -> _facts.Pruning:
    """Return the fact that release_package has pruned a media library, or would."""
    said = one_line(result.get("msg") or "")
    return _facts.Pruning(host=host, changed=bool(result.get("changed")), said=said)


def is_verdict(task: str, action: str) -> bool:
    """Tell whether with the task named *task* a role of ours ends what failed before."""
    return action in SPEAKS_FOR_ITSELF and task.startswith(OUR_ROLES)


def failure(
    host: str, status: str, task: str, action: str, result: Plain, forgiven: bool = False
) -> _facts.Failure:
    """Return the fact that any other task failed or found *host* unreachable."""
    refused = result.get("argument_errors")  # by a role's argument specification
    reason = one_line("; ".join(map(str, refused or [])) or result.get("msg") or "failed")
    verdict = is_verdict(task, action)
    if action not in SPEAKS_FOR_ITSELF and not refused:
        reason = f"{title_of(task)}: {reason}"
    return _facts.Failure(
        host=host, status=status, reason=reason, verdict=verdict, forgiven=forgiven
    )


def begin(host: str, task: str) -> _facts.Begin:
    """Return the fact that a task of ours, named *task*, is about to ask *host*."""
    return _facts.Begin(host=host, task=title_of(task))


def _answer(host: str, status: str, args: Plain, result: Plain) -> Plain:
    """Return the fields that all answers of ours to tasks with these *args* have."""
    if status == "failed" and result.get("code") == HOST_LOST:
        status = "unreachable"  # Ansible counts such a host as failed
    is_hidden = "censored" in result  # by no_log of the task
    reason = None
    if status in ("failed", "unreachable"):
        reason = one_line(result.get("msg") or "no_log hides why" * is_hidden)
    root = one_line(args.get("root") or "")
    return {"host": host, "root": root, "status": status, "hidden": is_hidden, "reason": reason}


def _of_workspace(
    host: str, status: str, args: Plain, result: Plain, task: str | None = None
) -> Plain:
    """Return the fields that all answers about builds have; a *task* is named in the reason."""
    answer = _answer(host, status, {"root": args.get("workspace")}, result)
    if task is not None and answer["reason"] is not None:
        answer["reason"] = f"{title_of(task)}: {answer['reason']}"
    release = result.get("release")
    release = release if isinstance(release, dict) else {}
    known = {
        key: one_line(release[key]) for key in ("name", "version", "digest") if release.get(key)
    }
    return {**answer, "changed": bool(result.get("changed")), "release": known}


def _release(moment: Any) -> _facts.Release | None:
    """Return the release that an answer says is current at a *moment*, None where it does not."""
    if not isinstance(moment, dict):
        return None
    return _facts.Release.from_plain({**moment, "links": _links(moment)})


def _links(moment: Plain) -> list[str] | None:
    """Return the linked paths of what is current at a *moment*; None where they are not known."""
    if moment.get("digest") is None or "links" not in moment:
        return None
    links: list[str] = moment["links"].get(moment["tree"], [])
    return links


def _line_or_none(text: Any) -> str | None:
    return one_line(text) if text else None


def _waiting(args: Plain, result: Plain) -> str | None:
    """Return the release that is staged by *result* and not live, or None."""
    if result.get("is_live", True):
        return None
    kind, _colon, digest = str(args.get("release")).partition(":")
    return f"{kind}:{digest[:12]}" if kind == "sha256" else one_line(args.get("release"))


def _drift_in_words(drift: Plain) -> str:
    if drift.get("change") == "release":
        return "another release is current"
    if drift.get("change") == "trial":
        return "is on trial, not accepted"
    if drift.get("change") == "unverified":
        return "was adopted and never sealed, so it cannot be verified"
    return one_line(f"{drift.get('path')} {drift.get('change')}")


def _component_in_words(component: Plain) -> str:
    """Return a component, and what it would be built from where it is not built yet."""
    name, origin = one_line(component["name"]), component.get("origin") or {}
    if "tree" in component:
        return name
    if not origin.get("commit"):
        return one_line(f"{name} from {origin.get('place')}")
    commit, revision = origin["commit"][:COMMIT_LENGTH], origin.get("revision")
    named = f" ({revision})" if revision and not origin["commit"].startswith(revision) else ""
    return one_line(f"{name} at {commit}{named}")
