# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application in a git repository, whose releases are built and sealed, for tests of notes."""

from __future__ import annotations

import json
import os
import subprocess

from ansible_collections.itops.release.plugins.plugin_utils.building import (
    _built,
    _sealing,
    _source_hosts,
)
from ansible_collections.itops.release.plugins.plugin_utils.definition import _release_file
from ansible_collections.itops.release.plugins.plugin_utils.library import _store
from ansible_collections.itops.release.plugins.plugin_utils.notes import _composition, _workspace
from ansible_collections.itops.release.tests.fakes import builds

ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
AUTHOR = ("-c", "user.name=A", "-c", "user.email=a@example.org")


class Shop:
    """The repository ``git`` and the media library ``library`` below *folder*."""

    def __init__(self, folder):
        self.folder = folder
        self.repository = folder / "git"
        self.library = _store.Library(str(folder / "library"))
        self.workspace = folder / "workspace"

    def commit(self, message="x", **files):
        """Commit *files*, whose names may have ``/`` written as ``__``; return the commit."""
        changes = {name.replace("__", "/"): text for name, text in files.items()}
        return builds.commit(self.repository, changes, message)

    def git(self, *arguments, stdin=None):
        done = subprocess.run(
            ["git", *AUTHOR, "-C", self.repository, *arguments],
            env={**ENVIRONMENT, "GIT_COMMITTER_DATE": builds.TIME},
            input=stdin,
            check=True,
            stdout=subprocess.PIPE,
        )
        return done.stdout.decode().strip()

    def seal(self, version, serial, components=None, **changes):
        """Build and seal what is committed; return the Label. *components* are name and source."""
        src = self.folder / "src"
        src.mkdir(exist_ok=True)
        parts = [
            {
                "name": name,
                "kind": "files",
                "source": source,
                "path": name,
                "from": {"git": str(self.repository), "revision": "main"},
                **more,
            }
            for name, source, more in components or [("web", ".", {})]
        ]
        release = {"name": "shop", "version": version, "serial": serial, "components": parts}
        (src / "release.yml").write_text(json.dumps(release))
        builds.build(src, self.workspace, **changes)
        host = _source_hosts.ThisMachine(str(src), "release.yml", str(self.workspace))
        data = host.read()
        found = _release_file.parse(data.decode(), "release.yml")
        found = _built.prepare(found, host, data)
        return _sealing.seal(self.library, found, host.pack)[0].label

    def notes(self, workspace=True, known=None):
        """Return the Notes of this application, with its workspace if that is wanted."""
        there = _workspace.ThisMachine(str(self.workspace), ENVIRONMENT)
        return _composition.Notes(self.library, there if workspace else None, known)
