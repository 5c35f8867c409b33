# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repositories and workspaces as a build leaves them, made in a moment, for tests of what follows.

Checkouts, digests and the record are made by the collection's own code; steps are just run.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

from ansible_collections.itops.release.plugins.module_utils.building import _checkout, _record
from ansible_collections.itops.release.plugins.module_utils.formats import _canonical
from ansible_collections.itops.release.plugins.module_utils.sources import _kinds
from ansible_collections.itops.release.plugins.plugin_utils.definition import _release_file
from ansible_collections.itops.release.tests.fakes.estate import write_tree

ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
TIME = "2026-01-01T00:00:00Z"
BUILDER = {
    "host": "build1",
    "user": "ci",
    "system": "Debian GNU/Linux 12 (bookworm)",
    "architecture": "x86_64",
    "python": "3.11.2",
    "versions": {"ansible-core": "2.19.14", "itops.release": "0.1.0"},
}


def git(folder, *arguments):
    """Run git in *folder*; return what it says."""
    settings = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "core.hooksPath="]
    done = subprocess.run(
        ["git", *settings, "-C", folder, *arguments],
        env={**ENVIRONMENT, "GIT_AUTHOR_DATE": TIME, "GIT_COMMITTER_DATE": TIME},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.strip()


def commit(folder, files, message="x"):
    """Commit *files*, as of ``write_tree``, to the repository *folder*; return the commit.

    The repository is made when it is not there.
    """
    folder = pathlib.Path(folder)
    if not (folder / ".git").exists():
        folder.mkdir(parents=True, exist_ok=True)
        git(folder, "init", "--quiet", "--initial-branch=main")
    write_tree(folder, files)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", f"--message={message}")
    return git(folder, "rev-parse", "HEAD")


def build(src, workspace, version=None, serial=None, **changes):
    """Build what ``release.yml`` in *src* declares in *workspace*; return the record, written.

    *changes* replace keys of the record, such as ``builder``.
    """
    src, workspace = pathlib.Path(src), pathlib.Path(workspace)
    data = (src / "release.yml").read_bytes()
    release = _release_file.parse(data.decode("utf-8"), "release.yml", version, serial)
    workspace.mkdir(parents=True, exist_ok=True)
    record = {
        "format": _record.FORMAT,
        "run": "run-1",
        "inputs": "0" * 64,
        "release": {key: getattr(release, key) for key in ("name", "version", "serial")},
        "definition": {"path": "release.yml", "sha256": _canonical.sha256_hex(data)},
        "started": TIME,
        "ended": TIME,
        "builder": BUILDER,
        "ci": None,
        "tools": [],
        "environment": {},
        "components": [
            _build(component, src, workspace)
            for component in release.components
            if component.origin
        ],
        **changes,
    }
    (workspace / _record.NAME).write_bytes(_record.render(record))
    return record


def _build(component, src, workspace):
    folder = workspace / component.name
    shutil.rmtree(folder, ignore_errors=True)
    origin = _SOURCES[component.origin.kind](component.origin, src, workspace, folder)
    steps = component.recipe.steps if component.recipe else ()
    for step in steps:
        subprocess.run(step.argv, cwd=folder / step.directory, check=True)
    globs = component.recipe.artifacts if component.recipe else ()
    layer = workspace / f"{component.name}.layer"
    entries = _kinds.KINDS[component.kind].pack(
        str(folder / component.source), component.packing(), str(layer), "gzip"
    )
    layer.unlink()
    return {
        "name": component.name,
        "version": component.version,
        "source": component.source,
        "folder": component.source,
        "tree": _record.tree_digest(entries),
        "origin": {"kind": component.origin.kind, "place": component.origin.place, **origin},
        "steps": [
            {"argv": list(step.argv), "directory": step.directory, "milliseconds": 1, "status": 0}
            for step in steps
        ],
        "artifacts": sorted(
            {
                str(path.relative_to(folder))
                for glob in globs
                for path in folder.glob(glob)
                if path.is_file()
            }
        ),
    }


def _check_out(origin, src, workspace, folder):
    repository = str((src / origin.place).resolve())
    cache = _checkout.cache_of(repository, str(workspace / ".build/git"))
    os.makedirs(os.path.dirname(cache), exist_ok=True)
    source = _checkout.resolve(repository, origin.revision, cache, ENVIRONMENT)
    _checkout.check_out(source, cache, str(folder), ENVIRONMENT)
    return {
        "revision": origin.revision,
        "commit": source.commit,
        "time": source.time,
        "is_dirty": False,
    }


def _copy(origin, src, workspace, folder):
    del workspace
    shutil.copytree(src / origin.place, folder, symlinks=True)
    return {}


_SOURCES = {"git": _check_out, "directory": _copy}
