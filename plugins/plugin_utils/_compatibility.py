# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether components work together, by what their manifests say of each other."""

from __future__ import annotations

from typing import NamedTuple

from . import _ranges

MOST_HOSTS = 5  # that a line names


class Part(NamedTuple):
    """A component in a place: to be released (no *hosts*), or live on some.

    *offers* are the names that it goes by, each with a version: its own, and what it provides.
    """

    name: str
    version: str
    offers: dict
    requires: tuple
    conflicts: tuple
    application: str = ""
    hosts: tuple = ()

    def __str__(self):
        return f"{self.name} {self.version}"


def parts(manifest, hosts=()):
    """Return the Parts of a Manifest that is live on *hosts*, or is to be released."""
    found = []
    for component in manifest.components:
        about = dict(component.about)
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
            )
        )
    return found


def find_problems(new, live=None, place="the estate"):
    """Return a line for each reason why the Parts *new* cannot work, or not beside those *live*.

    Without *live* only what *new* says of itself counts: what it requires of others is not known to
    be there. *place* is what people call where the live ones are, such as ``production``. What is
    live of the same applications is what the new ones replace.
    """
    replaced = {part.application for part in new}
    beside = [part for part in live or () if part.application not in replaced]
    everything = [*new, *beside]
    lines = []
    for part in everything:
        others = new if part.hosts else everything
        for wanted in part.requires:
            there = _offering(wanted.name, everything)
            if not there and (part.hosts or live is None):
                continue  # it did without it before; or nobody looked
            if not there:
                lines.append(f"{part} requires {wanted}; {place} has no {wanted.name}")
            lines += [
                _line(part, "requires", wanted, other, place)
                for other in there
                if _either_is_new(part, other) and not _has(wanted, other)
            ]
        lines += [
            _line(part, "conflicts with", unwanted, other, place)
            for unwanted in part.conflicts
            for other in _offering(unwanted.name, others)
            if other is not part and _has(unwanted, other)
        ]
    return lines


def _offering(name, those):
    return [part for part in those if name in part.offers]


def _either_is_new(part, other):
    return not part.hosts or not other.hosts


def _has(wanted, other):
    """Tell whether what *other* offers is in the Range; a version that cannot be read is not."""
    try:
        return wanted.has(other.offers[wanted.name])
    except _ranges.RangeError:
        return False


def _line(part, verb, wanted, other, place):
    offered = f"{wanted.name} {other.offers[wanted.name]}"
    source = "" if other.name == wanted.name else f" (by {other})"
    where = f"{place} has" if other.hosts else "this release has"
    text = f"{_with_hosts(part, place)} {verb} {wanted}; {where} {offered}{source}"
    return text + _on(other.hosts)


def _with_hosts(part, place):
    return f"{part}, live in {place}{_on(part.hosts)}," if part.hosts else str(part)


def _on(hosts):
    if not hosts:
        return ""
    more = f" and {len(hosts) - MOST_HOSTS} more" if len(hosts) > MOST_HOSTS else ""
    return " on " + ", ".join(hosts[:MOST_HOSTS]) + more
