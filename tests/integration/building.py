# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repositories and release.yml files to build from, and the tasks that build them."""

from __future__ import annotations

import json
import os
import subprocess

from ansible_collections.itops.release.tests.integration.applications import task

IDENTITY = ("-c", "user.name=A", "-c", "user.email=a@example.org")


def git(folder, *arguments):
    """Run git in *folder* as some author; return what it says."""
    done = subprocess.run(
        ["git", *IDENTITY, "-C", folder, *arguments],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.strip()


def commit(folder, **files):
    """Commit *files*, {name: text}, to the repository *folder*, made when missing; return it."""
    if not (folder / ".git").exists():
        folder.mkdir(parents=True)
        git(folder, "init", "--quiet", "--initial-branch=main")
    for name, text in files.items():
        (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=x")
    return git(folder, "rev-parse", "HEAD")


def component(name, origin, *steps, source=".", **others):
    """Return a component that is made from *origin* by *steps*; *others* are keys of ``build``."""
    beside = {key: others.pop(key) for key in ("requires", "provides", "kind") if key in others}
    build = {"build": {"steps": list(steps), **others}} if steps else {}
    return {"name": name, "kind": "files", "source": source, "from": origin, **build, **beside}


def declare(folder, *components, version="1", serial=1):
    """Write a release.yml of *components* in *folder*; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    release = {"name": "shop", "version": version, "serial": serial, "components": components}
    (folder / "release.yml").write_text(json.dumps(release, indent=1))  # JSON is YAML
    return folder


def building(title, src, workspace, keywords=None, **options):
    """Return a task that builds what is declared in *src*."""
    options = {"src": str(src), "workspace": str(workspace), **options}
    return task(title, "release_build", options, **(keywords or {}))


def record(workspace):
    """Return the record of the build in *workspace*, None without one."""
    path = workspace / "build.json"
    return json.loads(path.read_text()) if path.exists() else None
