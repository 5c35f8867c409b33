# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small applications to release, the plays that release them, and how a deployed one is read."""

from __future__ import annotations

import json
import os
from pathlib import Path


def write_application(directory, files, version="1.0.0", serial=1, name="shop", **component):
    """Write *files* below ``directory/src`` and a release.yml beside it; return *directory*.

    *files* is ``{path: text}``; a path below ``bin/`` becomes executable. *component* is added to
    the only component's keys.
    """
    for path, text in files.items():
        file = directory / "src" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(0o755 if path.startswith("bin/") else 0o644)
    return describe_application(directory, version, serial, name, **component)


def describe_application(directory, version, serial, name="shop", **component):
    """Write the release.yml of what is below ``directory/src``; return *directory*."""
    release = {
        "name": name,
        "version": version,
        "serial": serial,
        "components": [{"name": "app", "kind": "files", "source": "src", **component}],
    }
    text = json.dumps(release, ensure_ascii=False, indent=1)  # JSON is YAML
    (directory / "release.yml").write_text(text, encoding="utf-8")
    return directory


def play(*tasks, **keywords):
    """Return the text of a playbook that runs *tasks* on all hosts."""
    plays = [{"hosts": "all", "gather_facts": False, "tasks": list(tasks), **keywords}]
    return json.dumps(plays, ensure_ascii=False, indent=1) + "\n"


def task(title, module, options, **keywords):
    """Return a task that calls *module* of this collection; *keywords* are the task's own."""
    return {"name": title, f"itops.release.{module}": options, **keywords}


def sealing(title, directory, library, keywords=None, **options):
    """Return a task that seals the application in *directory*."""
    options = {"src": str(directory), "media_library": str(library), **options}
    return task(title, "release_package", options, **(keywords or {}))


def deploying(title, release, library, keywords=None, **options):
    """Return a task that deploys *release* to ``shop`` below the host's directory for tests."""
    options = {
        "root": "{{ srv }}/shop",
        "media_library": str(library),
        "pack_cache": f"{library}-packs",
        **({"release": release} if release else {}),
        **options,
    }
    return task(title, "release_deployment", options, **(keywords or {}))


def looking(title, keywords=None, **options):
    """Return a task that verifies what is deployed to ``shop``."""
    options = {"root": "{{ srv }}/shop", "verify": True, **options}
    return task(title, "release_deployment_info", options, **(keywords or {}))


def read_tree(directory):
    """Return ``{path: (text, is executable)}`` of all files below *directory*.

    Directories are ``{path/: None}`` and links ``{path: target}``.
    """
    found = {}
    directory = Path(directory)
    for path in directory.rglob("*"):
        name = str(path.relative_to(directory))
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_dir():
            found[name + "/"] = None
        else:
            found[name] = (path.read_bytes(), bool(path.stat().st_mode & 0o100))
    return found


def current_tree(target, root="shop"):
    """Return ``read_tree`` of the release that is current on a Target."""
    root = target.seen / root
    return read_tree(root / os.readlink(root / "current"))


def is_one_line(message):
    """Tell whether *message* is a reason in a line, and no traceback."""
    return bool(message) and "\n" not in message and "Traceback" not in message
