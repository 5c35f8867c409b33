# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about a release that gates need, from the media library: its signatures and its fitness."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical
from ..compatibility import _components, _declarations
from ..environment._state import ADOPTED
from ..evidence import _signatures, _trust
from ..library._catalogue import Catalogue, Label

MOST_HOSTS = 5  # that a line names
PLACE = "the environment"  # where nothing is live there that would name it
UNREADABLE = (ReleaseError, OSError)


def signature_problems(
    library: Catalogue, label: Label, trust_path: str, now: datetime
) -> list[str]:
    """Return a line for each role that ``trust.yml`` at *trust_path* demands and that is not met.

    A trust file that cannot be read is a line, too. Without a path nothing is demanded.
    """
    if not trust_path:
        return []
    try:
        trust = _trust.read(trust_path)
        verdicts = _signatures.judge_all(library, label, trust, trust.deploy, now)
    except UNREADABLE as error:
        return [_canonical.one_line(error)]
    return [verdict.line for verdict in verdicts if not verdict.met]


def compatibility_problems(
    library: Catalogue, label: Label, rows: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return a line for each reason why a release does not fit the other applications there.

    *rows* are those of the ledger's projection ``deployments`` of one environment. What they have
    of the release's own application is what it replaces: nothing may be taken from the others that
    they require of it. A live release that cannot be read is a reason where this release conflicts
    with something, or requires what it does not bring itself.
    """
    try:
        new = _components.parts(_declarations.read(library, label.digest))
    except UNREADABLE as error:
        why = _canonical.one_line(error)
        return [f"what {label.name}:{label.version} declares is not known: {why}"]
    live: list[_components.Part] = []
    unknown: list[str] = []
    for release, there in _by_release(rows).items():
        try:
            live += _live_parts(library, there)
        except UNREADABLE as error:
            if release[0] != label.name:
                why = _canonical.one_line(error)
                unknown.append(f"what {_where(there)} declares is not known: {why}")
    if not _depends_on_others(new):
        unknown = []
    places = list(dict.fromkeys(map(_place, rows))) or [PLACE]
    return [*_components.find_problems(new, live, None if unknown else places), *unknown]


def _by_release(
    rows: Iterable[Mapping[str, Any]],
) -> dict[tuple[str, str, str], list[Mapping[str, Any]]]:
    """Return *rows* by application, version and digest: each release is read once."""
    found: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        key = (row["application"], row["version"], row["digest"])
        found.setdefault(key, []).append(row)
    return found


def _live_parts(library: Catalogue, there: Sequence[Mapping[str, Any]]) -> list[_components.Part]:
    """Return the Parts of the release that is live by the rows *there*."""
    digest = there[0]["digest"]
    if not digest:
        raise _declarations.DeclarationError(ADOPTED)
    declared = _declarations.read(library, digest)
    return _components.parts(declared, _hosts(there), _place(there[0]))


def _depends_on_others(new: Sequence[_components.Part]) -> bool:
    """Tell whether what *new* declares may be wrong by what another application offers."""
    return any(
        part.conflicts or not all(_components.offering(each.name, new) for each in part.requires)
        for part in new
    )


def _where(there: Sequence[Mapping[str, Any]]) -> str:
    """Return the release of the rows *there* and its hosts, in words."""
    hosts = _hosts(there)
    more = f" and {len(hosts) - MOST_HOSTS} more" if len(hosts) > MOST_HOSTS else ""
    called = f"{there[0]['application']} {there[0]['version']}".rstrip()
    return f"{called} on {', '.join(hosts[:MOST_HOSTS])}{more}"


def _hosts(there: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["host"] for row in there))


def _place(row: Mapping[str, Any]) -> str:
    return row["environment"] or PLACE
