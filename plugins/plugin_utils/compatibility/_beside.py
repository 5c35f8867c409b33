# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is live beside a deployment: on other hosts, of other applications, as somebody found it.

Whoever knows tells it as a list with a mapping for each host and root:

- ``host``, and ``place``: what people call where that is, such as ``production``;
- ``digest`` of the release that is live there, None where nothing is;
- ``name``, ``version``, ``components`` of that release, each component with its name, its version
  and what it declares; where these are left out, the media library is asked;
- instead of all that, ``unknown``: why nobody can tell.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical
from ...module_utils.release import _manifest
from ..definition import _ranges
from ..environment import _holdings
from ..oci._layout import LibraryError
from . import _alternatives, _components, _declarations

PLACE = "the estate"
NAMED_HOSTS = 20


class BesideError(ReleaseError):
    """What is live beside is told in a way that nobody can read; the text says how."""

    code = "invalid_beside"


class Incompatible(ReleaseError):
    """A release does not fit what is there, or nobody knows; each of the *lines* is one reason.

    The text is one line, and names what would do *instead*.
    """

    code = "incompatible"

    def __init__(self, lines, instead=()):
        super().__init__("; ".join([*lines, *instead]))
        self.lines = lines

    def result_fields(self) -> dict[str, Any]:
        """Return the lines as ``incompatible``."""
        return {"incompatible": self.lines}


class Beside(NamedTuple):
    """What is live beside: Parts, the places that were looked at, and why hosts are unknown."""

    parts: list
    places: list
    unknown: dict

    @property
    def problem(self):
        """A line on the hosts of which nothing is known, or None."""
        if not self.unknown:
            return None
        reasons = {}
        for host, why in list(self.unknown.items())[:NAMED_HOSTS]:
            reasons.setdefault(why, []).append(host)
        named = [f"{', '.join(hosts)} ({why})" for why, hosts in reasons.items()]
        more = len(self.unknown) - NAMED_HOSTS
        return (
            f"cannot know what is live on {', '.join(named)}{f' and {more} more' * (more > 0)}: "
            "mend that, or leave these hosts out of deploy_beside (beside of the module)"
        )


def demand(library, release, items, replaced=None):
    """Raise Incompatible unless a *release* works beside what the list *items* tells as live.

    *release* is what it declares; *replaced* is that of the release that it takes the place of, if
    that is known, else the one before it in *library* is taken for that.
    """
    beside = read(items, library)
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


def read(items, library):
    """Return the Beside in the list *items*; *library* knows releases that are told by digest."""
    hosts, places, unknown, declared = {}, [], {}, {}
    for item in items:
        host, place = item.get("host"), item.get("place") or PLACE
        if not isinstance(host, str) or not {"digest", "unknown"} & item.keys():
            raise BesideError("beside: each entry needs host, and digest or unknown")
        places.append(place)
        try:
            if item.get("unknown"):
                raise _declarations.DeclarationError(_canonical.one_line(item["unknown"]))
            if item["digest"] is None:
                continue
            key = (place, item["digest"])
            if key not in declared:
                declared[key] = _components.parts(_declared(item, library), ["?"], place)
            hosts.setdefault(key, []).append(host)
        except (_declarations.DeclarationError, _ranges.RangeError, LibraryError) as error:
            unknown[host] = str(error)
    parts = [
        part._replace(hosts=tuple(dict.fromkeys(hosts[key])))
        for key, found in declared.items()
        for part in found
    ]
    return Beside(parts, list(dict.fromkeys(places)), unknown)


def from_answers(results, asked=()):
    """Return the list that ``read`` takes from the *results* of a loop over hosts.

    Each has as ``item`` ``{place, host, root}`` and is what release_deployment_info answered there.
    Of *asked*, such items, perhaps with ``unknown``, each that has no result is told as not known.
    """
    answered = {_key(result["item"]) for result in results}
    missing = [item for item in asked if _key(item) not in answered]
    return [{**_where(result["item"]), **_told(result)} for result in results] + [
        {**_where(item), "unknown": item.get("unknown") or "was not asked"} for item in missing
    ]


def _former(library, release, replaced, new, live):
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


def _key(item):
    return item["host"], item.get("root")


def _where(item):
    return {key: item[key] for key in ("place", "host") if item.get(key)}


def _told(result):
    deployment = result.get("deployment")
    if not isinstance(deployment, dict):
        return {"unknown": _holdings.reason(result)}
    current = deployment.get("trial") or deployment.get("live")
    if any(item["path"] == "current" for item in result.get("drift") or ()):
        return {"unknown": "current leads to something else there than is recorded"}
    if not current:
        return {"digest": None}
    if not current["digest"]:
        return {"unknown": "what is live there was adopted, and nobody sealed it"}
    told = (result.get("declared") or {}).get(current["digest"])
    if not told:
        return {"unknown": "the manifest that is held there is damaged"}
    return {"digest": current["digest"], **told}


def _declared(item, library):
    if "components" in item:
        return _declarations.from_answer(item)
    if not _manifest.DIGEST.match(str(item["digest"])):
        raise BesideError(f"beside: {item['digest']!a} is no release digest of {item['host']}")
    if library.path is None:
        raise LibraryError(
            f"has release sha256:{item['digest'][:12]}, and no media_library is given"
        )
    return _declarations.read(library, item["digest"])
