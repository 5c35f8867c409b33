# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole build: sources are found out, components built in their order, all is recorded."""

from __future__ import annotations

import os
import time

from . import (
    _build_component,
    _build_jobs,
    _build_place,
    _build_record,
    _build_sources,
    _build_tools,
    _canonical,
    _manifest,
)

MOST_NAMED = 20
TOOLS = ".tools"  # no component's name


def run(building, is_waited_for, is_check):
    """Do what the plan asks for; return the result for the controller.

    Raises BuildError and Cancelled; then there is no record from which anything could be sealed.
    """
    plan, place = building.plan, building.place
    started = _utc_now()
    if is_check:
        earlier = _build_place.look_at(place.workspace)
    else:
        earlier = _build_place.set_aside(place)
    jobs = _Jobs(building, is_waited_for)
    sources = jobs.find()
    inputs = digest_of_inputs(building, sources)
    if plan["rebuild"] == "changed" and jobs.is_built(earlier, inputs):
        if not is_check:
            _build_place.put_back(place)
        return _told(building, earlier, changed=False)
    record = {"components": [_foreseen(each, sources) for each in plan["components"]]}
    if is_check:
        return _told(building, record, changed=True)
    _build_place.begin(place, earlier)
    _clear_second(place)
    built = jobs.build(sources)
    record = {
        "format": _build_record.FORMAT,
        "run": plan["run"],
        "inputs": inputs,
        "release": plan["release"],
        "definition": plan["definition"],
        "started": started,
        "builder": _build_tools.describe_machine(plan["versions"]),
        "ci": plan["ci"],
        "tools": built[TOOLS],
        "environment": {**_build_component.COMMON, "PATH": building.path},
        "components": [built[each["name"]][0] for each in plan["components"]],
    }
    result = _told(building, record, changed=True)
    if plan["rebuild"] == "verify":
        _verify(building, is_waited_for, sources, built, record, result)
    record["ended"] = _utc_now()
    _build_place.end(place, record)
    return result


def digest_of_inputs(building, sources):
    """Return the SHA-256 of all that was asked for, and found for it; of secrets only the names."""
    plan = building.plan
    asked = {
        "release": plan["release"],
        "components": plan["components"],
        "sources": sources,
        "environment": {**_build_component.COMMON, "PATH": building.path},
    }
    return _canonical.sha256_hex(_canonical.dumps(asked))


def differences(entries, others):
    """Return the sorted paths at which two builds of a component are not alike."""
    one, other = (
        {entry.path: _manifest.entry_to_plain(entry) for entry in each}
        for each in (entries, others)
    )
    return sorted(path for path in {**one, **other} if one.get(path) != other.get(path))


class _Jobs:
    """The jobs of one build, or of its second one."""

    def __init__(self, building, is_waited_for):
        self._building, self._is_waited_for = building, is_waited_for
        self._components = building.plan["components"]

    def find(self):
        """Return {component: source} of what the origins are now."""
        building = self._building
        place, folder = building.place, building.plan["folder"]
        for name in ("git", "fetched", "tmp"):
            os.makedirs(os.path.join(place.shared, name), 0o700, exist_ok=True)
        repositories = {
            each["origin"]["place"]: each["origin"]
            for each in self._components
            if each["origin"]["kind"] == "git"
        }
        self._run(
            _build_jobs.Job(
                each,
                lambda each=each: _build_sources.fetch(
                    repositories[each], folder, place, building.variables
                ),
            )
            for each in sorted(repositories)
        )
        return self._run(
            _build_jobs.Job(
                each["name"],
                lambda each=each: _build_sources.find(
                    each, folder, place, building.variables, building.now
                ),
            )
            for each in self._components
        )

    def is_built(self, earlier, inputs):
        """Tell whether what the record *earlier* says of the same *inputs* is still there."""
        if earlier is None or earlier["inputs"] != inputs:
            return False
        recorded = {each["name"]: each["tree"] for each in earlier["components"]}
        try:
            trees = self._run(
                _build_jobs.Job(each["name"], lambda each=each: self._tree(each))
                for each in self._components
            )
        except _build_place.BuildError:
            return False
        return trees == recorded

    def build(self, sources):
        """Build all; return {component: (part of the record, Entries)} and the TOOLS."""
        building, place = self._building, self._building.place
        _build_place.fresh(os.path.join(place.base, "log"))
        wanted = _build_tools.programs(self._components, building.path)
        tools = _build_jobs.Job(TOOLS, lambda: self._tools(wanted))
        jobs = [
            _build_jobs.Job(
                each["name"],
                lambda each=each: _build_component.build(building, each, sources[each["name"]]),
                tuple(each["after"]),
            )
            for each in self._components
        ]
        built = self._run([tools, *jobs])
        for each in self._components:
            part, entries = built[each["name"]]
            built[each["name"]] = part, [_manifest.Entry(*entry) for entry in entries]
        return built

    def _tools(self, wanted):
        home = _build_place.fresh(os.path.join(self._building.place.base, "home", TOOLS))
        return _build_tools.describe(wanted, {**_build_component.COMMON, "HOME": home})

    def _tree(self, component):
        entries = _build_component.packed(component, self._building.place)
        return _build_record.tree_digest(entries)

    def _run(self, jobs):
        most = max(1, len(os.sched_getaffinity(0)))
        return _build_jobs.run(list(jobs), most, self._is_waited_for)


def _verify(building, is_waited_for, sources, built, record, result):
    """Build once more elsewhere; note in *record* and *result* what came out alike.

    Raises BuildError, naming files, where something did not and the plan demands that it does.
    """
    plan, first = building.plan, building.place
    place = _build_place.second(first)
    for folder in (place.workspace, place.base, os.path.join(place.base, "tmp")):
        _build_place.fresh(folder)
    building.say(say="building once more, to compare")
    again = _build_component.Building(plan, place, building.variables, building.say, building.now)
    others = _Jobs(again, is_waited_for).build(sources)
    differing = {}
    for part, told in zip(record["components"], result["components"]):
        paths = differences(built[part["name"]][1], others[part["name"]][1])
        part["reproducible"] = told["reproducible"] = not paths
        told["differing"] = paths
        if paths:
            differing[part["name"]] = paths
    if differing and plan["require_reproducible"]:
        named = "; ".join(
            "%s in %s%s"
            % (
                name,
                ", ".join(map(repr, paths[:MOST_NAMED])),
                " and more" * (len(paths) > MOST_NAMED),
            )
            for name, paths in sorted(differing.items())
        )
        raise _build_place.BuildError(
            "two builds of the same sources differ: %s; compare %s with %s"
            % (named, first.workspace, place.workspace)
        )
    _clear_second(first)


def _clear_second(place):
    """Remove what a second build, to compare with, left in *place*."""
    second = _build_place.second(place)
    for folder in (second.workspace, second.base):
        _build_place.clear(folder)


def _named(paths):
    more = ", and %d more" % (len(paths) - MOST_NAMED) if len(paths) > MOST_NAMED else ""
    return ", ".join(map(repr, paths[:MOST_NAMED])) + more


def _foreseen(component, sources):
    return {
        "name": component["name"],
        "version": component["version"],
        "origin": sources[component["name"]],
    }


def _told(building, record, changed):
    """Return what a user is told of the *record*, or of what it will say."""
    components = [
        {key: part[key] for key in ("name", "version", "origin", "tree") if key in part}
        for part in record["components"]
    ]
    return {
        "changed": changed,
        "workspace": building.place.workspace,
        "components": components,
    }


def _utc_now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
