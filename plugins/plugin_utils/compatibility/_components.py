# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether components work together, by what their manifests say of each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from ...module_utils.release._manifest import Manifest
from ..definition import _ranges, _release_file

MOST_HOSTS = 5  # that a line names


class Part(NamedTuple):
    """A component in a place: to be released (no *hosts*), or live on some.

    *offers* are the names that it goes by, each with a version: its own, and what it provides.
    *place* is what people call where it is live, such as ``production``.
    """

    name: str
    version: str
    offers: dict[str, str]
    requires: tuple[_ranges.Range, ...]
    conflicts: tuple[_ranges.Range, ...]
    application: str = ""
    hosts: tuple[str, ...] = ()
    place: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def parts(
    manifest: Manifest | _release_file.ReleaseFile, hosts: Iterable[str] = (), place: str = ""
) -> list[Part]:
    """Return the Parts of a release that is live on *hosts*, or is to be released.

    Raises RangeError for a declaration that cannot be read.
    """
    found = []
    for component in manifest.components:
        about: dict[str, Any] = dict(component.about)
        scheme = about.get("versions", "pep440")
        found.append(
            Part(
                component.name,
                component.version,
                {component.name: component.version, **about.get("provides", {})},
                tuple(_ranges.parse(text, scheme) for text in about.get("requires", ())),
                tuple(_ranges.parse(text, scheme) for text in about.get("conflicts", ())),
                manifest.name,
                tuple(hosts),
                place,
            )
        )
    return found


def find_problems(
    new: Sequence[Part],
    live: Sequence[Part] | None = None,
    places: Collection[str] | None = (),
    former: Iterable[Part] = (),
) -> list[str]:
    """Return a line for each reason why the Parts *new* cannot work, or not beside those *live*.

    Without *live* only what *new* says of itself counts: what it requires of others is not known to
    be there. *places* are those that were looked at, whatever was found there; None where not all
    of what is there is known. *former* are Parts of earlier releases of the applications that *new*
    belongs to.

    What is live of the same applications is what the new ones replace. What a release requires and
    brings itself is not looked for elsewhere. What is live and was wrong before is no reason, but
    nothing that it has now may be taken from it.
    """
    replaced = {part.application for part in new}
    beside = [part for part in live or () if part.application not in replaced]
    gone = [*former, *(part for part in live or () if part.application in replaced)]
    everything = [*new, *beside]
    lines: list[str] = []
    for part in everything:
        others = new if part.hosts else everything
        for wanted in part.requires:
            own = [other for other in everything if other.application == part.application]
            there = offering(wanted.name, own) or offering(wanted.name, everything)
            if not there:
                lines += _missing(part, wanted, live, places, gone)
            lines += [
                _line(part, "requires", wanted, other)
                for other in there
                if _either_is_new(part, other) and has(wanted, other) is not True
            ]
        lines += [
            _line(part, "conflicts with", unwanted, other)
            for unwanted in part.conflicts
            for other in offering(unwanted.name, others)
            if other is not part and has(unwanted, other) is not False
        ]
    return list(dict.fromkeys(lines))


def offering(name: str, those: Iterable[Part]) -> list[Part]:
    """Return which of the Parts *those* go by *name*."""
    return [part for part in those if name in part.offers]


def has(wanted: _ranges.Range, other: Part) -> bool | None:
    """Tell whether what the Part *other* offers is in a Range, or None where nobody can tell."""
    try:
        return wanted.has(other.offers[wanted.name])
    except _ranges.RangeError:
        return None


def _either_is_new(part: Part, other: Part) -> bool:
    return not part.hosts or not other.hosts


def _missing(
    part: Part,
    wanted: _ranges.Range,
    live: Sequence[Part] | None,
    places: Collection[str] | None,
    gone: Sequence[Part],
) -> list[str]:
    """Return the lines on what *part* requires and nobody offers."""
    if part.hosts:
        before = offering(wanted.name, gone)
        if not before:
            return []  # it did without it
        instead = f"this release has no {wanted.name}, and {before[-1]} had"
        return [f"{_with_hosts(part)} requires {wanted}; {instead}"]
    if live is None or places is None:
        return []
    if not places:
        return [f"{part} requires {wanted}; {_how_to_look(wanted.name)}"]
    looked_at = ", ".join(sorted(set(places)))
    return [f"{part} requires {wanted}; {looked_at} has no {wanted.name}"]


def _how_to_look(name: str) -> str:
    return (
        f"of {name} nothing is known: name the hosts where it is live in deploy_beside (beside of "
        f"the module), such as [{{hosts: {name}, root: /srv/{name}}}]"
    )


def _line(part: Part, verb: str, wanted: _ranges.Range, other: Part) -> str:
    offered = f"{wanted.name} {other.offers[wanted.name]}"
    source = "" if other.name == wanted.name else f" (by {other})"
    where = f"{other.place} has" if other.hosts else "this release has"
    unread = "" if has(wanted, other) is not None else f", no version by {wanted.scheme_name}"
    return (
        f"{_with_hosts(part)} {verb} {wanted}; {where} {offered}{source}{_on(other.hosts)}{unread}"
    )


def _with_hosts(part: Part) -> str:
    return f"{part}, live in {part.place}{_on(part.hosts)}," if part.hosts else str(part)


def _on(hosts: Sequence[str]) -> str:
    if not hosts:
        return ""
    more = f" and {len(hosts) - MOST_HOSTS} more" if len(hosts) > MOST_HOSTS else ""
    return " on " + ", ".join(hosts[:MOST_HOSTS]) + more
