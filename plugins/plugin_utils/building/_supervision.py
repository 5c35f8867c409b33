# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a build host is told to build, and how it is watched while it does."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import shlex
import signal
import time

from ...module_utils.building import _record
from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical
from ...module_utils.git import _command
from ..compatibility import _components
from ..definition import _ranges

COLLECTION = pathlib.Path(__file__).resolve().parents[3]
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://", re.ASCII)
POLLING_SECONDS = 1.0
FIRST_SECONDS = 0.1
PATIENCE_SECONDS = 60  # after so long without a word of the controller a build host ends its build


class BuildingError(ReleaseError):
    """What is declared cannot be built; the text says why in a line."""

    code = "build_failed"


def components(release):
    """Return the components of a ReleaseFile that are built, as plain data for the build host."""
    for source in release.components:
        if source.recipe and not source.origin:
            raise BuildingError(
                f"component {source.name} has build, but no from: say where its sources come from"
            )
    built = [source for source in release.components if source.origin]
    if not built:
        raise BuildingError("no component of the release has from: there is nothing to build")
    after = _order(built)
    # Sealing refuses these, too, but only when all was built.
    problems = _components.find_problems(_components.parts(release))
    if problems:
        raise BuildingError("; ".join(problems))
    return [_plain(source, after[source.name]) for source in built]


def versions(core):
    """Return the versions of what builds on the controller; *core* is that of ansible-core."""
    try:
        text = (COLLECTION / "MANIFEST.json").read_text(encoding="utf-8")
        own = json.loads(text)["collection_info"]["version"]
    except FileNotFoundError:  # a checkout
        text = (COLLECTION / "galaxy.yml").read_text(encoding="utf-8")
        own = re.search(r"^version: *\"?([^\s\"]+)", text, re.MULTILINE)[1]
    return {"ansible-core": core, "itops.release": own}


def watch(action, started, patience, tell, link_broke):
    """Return how the build that *started* ended; meanwhile ``tell(text)`` says how far it is.

    The host is asked by a small command, as the user that the task becomes. Where the link breaks,
    which is the exception *link_broke*, it is asked again for half as long as the host has
    *patience*, seconds. Where this process is told to end, so is the build.
    """
    polled = shlex.quote(started["polled"])

    def forget():
        action._low_level_execute_command(f"rm -f {polled}")

    with _ended_by_signals(forget):
        seen, pause, heard = 0, FIRST_SECONDS, time.monotonic()
        while True:
            time.sleep(pause)
            pause = min(POLLING_SECONDS, pause * 1.5)
            try:
                said = action._low_level_execute_command(_asking(started, seen))
            except link_broke:
                if time.monotonic() - heard > patience / 2:
                    raise
                continue
            heard = time.monotonic()
            found = list(_events(said["stdout"]))
            for event in found:
                seen += "alive" not in event
                if "say" in event:
                    tell(_canonical.one_line(event["say"]))
                if "ended" in event:
                    forget()
                    return event["ended"]
            if not any("alive" in event for event in found):
                raise BuildingError(
                    "the process of the build was killed on the build host; what its steps said is "
                    "in .build/log of the workspace"
                )


def _asking(started, seen):
    """Return the command that tells what is new after *seen* events, and that somebody waits."""
    polled, events = shlex.quote(started["polled"]), shlex.quote(started["events"])
    # A process that is only not yet waited for by its parent is over, too.
    state = f"grep -q '^State:.[^XZ]' /proc/{int(started['pid'])}/status 2>/dev/null"
    alive = json.dumps({"alive": True})
    return f"{state} && echo '{alive}'; touch -c {polled}; tail -n +{seen + 1} {events}"


def _plain(source, after):
    origin, recipe = source.origin, source.recipe
    if source.name == _record.NAME:
        raise BuildingError(f"component {source.name} has the name of a build's record")
    shown = _command.shown(origin.place)
    if shown != origin.place and _has_secret(origin.place):
        raise BuildingError(
            f"component {source.name}: the address {shown} has a user or password in it, which "
            "others would see; give it to git or curl on the build host, as by ~/.netrc"
        )
    return {
        "name": source.name,
        "version": source.version,
        "kind": source.kind,
        "source": source.source,
        "packing": source.packing(),
        "origin": origin._asdict(),
        "steps": [step._asdict() for step in recipe.steps] if recipe else [],
        "environment": recipe.environment if recipe else {},
        "passed": list(recipe.passed) if recipe else [],
        "artifacts": list(recipe.artifacts) if recipe else [],
        "after": after,
    }


def _has_secret(place):
    """Tell whether the address *place* has more in it than a user's name for ssh."""
    user = ADDRESS.sub("", place).partition("@")[0]
    return ":" in user or not place.startswith("ssh://")


def _order(built):
    """Return {component: names of those that it is built after}: which it requires."""
    providers = {source.name: source.name for source in built}
    for source in built:
        for name in dict(source.about).get("provides", {}):
            providers.setdefault(name, source.name)
    after = {}
    for source in built:
        about = dict(source.about)
        wanted = (_ranges.parse(text, about["versions"]).name for text in about.get("requires", ()))
        found = {providers[name] for name in wanted if name in providers}
        after[source.name] = sorted(found - {source.name})
    left = dict(after)
    while left:
        free = [name for name, others in left.items() if not set(others) & left.keys()]
        if not free:
            circle = " and ".join(sorted(left))
            raise BuildingError(f"components require each other in a circle: {circle}")
        left = {name: others for name, others in left.items() if name not in free}
    return after


def _events(text):
    """Yield the events in whole lines of *text*; what a login says beside them is none."""
    for line in text.splitlines(keepends=True):
        if line.endswith("\n") and line.startswith("{"):
            with contextlib.suppress(ValueError):
                yield json.loads(line)


class _Interrupted(BaseException):
    """A signal that ends this process came, but something must be done before."""


@contextlib.contextmanager
def _ended_by_signals(forget):
    """Call *forget* before what a signal, or a failure, ends."""
    before = {}

    def interrupt(number, _frame):
        for each in before:
            signal.signal(each, lambda *_signal: None)  # a second one would be too early
        raise _Interrupted(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, interrupt)
    try:
        yield
    except BaseException as error:  # such as that the time of the task is over
        with contextlib.suppress(Exception):
            forget()
        for number, handler in before.items():
            signal.signal(number, handler)
        if isinstance(error, _Interrupted):
            os.kill(os.getpid(), error.args[0])
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
