# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compatibility of a release with what is live beside it: on other hosts, of other applications."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.release._manifest import Manifest
from ..definition import _ranges
from ..environment._state import DeployedRelease, EnvironmentState, HostState, describe_unknown
from ..library._catalogue import Catalogue
from ..oci._layout import LibraryError
from . import _alternatives, _components, _declarations

PLACE = "the estate"


class Incompatible(ReleaseError):
    """A release does not fit what is there, or that is unknown; each of the *lines* is one reason.

    The text is one line, and names what would do *instead*.
    """

    code = "incompatible"

    def __init__(self, lines: list[str], instead: Iterable[str] = ()) -> None:
        super().__init__("; ".join([*lines, *instead]))
        self.lines = lines

    def result_fields(self) -> dict[str, Any]:
        """Return the lines as ``incompatible``."""
        return {"incompatible": self.lines}


@dataclasses.dataclass(frozen=True)
class Beside:
    """What is live beside: Parts, the places that were looked at, and why hosts are unknown."""

    parts: list[_components.Part]
    places: list[str]
    unknown: dict[str, str]

    @property
    def problem(self) -> str:
        """A line that names the hosts that are unknown, "" where there are none."""
        if not self.unknown:
            return ""
        return (
            f"{describe_unknown(self.unknown)}: mend that, or leave these hosts out of "
            "deploy_beside (beside of the module)"
        )


def demand(
    library: Catalogue, release: Manifest, state: EnvironmentState, replaced: Manifest | None = None
) -> None:
    """Raise Incompatible unless a *release* works beside what is live by *state*.

    *release* is what it declares; *replaced* is that of the release that it takes the place of, if
    that is known, else the one before it in *library* is taken for that.
    """
    beside = read(state, library)
    new = _components.parts(release)
    former = list(_former(library, release, replaced, new, beside.parts))
    places = None if beside.unknown else beside.places
    lines = _components.find_problems(new, beside.parts, places, former)
    instead = []
    if lines and library.path is not None and beside.places and not beside.problem:
        instead = [_alternatives.explain(library, new, beside.parts, former)]
    lines += [beside.problem] if beside.problem else []
    if lines:
        raise Incompatible(lines, instead)


def read(state: EnvironmentState, library: Catalogue) -> Beside:
    """Return what is Beside by *state*; *library* knows releases of which no host declares any."""
    declared: dict[tuple[str, str], list[_components.Part]] = {}
    hosts: dict[tuple[str, str], list[str]] = {}
    places: list[str] = []
    unknown: dict[str, str] = {}
    for there in state.hosts:
        place = there.place or PLACE
        places.append(place)
        release = there.serving
        if there.problem:
            unknown.setdefault(there.host, there.problem)
        elif release is not None and release.digest is not None:
            key = (place, release.digest)
            try:
                if key not in declared:
                    said = _declared(there, release.digest, library)
                    declared[key] = _components.parts(said, ["?"], place)
                hosts.setdefault(key, []).append(there.host)
            except (_declarations.DeclarationError, _ranges.RangeError, LibraryError) as error:
                unknown.setdefault(there.host, str(error))
    parts = [
        part._replace(hosts=tuple(dict.fromkeys(hosts[key])))
        for key, found in declared.items()
        for part in found
    ]
    return Beside(parts, list(dict.fromkeys(places)), unknown)


def current(there: HostState) -> Manifest | None:
    """Return what the release that serves on a host declares, None where the host does not say."""
    return declared_there(there, there.serving) if there.serving else None


def declared_there(there: HostState, release: DeployedRelease) -> Manifest | None:
    """Return what a *release* declares by the host that holds it, None where that does not say."""
    plain = (there.declared or {}).get(release.digest or "")
    return _declarations.from_answer(plain) if plain else None


def _former(
    library: Catalogue,
    release: Manifest,
    replaced: Manifest | None,
    new: list[_components.Part],
    live: list[_components.Part],
) -> Iterator[_components.Part]:
    """Yield the Parts of what *release* replaces, unless nobody requires what is not there."""
    if replaced:
        yield from _components.parts(replaced)
        return
    there = [*new, *(part for part in live if part.application != release.name)]
    wanted = {each.name for part in there for each in part.requires}
    if library.path is None or all(_components.offering(name, there) for name in wanted):
        return
    earlier = [
        label
        for label in library.labels()
        if label.name == release.name and label.serial < release.serial
    ]
    for label in earlier[-1:]:
        yield from _components.parts(_declarations.read(library, label.digest))


def _declared(there: HostState, digest: str, library: Catalogue) -> Manifest:
    """Return what the release *digest* on a host declares, by the host if it was asked that."""
    if there.declared is not None:
        if not there.declared.get(digest):
            raise _declarations.DeclarationError("the manifest that is held there is damaged")
        return _declarations.from_answer(there.declared[digest])
    if library.path is None:
        raise LibraryError(f"has release sha256:{digest[:12]}, and no media_library is given")
    return _declarations.read(library, digest)
