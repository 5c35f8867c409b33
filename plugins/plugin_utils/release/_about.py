# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a manifest declares beside its files: the form that each of these declarations has."""

from __future__ import annotations

from typing import Any

from ...module_utils.git import _command
from ...module_utils.release import _manifest
from ..definition import _recipe
from . import _scripts

SCHEMES = ("pep440", "semver")
MATERIAL = frozenset(("commit", "folder", "kind", "place", "revision", "sha256"))
MATERIAL_NEEDS = {"kind", "place"}


def check(manifest: _manifest.Manifest) -> None:
    """Raise ManifestError unless all that *manifest* declares has its form.

    A library may be anybody's: what it gives was hashed, and not yet believed.
    """
    declaring: list[_manifest.Manifest | _manifest.Component] = [manifest, *manifest.components]
    for where in declaring:
        for key, value in where.about:
            if not FORMS[key](value):
                raise _manifest.ManifestError(f"{key} of {where.name} is malformed")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not _manifest.CONTROL.search(value)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _are_versions(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_text, (*value, *value.values())))


def _are_materials(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_material, value))


def _is_material(value: Any) -> bool:
    return (
        _are_versions(value)
        and MATERIAL_NEEDS <= set(value) <= MATERIAL
        and value["kind"] in _recipe.KINDS
        and ("commit" not in value or _command.COMMIT.match(value["commit"]) is not None)
    )


def _are_requirements(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    texts = {**value}
    size = texts.pop("free_disk", 0)
    python = texts.pop("python", "")
    return (
        isinstance(size, int)
        and not isinstance(size, bool)
        and size >= 0
        and _is_text(python)
        and set(texts) <= {"os", "architecture"}
        and all(map(_are_texts, texts.values()))
    )


def _are_scripts(value: Any) -> bool:
    _scripts.checked(value)
    return True


FORMS = {
    "conflicts": _are_texts,
    "materials": _are_materials,
    "provides": _are_versions,
    "requires": _are_texts,
    "requires_hosts": _are_requirements,
    "scripts": _are_scripts,
    "versions": SCHEMES.__contains__,
}
