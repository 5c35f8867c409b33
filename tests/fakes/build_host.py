# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A build host without Ansible: builds by the host's half, and a machine that modules run on."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.itops.release.plugins.module_utils.building import _record, _supervisor
from ansible_collections.itops.release.plugins.module_utils.errors._release_error import (
    ReleaseError,
)
from ansible_collections.itops.release.plugins.module_utils.formats import _message
from ansible_collections.itops.release.plugins.plugin_utils.building import _plan
from ansible_collections.itops.release.plugins.plugin_utils.definition import _release_file

Half = Callable[[dict[str, Any]], dict[str, Any]]
VERSIONS = {"ansible-core": "2.19.14", "itops.release": "0.1.0"}
PATIENCE_S = 60
MOST_COMMANDS = 200
BESIDE = ("exclude", "kind", "provides", "requires")


class BuildHost:
    """Builds what is declared in ``folder/src`` in ``folder/workspace``."""

    def __init__(self, folder):
        self.src = folder / "src"
        self.src.mkdir()
        self.workspace = folder / "workspace"
        self.variables = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
        self.definition = "0" * 64  # the digest of release.yml
        self.said = []

    def build(self, *components, **options):
        """Build a release of *components* to its end; return what is told of that."""
        return Going(self, self.start(*components, **options)).wait()

    def begin(self, *components, **options):
        """Start to build *components*; return it as Going."""
        return Going(self, self.start(*components, **options))

    def start(self, *components, version="1", serial=1, workspace=None, scripts=None, **options):
        """Start to build *components*; return what there is to poll."""
        declared = {"name": "shop", "version": version, "serial": serial, "components": components}
        declared["scripts"] = scripts or {}
        path = str(self.src / "release.yml")
        release = _release_file.parse(json.dumps(declared), path)
        plan = {
            "run": "a-run",
            "release": {"name": "shop", "version": version, "serial": serial},
            "definition": {"path": path, "sha256": self.definition},
            "folder": str(self.src),
            "workspace": str(workspace or self.workspace),
            "check": False,
            "rebuild": "changed",
            "require_reproducible": True,
            "patience": PATIENCE_S,
            "versions": VERSIONS,
            "ci": None,
            "components": _plan.components(release),
            "scripts": release.scripts,
            **options,
        }
        plan = json.loads(json.dumps(plan))  # as it travels
        return _supervisor.start(plan, self.variables)

    def record(self):
        """Return the record in the workspace, None without one."""
        with contextlib.suppress(_record.RecordError):
            return _record.read(str(self.workspace))
        return None

    def text(self, path):
        """Return the text of a file in the workspace."""
        return (self.workspace / path).read_text()


class Going:
    """A build that goes on; it is only touched by ``wait``."""

    def __init__(self, host, started):
        self.pid = started["pid"]
        self.polled = pathlib.Path(started["polled"])
        self._host = host
        self._events = pathlib.Path(started["events"])

    def events(self):
        """Return what was told until now."""
        return [json.loads(line) for line in self._events.read_text().splitlines()]

    def wait(self, seconds=60, touch=True):
        """Return how it ended, having polled it where *touch* says so."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if touch and self.polled.exists():
                os.utime(self.polled)
            events = self.events()
            if events and "ended" in events[-1]:
                self._host.said = [event["say"] for event in events[:-1]]
                self.polled.unlink(missing_ok=True)
                return events[-1]["ended"]
            time.sleep(0.01)
        raise AssertionError(f"it goes on: {self.events()}")


def component(name, origin, *steps, source=".", **others):
    """Return a component that is made from *origin* by *steps*; *others* are keys of ``build``.

    Those of BESIDE are its own.
    """
    beside = {key: others.pop(key) for key in BESIDE if key in others}
    build = {"build": {"steps": list(steps), **others}} if steps else {}
    return {"name": name, "kind": "files", "source": source, "from": origin, **build, **beside}


def shell(text, **others):
    """Return a step for the shell."""
    return {"shell": text, **others}


class LinkBroke(Exception):
    """The connection to the build host broke."""


class Machine:
    """This machine, with the interface of a build host's ``Machine``.

    *halves* are the modules, by name: each takes its arguments and returns its answer, or raises
    ReleaseError or OSError. Before each command the next of *moments* happens.
    """

    lost = LinkBroke

    def __init__(self, halves: dict[str, Half] | None = None, *moments: Callable[[], None]) -> None:
        self.calls: list[tuple[str, dict[str, Any], bool]] = []  # module, arguments, through input
        self.commands: list[str] = []
        self.folders: list[str] = []
        self._halves = halves or {}
        self._moments = list(moments)

    def run_module(
        self, name: str, arguments: dict[str, Any], through_input: bool
    ) -> dict[str, Any]:
        """Call the half *name* with *arguments* as they travel."""
        self.calls.append((name, arguments, through_input))
        try:
            answer = self._halves[name](json.loads(json.dumps(arguments)))
            return {"changed": False, "format": _message.FORMAT, **answer}
        except (ReleaseError, OSError) as error:
            return {"failed": True, "msg": str(error)}

    def run_command(self, command: str) -> str:
        """Run *command*; what a login says comes before what it prints."""
        self.commands.append(command)
        if not command.startswith("rm"):
            assert len(self.commands) < MOST_COMMANDS, "it goes on for ever"
            if self._moments:
                self._moments.pop(0)()
        done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, text=True, check=False)
        return "Welcome!\n{oh\n" + done.stdout

    def fetch(self, there: str, path: str) -> None:
        """Copy a file."""
        shutil.copyfile(there, path)

    @contextlib.contextmanager
    def folder(self) -> Iterator[str]:
        """Give a folder that is removed afterwards."""
        with tempfile.TemporaryDirectory() as path:
            self.folders.append(path)
            yield path + "/"
