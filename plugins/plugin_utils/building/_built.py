# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was built, held to what ``release.yml`` declares; and what is sealed of how it was built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from ...module_utils.files import _globs
from ...module_utils.formats import _canonical
from ...module_utils.git import _address
from ..definition import _recipe
from ..definition._release_file import ComponentSource, ReleaseFile
from ._sealing import SealingError
from ._source_hosts import Record, Sources

Declared = TypeVar("Declared", ReleaseFile, ComponentSource)

AGAIN = "build again"
DECLARED = ("place", "revision", "sha256")  # of an origin, beside its kind
SEALED = ("commit", "folder", "kind", "place", "revision", "sha256")


def prepare(release: ReleaseFile, host: Sources, data: bytes) -> ReleaseFile:
    """Return the ReleaseFile *release* with all that is sealed of how it was built, or refuse.

    *host* is where its sources are, as in ``_source_hosts``, and *data* the bytes of its file.
    """
    if host.workspace is None:
        refuse_unbuilt(release)
    else:
        record, problems = host.record()
        refuse(release, record, _canonical.sha256_hex(data), problems)
        release = with_materials(release, record)
    if release.scripts:
        release = with_scripts(release, host.scripts(release.scripts))
    return release


def refuse_unbuilt(release: ReleaseFile) -> None:
    """Raise SealingError for components of a ReleaseFile that have to be built first."""
    names = [component.name for component in release.components if component.origin]
    if names:
        what = f"component {names[0]} is" if len(names) == 1 else f"components {_listed(names)} are"
        raise SealingError(f"{what} built: give workspace, the folder that release_build built in")


def refuse(
    release: ReleaseFile, record: Record, definition: str, problems: Iterable[str] = ()
) -> None:
    """Raise SealingError unless the *record* of a build is that of the ReleaseFile *release*.

    *definition* is the SHA-256 of ``release.yml`` now, and *problems* what is wrong in the
    workspace. All that does not agree is told, in one line.
    """
    declared = {
        component.name: (component, component.origin)
        for component in release.components
        if component.origin
    }
    built = {component["name"]: component for component in record["components"]}
    told = list(_of_release(release, record["release"]))
    for name in sorted(declared.keys() | built.keys()):
        if name not in built:
            told.append(f"component {name} is declared and was not built: {AGAIN}")
        elif name not in declared:
            told.append(
                f"component {name} was built and is not declared: {AGAIN}, or declare it with from"
            )
        else:
            told += _of_component(*declared[name], built[name])
    told += problems
    if not told and record["definition"]["sha256"] != definition:
        told = [f"release.yml was changed after the build: {AGAIN}"]
    if told:
        raise SealingError("; ".join(told))


def with_materials(release: ReleaseFile, record: Record) -> ReleaseFile:
    """Return the ReleaseFile *release* with what each component was built from, for the manifest.

    No more than what the build would find anywhere: neither who built it, nor where, when and with
    what.
    """
    built = {component["name"]: component for component in record["components"]}
    return release._replace(
        components=tuple(
            _with_about(component, "materials", [_material(built[component.name])])
            if component.origin
            else component
            for component in release.components
        )
    )


def with_scripts(release: ReleaseFile, scripts: dict[str, Any]) -> ReleaseFile:
    """Return the ReleaseFile *release* with the digests of its *scripts*, for the manifest."""
    return _with_about(release, "scripts", scripts) if scripts else release


def _with_about(item: Declared, key: str, value: Any) -> Declared:
    return item._replace(about=tuple(sorted({**dict(item.about), key: value}.items())))


def _material(component: dict[str, Any]) -> dict[str, Any]:
    origin = component["origin"]
    known = {**origin, "folder": component["folder"], "place": _address.shown(origin["place"])}
    return {key: known[key] for key in SEALED if known.get(key)}


def _of_release(release: ReleaseFile, built: dict[str, Any]) -> Iterator[str]:
    wanted = (release.name, release.version, release.serial)
    if (found := (built["name"], built["version"], built["serial"])) != wanted:
        yield (
            "the workspace holds the build of {} {} serial {}, not of {} {} serial {}".format(
                *found, *wanted
            )
            + f": {AGAIN}"
        )


def _of_component(
    component: ComponentSource, origin: _recipe.Origin, built: dict[str, Any]
) -> Iterator[str]:
    """Yield what of a component is not built as it is declared."""
    declared, found = origin._asdict(), built["origin"]
    asked = {"kind": declared["kind"], **{key: declared[key] for key in DECLARED if declared[key]}}
    asked["place"] = _address.shown(asked["place"])
    found = {key: found.get(key) for key in asked}
    found["place"] = _address.shown(str(found["place"]))
    if found != asked:
        yield (
            f"component {component.name} was built from {_told(found)}, and {_told(asked)} is "
            f"declared: {AGAIN}"
        )
        return
    for glob in component.recipe.artifacts if component.recipe else ():
        if not any(map(_globs.compile_globs([glob]), built["artifacts"])):
            left = f"its build left nothing that {glob!r} names"
            yield f"component {component.name}: {left}: {AGAIN}"


def _told(origin: dict[str, Any]) -> str:
    parts = [origin["kind"], origin["place"]]
    parts += [f"{key} {origin[key]}" for key in ("revision", "sha256") if origin.get(key)]
    return " ".join(map(_canonical.one_line, parts))


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
