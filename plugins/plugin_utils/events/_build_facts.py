# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened to the builds of a run, as plain events that JSON can carry.

The kinds: ``building`` (release_build answered), ``sealing`` (release_package, where a release is
sealed or signed), ``noting`` (release_notes). Their *root* is the workspace, empty without one.
"""

from __future__ import annotations

from ._facts import answer_event, one_line, title_of

SHOWN_COMPONENTS = 10
COMMIT_LENGTH = 12
# What is attached to a release, by the type of its predicate, as the option ``evidence`` calls it.
EVIDENCE = {"https://cyclonedx.org/bom": "sbom", "https://slsa.dev/provenance/v1": "provenance"}


def building_event(host, status, args, result):
    """Return the event for an answer of release_build to a task with these *args*."""
    event = _event("building", host, status, args, result)
    components = result.get("components") or []
    event["built"] = status == "ok" and bool(result.get("built"))
    event["components"] = list(map(_in_words, components[:SHOWN_COMPONENTS]))
    event["more"] = len(components[SHOWN_COMPONENTS:])
    return event


def sealing_event(host, status, task, args, result):
    """Return the event for an answer of release_package to the task named *task*."""
    event = _of_task("sealing", host, status, task, args, result)
    event["role"] = one_line((result.get("signature") or {}).get("role") or "")
    types = [item.get("predicate_type") for item in result.get("evidence") or []]
    event["evidence"] = list(dict.fromkeys(EVIDENCE[type_] for type_ in types if type_ in EVIDENCE))
    return event


def noting_event(host, status, task, args, result):
    """Return the event for an answer of release_notes to the task named *task*."""
    event = _of_task("noting", host, status, task, args, result)
    event["attached"] = result.get("attached")  # now, or before; None where it is not to be
    return event


def _of_task(kind, host, status, task, args, result):
    event = _event(kind, host, status, args, result)
    if "reason" in event:
        event["reason"] = f"{title_of(task)}: {event['reason']}"
    return event


def _event(kind, host, status, args, result):
    event = answer_event(kind, host, status, {"root": args.get("workspace")}, result)
    event["changed"] = bool(result.get("changed"))
    release = result.get("release")
    release = release if isinstance(release, dict) else {}
    event["release"] = {
        key: one_line(release[key]) for key in ("name", "version", "digest") if release.get(key)
    }
    return event


def _in_words(component):
    """Return a component, and what it would be built from where it is not built yet."""
    name, origin = one_line(component["name"]), component.get("origin") or {}
    if "tree" in component:
        return name
    if not origin.get("commit"):
        return one_line(f"{name} from {origin.get('place')}")
    commit, revision = origin["commit"][:COMMIT_LENGTH], origin.get("revision")
    named = f" ({revision})" if revision and not origin["commit"].startswith(revision) else ""
    return one_line(f"{name} at {commit}{named}")
