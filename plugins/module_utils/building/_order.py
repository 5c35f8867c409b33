# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole build: sources are found out, components built in their order, all is recorded."""

from __future__ import annotations

import os
import time
from typing import Any, Callable, Iterable, Iterator, Mapping, Sequence

from ..formats import _canonical
from ..release import _manifest
from . import _component, _place, _record, _tools, _work
from ._component import Building
from ._plan import Component
from ._record import Record, Source

MOST_NAMED = 20


def run(building: Building, is_waited_for: Callable[[], bool], is_check: bool) -> dict[str, Any]:
    """Do what the plan asks for; return the result for the controller.

    Raises BuildError and Cancelled; then there is no record from which anything could be sealed.
    """
    plan, place = building.plan, building.place
    started = _utc_now()
    if is_check:
        earlier = _place.look_at(place.workspace)
    else:
        earlier = _place.set_aside(place)
    jobs = _work.Work(building, is_waited_for)
    sources = jobs.find()
    inputs = digest_of_inputs(building, sources)
    if plan["rebuild"] == "changed" and earlier and jobs.is_built(earlier, inputs):
        return _confirm(building, earlier, is_check)
    record: Record = {"components": [_foreseen(each, sources) for each in plan["components"]]}
    if is_check:
        return _told(building, record, earlier)
    _place.begin(place, earlier)
    _clear_second(place)
    built = jobs.build(sources)
    record = _recorded(building, inputs, built, started)
    result = _told(building, record, earlier)
    if plan["rebuild"] == "verify":
        _verify(building, is_waited_for, sources, built, record, result)
    record["ended"] = _utc_now()
    _place.end(place, record)
    return result


def digest_of_inputs(building: Building, sources: Mapping[str, Source]) -> str:
    """Return the SHA-256 of all that was asked for, and found for it; of secrets only the names."""
    plan = building.plan
    asked = {
        "release": plan["release"],
        "components": plan["components"],
        "sources": sources,
        "environment": {**_component.COMMON, "PATH": building.path},
    }
    return _canonical.sha256_hex(_canonical.dumps(asked))


def differences(entries: Iterable[_manifest.Entry], others: Iterable[_manifest.Entry]) -> list[str]:
    """Return the sorted paths at which two builds of a component are not alike."""
    one, other = (
        {entry.path: _manifest.entry_to_plain(entry) for entry in each}
        for each in (entries, others)
    )
    return sorted(path for path in {**one, **other} if one.get(path) != other.get(path))


def _recorded(building: Building, inputs: str, built: Mapping[str, Any], started: str) -> Record:
    """Return the record of what was *built*, but for its end."""
    plan = building.plan
    return {
        "format": _record.FORMAT,
        "run": plan["run"],
        "inputs": inputs,
        "release": plan["release"],
        "definition": plan["definition"],
        "started": started,
        "builder": _tools.describe_machine(plan["versions"]),
        "ci": plan["ci"],
        "tools": built[_work.TOOLS],
        "environment": {**_component.COMMON, "PATH": building.path},
        "components": [built[each["name"]][0] for each in plan["components"]],
    }


def _confirm(building: Building, earlier: Record, is_check: bool) -> dict[str, Any]:
    """Let the record *earlier* count again; it is of the definition as that is now.

    What is sealed beside what is built may have changed in it.
    """
    definition, place = building.plan["definition"], building.place
    is_same = earlier["definition"] == definition
    if not is_check and is_same:
        _place.put_back(place)
    elif not is_check:
        _place.end(place, {**earlier, "definition": definition})
    return _told(building, earlier, earlier, built=False, changed=not is_same)


def _verify(
    building: Building,
    is_waited_for: Callable[[], bool],
    sources: Mapping[str, Source],
    built: Mapping[str, Any],
    record: Record,
    result: dict[str, Any],
) -> None:
    """Build once more elsewhere; note in *record* and *result* what came out alike.

    Raises BuildError, naming files, where something did not and the plan demands that it does.
    """
    plan, first = building.plan, building.place
    place = _place.second(first)
    for folder in (place.workspace, place.base, os.path.join(place.base, "tmp")):
        _place.fresh(folder)
    building.say(say="building once more, to compare")
    again = _component.Building(plan, place, building.variables, building.say, building.now)
    others = _work.Work(again, is_waited_for).build(sources)
    differing = {}
    for part, told in zip(record["components"], result["components"]):
        paths = differences(built[part["name"]][1], others[part["name"]][1])
        part["reproducible"] = told["reproducible"] = not paths
        told["differing"] = paths
        if paths:
            differing[part["name"]] = paths
    named = ["%s in %s" % (name, _named(paths)) for name, paths in sorted(differing.items())]
    if differing and plan["require_reproducible"]:
        raise _place.BuildError(
            "two builds of the same sources differ: %s; compare %s with %s"
            % ("; ".join(named), first.workspace, place.workspace)
        )
    if differing:
        result["warnings"] += ["two builds of the same sources differ: %s" % each for each in named]
    _clear_second(first)


def _clear_second(place: _place.Place) -> None:
    """Remove what a second build, to compare with, left in *place*."""
    second = _place.second(place)
    for folder in (second.workspace, second.base):
        _place.clear(folder)


def _named(paths: Sequence[str]) -> str:
    more = ", and %d more" % (len(paths) - MOST_NAMED) if len(paths) > MOST_NAMED else ""
    return ", ".join(map(repr, paths[:MOST_NAMED])) + more


def _foreseen(component: Component, sources: Mapping[str, Source]) -> dict[str, Any]:
    return {
        "name": component["name"],
        "version": component["version"],
        "origin": sources[component["name"]],
    }


def _told(
    building: Building,
    record: Record,
    earlier: Record | None,
    built: bool = True,
    changed: bool = True,
) -> dict[str, Any]:
    """Return what a user is told of the *record*, or of what it will say.

    *earlier* is the record that was there, or None; *built* tells that steps ran, or would.
    """
    components = [
        {key: part[key] for key in ("name", "version", "origin", "tree") if key in part}
        for part in record["components"]
    ]
    return {
        "changed": changed,
        "built": built,
        "before": _before(earlier),
        "workspace": building.place.workspace,
        "components": components,
        "warnings": list(_left_out(record)),
    }


def _left_out(record: Record) -> Iterator[str]:
    """Yield a warning for each component whose repository has others that were not asked for."""
    for part in record["components"]:
        if part["origin"].get("left_out"):
            yield (
                "%s: its submodules were left out: %s; say submodules: true where they belong to it"
                % (part["name"], _named(part["origin"]["left_out"]))
            )


def _before(earlier: Record | None) -> dict[str, Any] | None:
    """Return what a diff tells of the record *earlier*, or None."""
    if earlier is None:
        return None
    components = [
        {key: part[key] for key in ("name", "version", "origin")} for part in earlier["components"]
    ]
    return {**{key: earlier[key] for key in ("release", "definition")}, "components": components}


def _utc_now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
