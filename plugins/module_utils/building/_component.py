# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Building one component: its sources, its steps, and what they must leave.

A component is plain data: name, version, kind, source, packing, origin, steps, environment, passed,
artifacts and after, as the controller makes it from ``release.yml``.
"""

from __future__ import annotations

import os
import shlex
import shutil
from typing import Any, Callable, Mapping, Sequence

from ..formats import _canonical
from ..git import _command
from ..release._manifest import Entry
from . import _checkout, _left, _place, _record, _sources, _steps
from ._plan import Component, Plan, Step
from ._record import Source

COMMON = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TAIL_LINES = 20
SHOWN_WORDS = 60
MOST_CHANGED = 20  # files of a commit that are named


class Building:
    """What all components of one build share.

    *variables* are the builder's own: what fetches sources sees them, steps only what a component
    passes. ``say(**event)`` tells how far it is, ``now()`` are seconds of a steady clock.
    """

    def __init__(
        self,
        plan: Plan,
        place: _place.Place,
        variables: Mapping[str, str],
        say: Callable[..., None],
        now: Callable[[], float],
    ) -> None:
        self.plan, self.place, self.variables = plan, place, variables
        self.say, self.now = say, now
        self.path = variables.get("PATH") or DEFAULT_PATH
        names = {name for component in plan["components"] for name in component["passed"]}
        self.secrets = [variables[name] for name in names if variables.get(name)]

    def masked(self, text: str) -> str:
        """Return *text* with stars in place of the values that are passed to steps."""
        mask = _steps.Mask(self.secrets)
        return mask.hide(text.encode("utf-8", "replace"), is_last=True).decode("utf-8", "replace")


def build(
    building: Building, component: Component, source: Source
) -> tuple[dict[str, Any], list[Entry]]:
    """Build *component* from *source*; return (its part of the record, its Entries)."""
    place, name = building.place, component["name"]
    folder = place.component(name)
    _place.clear(folder)
    building.say(say="%s: laying out its sources" % name)
    _sources.lay_out(
        component,
        source,
        folder,
        place,
        building.plan["folder"],
        building.variables,
        building.now,
    )
    steps = run_steps(building, component, source, folder)
    if source["kind"] == "git":
        source = {**source, **_changed(source, folder, building.variables)}
    artifacts = _left.find_artifacts(component, folder)
    entries = _left.packed(component, place)
    return {
        "name": name,
        "version": component["version"],
        "source": component["source"],
        "folder": _folder(component),
        "tree": _record.tree_digest(entries),
        "origin": source,
        "steps": steps,
        "artifacts": artifacts,
    }, entries


def run_steps(
    building: Building, component: Component, source: Source, folder: str
) -> list[dict[str, Any]]:
    """Run the steps of *component* in *folder*; return them for the record, or raise BuildError."""
    done, name, count = [], component["name"], len(component["steps"])
    common = environment_of(building, component, source)
    with open(building.place.log(name), "wb") as log:
        for number, step in enumerate(component["steps"], 1):
            words = _words([building.masked(word) for word in step["argv"]])
            which = "%s: step %d of %d (%s)" % (name, number, count, words)
            building.say(say=which + " …")
            log.write(("== %s\n" % which).encode("utf-8", "replace"))
            log.flush()
            directory = directory_of(step, folder, which)
            environment = {**common, **step["environment"], **_passed(building, component)}
            ended = _steps.run(
                step["argv"],
                directory,
                environment,
                step["timeout"],
                building.secrets,
                log,
            )
            if ended.status != 0:
                how = _how_it_ended(ended, step, directory, environment["PATH"])
                raise _failed(building, component, ended, which + " " + how)
            building.say(say="%s: step %d of %d took %.1f s" % (name, number, count, ended.seconds))
            done.append(
                {
                    "argv": [building.masked(word) for word in step["argv"]],
                    "directory": step["directory"],
                    "milliseconds": round(ended.seconds * 1000),
                    "status": ended.status,
                }
            )
    return done


def environment_of(building: Building, component: Component, source: Source) -> dict[str, str]:
    """Return the environment of all steps of *component*, without what is passed to it."""
    place, name = building.place, component["name"]
    return {
        **COMMON,
        "PATH": building.path,
        "HOME": _place.fresh(os.path.join(place.base, "home", name)),
        "TMPDIR": _place.fresh(os.path.join(place.base, "tmp", name)),
        "SOURCE_DATE_EPOCH": str(_sources.epoch(source)),
        "RELEASE_WORKSPACE": place.workspace,
        "RELEASE_VERSION": building.plan["release"]["version"],
        **component["environment"],
    }


def directory_of(step: Step, folder: str, which: str) -> str:
    """Return where in *folder* a *step* runs; BuildError for what is not a directory in there."""
    path = os.path.join(folder, step["directory"])
    top = os.path.realpath(folder)
    if os.path.commonpath([top, os.path.realpath(path)]) != top:
        raise _place.BuildError(
            "%s: its directory %r leads out of the sources" % (which, step["directory"])
        )
    if not os.path.isdir(path):
        raise _place.BuildError(
            "%s: its directory %r is not in the sources" % (which, step["directory"])
        )
    return path


def _how_it_ended(ended: _steps.Ended, step: Step, directory: str, path: str) -> str:
    """Return why a *step* that ran in *directory*, with *path* as its PATH, counts as failed."""
    program = step["argv"][0]
    if ended.status is None:
        return "was ended, for it took more than its timeout of %d s" % step["timeout"]
    if ended.status < 0:
        return "was ended by signal %d" % -ended.status
    if ended.status == _steps.NOT_RUN:
        if "/" in program and not os.path.exists(os.path.join(directory, program)):
            return "could not be started: %s is not there" % _canonical.one_line(program)
        if "/" not in program and not shutil.which(program, path=path):
            told = tuple(map(_canonical.one_line, (program, path)))
            return "could not be started: %s is not on PATH of the build host (%s)" % told
    return "ended with %d" % ended.status


def _failed(
    building: Building, component: Component, ended: _steps.Ended, told: str
) -> _place.BuildError:
    lines = ended.tail.splitlines()[-TAIL_LINES:]
    return _place.BuildError(
        "%s; all it said is in %s" % (told, building.place.log(component["name"])),
        "\n".join(lines),
    )


def _passed(building: Building, component: Component) -> dict[str, str]:
    """Return what *component* may see of the builder's variables; all of it is there."""
    return {name: building.variables[name] for name in component["passed"]}


def _words(argv: Sequence[str]) -> str:
    """Return what tells a person which command *argv* is."""
    shell = argv[0] == "/bin/sh" and len(argv) == 3
    words = argv[2] if shell else " ".join(shlex.quote(word) for word in argv)
    words = _canonical.one_line(" ".join(words.split()))
    return words if len(words) <= SHOWN_WORDS else words[: SHOWN_WORDS - 1] + "…"


def _changed(source: Source, folder: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return whether the steps changed files of the commit, or went to another one, and which."""
    commit = _checkout.Source(source["commit"], source["time"])
    try:
        paths = _checkout.find_changed(commit, folder, environment)
    except _command.GitError:
        return {"is_dirty": True}
    if not paths:
        return {"is_dirty": False}
    told = [path.encode("utf-8", "backslashreplace").decode("utf-8") for path in paths]
    return {"is_dirty": True, "changed": told[:MOST_CHANGED]}


def _folder(component: Component) -> str:
    """Return the folder of the repository that what is sealed of *component* depends on.

    Where steps make it, that is the one in which they and it lie.
    """
    directories = [component["source"], *(step["directory"] for step in component["steps"])]
    absolute = [os.path.normpath(os.path.join("/", each)) for each in directories]
    return os.path.relpath(os.path.commonpath(absolute), "/")
