# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate scope: the issues in the build notes are those that the plan names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ._answer import Answer
from ._issues_of import Issues

GATE = "scope"
MOST_NAMED = 5  # issues that a line names
NEEDS_NOTES = "the build notes of all releases since what is live, in the media library"


def answer(scope: Sequence[str] | None, excused: Mapping[str, str], issues: Issues) -> Answer:
    """Return whether a release has all that its plan names, and nothing else.

    *scope* are the ids of issues in the plan, None where it has no such list. *excused* has, by
    id, why an issue may be missing or be there although it is not in scope. Upper and lower case
    of an id are the same.
    """
    if scope is None:
        return Answer(GATE, True, "no scope is planned")
    if issues.problem:
        return Answer(GATE, False, issues.problem, needs=NEEDS_NOTES)
    planned, built, spared = _by_key(scope), _by_key(issues.found), _by_key(excused)
    differing = planned.keys() ^ built.keys()
    unplanned = [name for key, name in built.items() if key in differing - spared.keys()]
    unbuilt = [name for key, name in planned.items() if key in differing - spared.keys()]
    if unplanned or unbuilt:
        both = (("not planned", unplanned), ("not built", unbuilt))
        text = "; ".join(f"{what}: {_named(names)}" for what, names in both if names)
        needs = f"scope or excused in the plan: {_named([*unplanned, *unbuilt])}"
        return Answer(GATE, False, text, needs=needs)
    count = len(planned.keys() | built.keys())
    text = f"{count} issue{'' if count == 1 else 's'}"
    return Answer(GATE, True, f"{text}, {len(differing)} excused" if differing else text)


def _by_key(names: Iterable[str]) -> dict[str, str]:
    """Return ids as they are first written, by what they are compared by."""
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(name.casefold(), name)
    return found


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
