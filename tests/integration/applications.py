# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small applications to release, the plays that release them, and how a deployed one is read."""

from __future__ import annotations

import hashlib
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


def seal_all(controller, library, applications):
    """Seal the *applications*, directories with a release.yml, into the media library *library*."""
    run = controller.run(
        play(*(sealing(f"Seal {path}", path, library) for path in applications)), "localhost,"
    )
    assert run.rc == 0, run.output


class Operator:
    """Somebody who runs the collection's playbooks over the hosts of one inventory."""

    def __init__(self, run_playbook, inventory):
        self._run_playbook = run_playbook
        self._inventory = inventory

    def deploy(self, version, **options):
        variables = {"deploy_release": f"shop:{version}", **options}
        return self.run("itops.release.deploy", **variables)

    def rollback(self, **options):
        return self.run("itops.release.rollback", **options)

    def verify(self, **options):
        return self.run("itops.release.verify", **options)

    def uninstall(self, **options):
        return self.run("itops.release.uninstall", **options)

    def play(self, *tasks, **options):
        """Run *tasks* on all hosts."""
        return self.run(play(*tasks), **options)

    def run(self, playbook, check=False, env=None, **variables):
        """Run *playbook*, with *variables* from the command line; return the Run."""
        return self._run_playbook(
            playbook, self._inventory, check=check, env=env, extra_vars=variables
        )


def snapshot(directory):
    """Return all that can be seen of what is below *directory*, to tell whether it was touched."""
    found = {}
    for path in sorted([directory, *directory.rglob("*")]):
        there = path.lstat()
        content = None
        if path.is_symlink():
            content = os.readlink(path)
        elif path.is_file():
            content = path.read_bytes()
        owner = (there.st_uid, there.st_gid)
        identity = (there.st_ino, there.st_mode, there.st_mtime_ns)
        found[str(path.relative_to(directory))] = (*identity, *owner, content)
    return found


def report_line(run, host):
    """Return the line on *host* in the report that closes a run."""
    report = run.stdout.partition("\nRELEASES *")[2]
    return next(line for line in report.splitlines() if line.startswith(f"{host} "))


def failures(run):
    """Return ``{host: message}`` of the last failure on each host that failed."""
    return {
        outcome.host: outcome.result.get("msg")
        for outcome in run.outcomes
        if outcome.status == "failed" and not outcome.ignored
    }


def live_version(target, root="shop"):
    """Return the version that is current on a Target, by the name of its tree."""
    return os.readlink(target.seen / root / "current").rpartition("/")[2].partition("-")[0]


def read_state(target, root="shop"):
    """Return what the root's state file says."""
    state = json.loads((target.seen / root / ".release/state.json").read_text(encoding="utf-8"))
    state.pop("sum", None)  # for who writes it with something else in it
    return state


def objects_of(target, content, root="shop"):
    """Return the files in which a root holds *content*, text."""
    digest = hashlib.sha256(content.encode("utf-8")).hexdigest()
    return list((target.seen / root / ".release/objects" / digest[:2]).glob(digest + "*"))
