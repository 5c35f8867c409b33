# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release.yml``: what a release is made of, as its author writes it."""

from __future__ import annotations

import functools
import pathlib
from typing import NamedTuple

from ..module_utils import _manifest
from . import _schema_file
from ._schema_file import FileError as ReleaseFileError

ONLY_FOR = {
    "checksums": "files",
    "strip": "archive",
    "sha256": "archive",
    "limits": "archive",
}


class ComponentSource(NamedTuple):
    """One component as declared: where its files are, which are taken, and where they go."""

    name: str
    version: str
    kind: str
    source: str
    path: str
    include: tuple
    exclude: tuple
    private: tuple
    writable: tuple
    case_sensitive: bool
    checksums: str | None = None
    strip: int = 0
    sha256: str | None = None
    limits: dict | None = None


class ReleaseFile(NamedTuple):
    """A release as declared; components are sorted by name."""

    name: str
    version: str
    serial: int
    components: tuple


def parse(text, filename, version=None, serial=None):
    """Return the ReleaseFile in the YAML *text*; *version* and *serial* stand over what it says.

    Raises ReleaseFileError with one line ``file:line: key: what is wrong, what was expected``, and
    MissingLibrary.
    """
    options = {"version": version, "serial": serial}
    options = {key: value for key, value in options.items() if value is not None}
    for error in _schema_file.find_errors(options, {"properties": schema()["properties"]}):
        raise ReleaseFileError(f"the option {_schema_file.explain(error)}")
    plain, lines = _schema_file.load(text, filename, "a release")
    if isinstance(plain, dict):
        plain.update(options)
    _schema_file.check(plain, lines, filename, schema())
    components = [_component(item, plain["version"]) for item in plain["components"]]
    for index, component in enumerate(components):
        _check_path("path", component.path, index, lines, filename)
        source = str(pathlib.PurePosixPath(component.source))  # a slash at its end does no harm
        _check_path("source", source, index, lines, filename)
        _check_path("checksums", component.checksums or ".", index, lines, filename)
    names = set()
    for index, item in enumerate(plain["components"]):
        _check_keys(item, index, lines, filename)
        if item["name"] in names:
            line = lines[("components", index)]
            raise ReleaseFileError(
                f"{filename}:{line}: components[{index}].name: {item['name']!r} stands twice; "
                "expected a name of its own for each component"
            )
        names.add(item["name"])
    return ReleaseFile(plain["name"], plain["version"], plain["serial"], tuple(sorted(components)))


@functools.lru_cache(maxsize=None)
def schema():
    """Return the published JSON Schema of ``release.yml``."""
    return _schema_file.schema("release")


def _component(item, version):
    properties = schema()["properties"]["components"]["items"]["properties"]
    values = {key: item.get(key, rule.get("default")) for key, rule in properties.items()}
    values["version"] = item.get("version", version)
    limits = properties["limits"]["properties"]
    values["limits"] = {key: values["limits"].get(key, limits[key]["default"]) for key in limits}
    return ComponentSource(
        **{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    )


def _check_keys(item, index, lines, filename):
    for key, kind in ONLY_FOR.items():
        if key in item and item["kind"] != kind:
            line = _schema_file.nearest(("components", index, key), lines)
            raise ReleaseFileError(
                f"{filename}:{line}: components[{index}].{key}: not for components of kind "
                f"{item['kind']}; expected it with kind {kind} only"
            )


def _check_path(key, path, index, lines, filename):
    try:
        if path != ".":
            _manifest.check_path(path)
    except _manifest.ManifestError as error:
        line = _schema_file.nearest(("components", index, key), lines)
        rule = schema()["properties"]["components"]["items"]["properties"][key]
        raise ReleaseFileError(
            f"{filename}:{line}: components[{index}].{key}: {error}; expected {rule['description']}"
        ) from None
