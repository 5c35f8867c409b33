# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the collection's tarball and checks it as Galaxy and its users would meet it."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile

from tests.tooling import checkout

# Everything that git tracks in these is shipped; of the rest of the checkout only single files are.
SHIPPED = ("docs", "inventories", "meta", "playbooks", "plugins", "roles", "schemas")
ALSO_SHIPPED = {
    "CHANGELOG.md",
    "FILES.json",
    "LICENSE",
    "MANIFEST.json",
    "README.md",
    "bindep.txt",
    "changelogs/changelog.yaml",
    "requirements.txt",
}


def main() -> int:
    """Build, inspect, import and install the tarball; return an exit status."""
    with tempfile.TemporaryDirectory(prefix="itops-release-") as scratch:
        try:
            tarball = build(pathlib.Path(scratch))
            check_names(tarball)
            check_import(tarball)
            check_installed(tarball, pathlib.Path(scratch, "installed"))
        except (UnfitError, subprocess.CalledProcessError) as error:
            print(error, file=sys.stderr)
            return 1
    return 0


def build(scratch: pathlib.Path) -> pathlib.Path:
    """Return the tarball made from a copy of the checkout."""
    copy = checkout.copy_to(scratch / "checkout")
    run("ansible-galaxy", "collection", "build", "--output-path", str(scratch), str(copy))
    return next(scratch.glob("*.tar.gz"))


def check_names(tarball: pathlib.Path) -> None:
    """Raise UnfitError when the tarball holds more or less than is meant to be shipped."""
    with tarfile.open(tarball) as archive:
        shipped = {member.name for member in archive if member.isfile()}
    meant = {p for p in checkout.files() if p.startswith(tuple(f"{top}/" for top in SHIPPED))}
    leaked, missing = shipped - meant - ALSO_SHIPPED, (meant | ALSO_SHIPPED) - shipped
    if leaked or missing:
        raise UnfitError(
            f"shipped, not meant: {sorted(leaked)}; meant, not shipped: {sorted(missing)}"
        )


def check_import(tarball: pathlib.Path) -> None:
    """Have galaxy-importer read the tarball, as Galaxy does on upload."""
    # ansible-lint has a tier of its own, with the same rules.
    environment = {**os.environ, "GALAXY_IMPORTER_RUN_ANSIBLE_LINT": "false"}
    command = [sys.executable, "-m", "galaxy_importer.main", tarball]
    done = subprocess.run(
        command,
        cwd=tarball.parent,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(done.stdout, end="")
    if done.returncode or "WARNING" in done.stdout or "ERROR" in done.stdout:
        raise UnfitError("galaxy-importer complains (see above)")


def check_installed(tarball: pathlib.Path, folder: pathlib.Path) -> None:
    """Install the tarball without a network, verify what is there, and read all documentation."""
    where = ["--collections-path", str(folder)]
    run("ansible-galaxy", "collection", "install", "--offline", "--no-deps", *where, str(tarball))
    run("ansible-galaxy", "collection", "verify", "--offline", *where, "itops.release")
    for plugin_type in ("module", "callback", "role"):
        listed = run(
            "ansible-doc",
            "--type",
            plugin_type,
            "--list",
            "--json",
            "itops.release",
            collections=folder,
        )
        names = list(json.loads(listed))
        if not names:
            raise UnfitError(f"ansible-doc finds no {plugin_type}")
        run("ansible-doc", "--type", plugin_type, *names, collections=folder)


def run(*command: str, collections: pathlib.Path | None = None) -> str:
    """Return what a tool of the virtual environment prints; its complaints are shown."""
    environment = dict(os.environ)
    if collections:
        environment["ANSIBLE_COLLECTIONS_PATH"] = str(collections)
    print("+", *command, flush=True)
    path = checkout.TOOLS / command[0]
    done = subprocess.run(
        [path, *command[1:]], env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


class UnfitError(Exception):
    """The tarball is not what it is meant to be."""


if __name__ == "__main__":
    sys.exit(main())
