# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the collection's tarball and checks it as Galaxy and its users would meet it."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile

from tests.tooling import checkout

# Everything that git tracks in these is shipped; of the rest of the checkout only single files are.
SHIPPED = tuple(
    "docs examples inventories meta playbooks plugins requirements roles schemas scripts "
    "templates".split()
)
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
INSTALLED = "installed"  # the collections path below the scratch folder


def main() -> int:
    """Build, inspect, import and install the tarball; return an exit status."""
    with tempfile.TemporaryDirectory(prefix="itops-release-") as scratch:
        try:
            tarball = build(pathlib.Path(scratch))
            check_names(tarball)
            check_import(tarball)
            check_installed(tarball)
        except (UnfitError, subprocess.CalledProcessError) as error:
            print(error, file=sys.stderr)
            return 1
    return 0


def build(scratch: pathlib.Path) -> pathlib.Path:
    """Return the tarball made from a copy of the checkout."""
    checkout.copy_to(scratch / "checkout")
    run(scratch, "ansible-galaxy", "collection", "build", "checkout")
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
    environment = {**checkout.environment(), "GALAXY_IMPORTER_RUN_ANSIBLE_LINT": "false"}
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
    # A role in a collection is described by its argument specs; the importer looks elsewhere.
    warnings = re.findall("^WARNING: (?!Could not get role description).*", done.stdout, re.M)
    if done.returncode or warnings:
        raise UnfitError("galaxy-importer complains (see above)")


def check_installed(tarball: pathlib.Path) -> None:
    """Install the tarball without a network, verify what is there, and read all documentation."""
    scratch = tarball.parent
    where = ("--collections-path", INSTALLED)
    install = ("install", "--offline", "--no-deps", *where, tarball.name)
    run(scratch, "ansible-galaxy", "collection", *install)
    run(scratch, "ansible-galaxy", "collection", "verify", "--offline", *where, "itops.release")
    for kind in ("module", "callback", "filter", "role"):
        listed = run(scratch, "ansible-doc", "--type", kind, "--list", "--json", "itops.release")
        names = list(json.loads(listed))
        if not names:
            raise UnfitError(f"ansible-doc finds no {kind}")
        run(scratch, "ansible-doc", "--type", kind, *names)


def run(scratch: pathlib.Path, *command: str) -> str:
    """Return what a command prints that knows only the collection installed in *scratch*."""
    print("+", *command, flush=True)
    done = subprocess.run(
        command,
        cwd=scratch,
        env={**checkout.environment(), "ANSIBLE_COLLECTIONS_PATH": str(scratch / INSTALLED)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


class UnfitError(Exception):
    """The tarball is not what it is meant to be."""


if __name__ == "__main__":
    sys.exit(main())
