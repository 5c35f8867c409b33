# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release.yml``: what a release is made of, as its author writes it."""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ...module_utils.release import _manifest
from . import _host_requirements, _ranges, _recipe, _schema_file
from ._schema_file import FileError as ReleaseFileError
from ._schema_file import Schema

ONLY_FOR = {
    "checksums": "files",
    "strip": "archive",
    "sha256": "archive",
    "limits": "archive",
}
# Declarations that are sealed, as sorted (key, plain value).
About = tuple[tuple[str, Any], ...]
READ_APART = {"from", "build", "conflicts", "provides", "requires", "versions"}


class ComponentSource(NamedTuple):
    """One component as declared: where its files are, which are taken, and where they go.

    With an *origin* its source is relative to a copy of that, which the *recipe* builds in. *about*
    is what is sealed beside its files.
    """

    name: str
    version: str
    kind: str
    source: str
    path: str
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    private: tuple[str, ...]
    writable: tuple[str, ...]
    case_sensitive: bool
    checksums: str | None = None
    strip: int = 0
    sha256: str | None = None
    limits: dict[str, int] | None = None
    origin: _recipe.Origin | None = None
    recipe: _recipe.Recipe | None = None
    about: About = ()

    def packing(self) -> dict[str, Any]:
        """Return what packing it depends on, as plain data."""
        plain = self._asdict()
        return {key: plain[key] for key in plain.keys() - {"origin", "recipe", "about"}}


class ReleaseFile(NamedTuple):
    """A release as declared; components are sorted by name.

    *scripts* are pairs of a use and globs below the file's folder; *about* is what is sealed beside
    the components.
    """

    name: str
    version: str
    serial: int
    components: tuple[ComponentSource, ...]
    scripts: tuple[tuple[str, tuple[str, ...]], ...] = ()
    about: About = ()


def parse(
    text: str, filename: str, version: str | None = None, serial: int | None = None
) -> ReleaseFile:
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
    components: list[ComponentSource] = []
    with _schema_file.located(filename, lines):
        for index, item in enumerate(plain["components"]):
            with _schema_file.at("components", index):
                component = _component(item, plain["version"])
                _check_component(component, item, components)
            components.append(component)
        with _schema_file.at("requires_hosts", errors=_ranges.RangeError):
            _host_requirements.check(plain.get("requires_hosts", {}))
    return ReleaseFile(
        plain["name"],
        plain["version"],
        plain["serial"],
        tuple(sorted(components, key=lambda component: component.name)),
        tuple((use, tuple(globs)) for use, globs in sorted(plain.get("scripts", {}).items())),
        tuple((key, plain[key]) for key in ("requires_hosts",) if plain.get(key)),
    )


def decode(data: bytes, filename: str) -> str:
    """Return the bytes of ``release.yml`` as text, or raise ReleaseFileError."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ReleaseFileError(f"{filename}:{line}: not UTF-8; expected YAML in UTF-8") from None


@functools.lru_cache(maxsize=None)
def schema() -> Schema:
    """Return the published JSON Schema of ``release.yml``."""
    return _schema_file.schema("release")


def _component(item: Mapping[str, Any], version: str) -> ComponentSource:
    rules = _rules()
    values = {key: item.get(key, rules[key].get("default")) for key in rules.keys() - READ_APART}
    values["version"] = item.get("version", version)
    limits = rules["limits"]["properties"]
    values["limits"] = {key: values["limits"].get(key, limits[key]["default"]) for key in limits}
    values = {
        key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
    }
    if "from" in item:
        with _schema_file.at("from"):
            values["origin"] = _recipe.origin(item["from"])
    if "build" in item:
        with _schema_file.at("build"):
            values["recipe"] = _recipe.recipe(item["build"], schema())
        if "from" not in item:
            raise _schema_file.Mistake(
                ("build",), "without from; expected it too: the sources that are built"
            )
    return ComponentSource(**values, about=_about(item, values["version"]))


def _about(item: Mapping[str, Any], version: str) -> About:
    """Return what a component of a *version* declares of itself and others, as it is sealed."""
    scheme = item.get("versions", "pep440")
    if "versions" in item:
        with _schema_file.at("versions", errors=_ranges.RangeError):
            _ranges.check_version(version, scheme)
    declared = {key: item[key] for key in ("conflicts", "provides", "requires") if item.get(key)}
    for key in ("conflicts", "requires"):
        for index, text in enumerate(declared.get(key, ())):
            with _schema_file.at(key, index, errors=_ranges.RangeError):
                _ranges.parse(text, scheme)
    for name, version in declared.get("provides", {}).items():
        with _schema_file.at("provides", name, errors=_ranges.RangeError):
            _ranges.parse(name, scheme)
            _ranges.check_version(version, scheme)
    if declared or "versions" in item:
        declared["versions"] = scheme
    return tuple(sorted(declared.items()))


def _check_component(
    component: ComponentSource, item: Mapping[str, Any], others: Iterable[ComponentSource]
) -> None:
    """Raise Mistake unless *component*, read from *item*, may stand after the *others*."""
    if component.name in {other.name for other in others}:
        raise _schema_file.Mistake(
            ["name"],
            f"{component.name!r} stands twice; expected a name of its own for each component",
        )
    for key, kind in ONLY_FOR.items():
        if key in item and item["kind"] != kind:
            raise _schema_file.Mistake(
                [key],
                f"not for components of kind {item['kind']}; expected it with kind {kind} only",
            )
    source = str(pathlib.PurePosixPath(component.source))  # a slash at its end does no harm
    checksums = component.checksums or "."
    for key, path in (("path", component.path), ("source", source), ("checksums", checksums)):
        _check_path(key, path)


def _check_path(key: str, path: str) -> None:
    try:
        if path != ".":
            _manifest.check_path(path)
    except _manifest.ManifestError as error:
        raise _schema_file.Mistake(
            [key], f"{error}; expected {_rules()[key]['description']}"
        ) from None


def _rules() -> Schema:
    return schema()["properties"]["components"]["items"]["properties"]
