# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A build host without Ansible: release.yml files are built by the host's half, and watched."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import time

from ansible_collections.itops.release.plugins.module_utils.building import _record, _supervisor
from ansible_collections.itops.release.plugins.plugin_utils.building import _supervision
from ansible_collections.itops.release.plugins.plugin_utils.definition import _release_file

VERSIONS = {"ansible-core": "2.19.14", "itops.release": "0.1.0"}
PATIENCE_S = 60
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
            "components": _supervision.components(release),
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
