# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan of a build: what a build host is to build, and in which order."""

from __future__ import annotations

import json
import pathlib
import re
from dataclasses import dataclass
from typing import Any

from ...module_utils.building import _record
from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical
from ...module_utils.git import _command
from ..compatibility import _components
from ..definition import _ranges, _recipe, _release_file
from ..run import _ci

COLLECTION = pathlib.Path(__file__).resolve().parents[3]
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://", re.ASCII)


class BuildingError(ReleaseError):
    """What is declared cannot be built; the text says why in a line."""

    code = "build_failed"


@dataclass(frozen=True)
class Plan:
    """What a build host is asked to build, and how; crosses to the host as plain data.

    *run* names the run of Ansible, *core* is the version of ansible-core, *path* and *data* are
    those of ``release.yml`` on the build host, *folder* is what its sources are relative to.
    After *patience* seconds without a poll the build host ends the build.
    """

    run: str
    core: str
    release: _release_file.ReleaseFile
    path: str
    data: bytes
    folder: str
    is_check: bool
    rebuild: str
    require_reproducible: bool
    patience: float
    job: _ci.Job | None

    def to_plain(self) -> dict[str, Any]:
        """Return the plan as the build host reads it; raise BuildingError if it cannot be built."""
        release = self.release
        return {
            "run": self.run,
            "release": {key: getattr(release, key) for key in ("name", "version", "serial")},
            "definition": {"path": self.path, "sha256": _canonical.sha256_hex(self.data)},
            "folder": self.folder,
            "check": self.is_check,
            "rebuild": self.rebuild,
            "require_reproducible": self.require_reproducible,
            "patience": self.patience,
            "versions": versions(self.core),
            "ci": self.job and self.job._asdict(),
            "components": components(release),
            "scripts": release.scripts,
        }


def components(release: _release_file.ReleaseFile) -> list[dict[str, Any]]:
    """Return the components of a ReleaseFile that are built, as plain data for the build host."""
    for source in release.components:
        if source.recipe and not source.origin:
            raise BuildingError(
                f"component {source.name} has build, but no from: say where its sources come from"
            )
    built = [(source, source.origin) for source in release.components if source.origin]
    if not built:
        raise BuildingError("no component of the release has from: there is nothing to build")
    after = _order([source for source, _origin in built])
    # Sealing refuses these, too, but only when all was built.
    problems = _components.find_problems(_components.parts(release))
    if problems:
        raise BuildingError("; ".join(problems))
    return [_plain(source, origin, after[source.name]) for source, origin in built]


def versions(core: str) -> dict[str, str]:
    """Return the versions of what builds on the controller; *core* is that of ansible-core."""
    try:
        text = (COLLECTION / "MANIFEST.json").read_text(encoding="utf-8")
        own = json.loads(text)["collection_info"]["version"]
    except FileNotFoundError:  # a checkout
        text = (COLLECTION / "galaxy.yml").read_text(encoding="utf-8")
        found = re.search(r"^version: *\"?([^\s\"]+)", text, re.MULTILINE)
        own = found[1] if found else "unknown"
    return {"ansible-core": core, "itops.release": own}


def _plain(
    source: _release_file.ComponentSource, origin: _recipe.Origin, after: list[str]
) -> dict[str, Any]:
    recipe = source.recipe
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


def _has_secret(place: str) -> bool:
    """Tell whether the address *place* has more in it than a user's name for ssh."""
    user = ADDRESS.sub("", place).partition("@")[0]
    return ":" in user or not place.startswith("ssh://")


def _order(built: list[_release_file.ComponentSource]) -> dict[str, list[str]]:
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
