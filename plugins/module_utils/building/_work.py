# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of a build, as jobs: finding out sources, building, looking at what is there."""

from __future__ import annotations

import os
from functools import partial
from typing import Any, Callable, Iterable, Mapping, Sequence

from ..release import _manifest
from . import _component, _jobs, _left, _place, _record, _sources
from . import _tools as _build_tools
from ._plan import Component
from ._record import Record, Source

TOOLS = ".tools"  # no component's name


class Work:
    """The jobs of one Building."""

    def __init__(self, building: _component.Building, is_waited_for: Callable[[], bool]) -> None:
        self._building, self._is_waited_for = building, is_waited_for
        self._components = building.plan["components"]

    def find(self) -> dict[str, Source]:
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
            _jobs.Job(
                each,
                partial(_sources.fetch, repositories[each], folder, place, building.variables),
            )
            for each in sorted(repositories)
        )
        return self._run(
            _jobs.Job(
                each["name"],
                partial(_sources.find, each, folder, place, building.variables, building.now),
            )
            for each in self._components
        )

    def is_built(self, earlier: Record | None, inputs: str) -> bool:
        """Tell whether what the record *earlier* says of the same *inputs* is still there."""
        if earlier is None or earlier["inputs"] != inputs:
            return False
        recorded = {each["name"]: each["tree"] for each in earlier["components"]}
        try:
            trees = self._run(
                _jobs.Job(each["name"], partial(self._tree, each)) for each in self._components
            )
        except _place.BuildError:
            return False
        return trees == recorded

    def build(self, sources: Mapping[str, Source]) -> dict[str, Any]:
        """Build all; return {component: (part of the record, Entries)} and the TOOLS."""
        building, place = self._building, self._building.place
        _place.fresh(os.path.join(place.base, "log"))
        wanted = _build_tools.programs(self._components, building.path)
        tools = _jobs.Job(TOOLS, partial(self._tools, wanted))
        jobs = [
            _jobs.Job(
                each["name"],
                partial(_component.build, building, each, sources[each["name"]]),
                tuple(each["after"]),
            )
            for each in self._components
        ]
        built = self._run([tools, *jobs])
        for each in self._components:
            part, entries = built[each["name"]]
            built[each["name"]] = part, [_manifest.Entry(*entry) for entry in entries]
        return built

    def _tools(self, wanted: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
        home = _place.fresh(os.path.join(self._building.place.base, "home", TOOLS))
        return _build_tools.describe(wanted, {**_component.COMMON, "HOME": home})

    def _tree(self, component: Component) -> str:
        entries = _left.packed(component, self._building.place)
        return _record.tree_digest(entries)

    def _run(self, jobs: Iterable[_jobs.Job]) -> dict[str, Any]:
        most = max(1, len(os.sched_getaffinity(0)))
        return _jobs.run(list(jobs), most, self._is_waited_for)
