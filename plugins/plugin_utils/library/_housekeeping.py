# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pruning, pinning and removing as ``release_package`` is asked for it: options in, results out.

Each function takes the Library, the options as plain data, and whether anything may be written
(*keep*); it returns the result and two lists of lines, what a diff shows before and after.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..release import _description
from . import _catalogue, _retention
from ._store import Library, Pruned

# A result, and the lines that a diff shows before and after.
Outcome = tuple[dict[str, Any], list[str], list[str]]
NAMED = 20


def refuse(options: Mapping[str, Any]) -> str | None:
    """Return why *options* could mean more than was meant, or None."""
    about_one = [name for name in ("src", "release", "mark") if options[name]]
    if options["sign"] and (options["mark"] or options["state"] not in ("present", "signed")):
        return "sign goes with sealing, or with state: signed: nothing was done"
    if options["state"] == "signed" and (options["mark"] or options["src"]):
        return "state: signed is about a release in the library, so it takes no src and no mark"
    if options["state"] == "pruned" and about_one:
        return f"state: pruned is about the whole library, so it takes no {about_one[0]}"
    if options["state"] == "absent" and options["mark"]:
        return "mark and state: absent exclude each other: nothing was removed"
    if options["keep"] is not None and options["keep"] < 1:
        return (
            f"keep (prune_keep of the playbook) is {options['keep']}, "
            "but at least 1 release of each application must stay"
        )
    if options["min_age_days"] is not None and options["min_age_days"] < 0:
        return f"min_age_days is {options['min_age_days']}, but days are not negative"
    return None


def remove(library: Library, options: Mapping[str, Any], keep: bool) -> Outcome:
    """Remove one release; none needs to be there."""
    wanted = _catalogue.parse_reference(options["release"])
    found = [
        label for label in library.labels() if wanted in (label.digest, (label.name, label.version))
    ]
    # A damaged release is in no list; only its digest still tells which one it is.
    digests = [label.digest for label in found]
    if isinstance(wanted, str) and not found:
        digests = [wanted]
    changed = any(library.remove(digest, keep) for digest in digests[:1])
    return {"changed": changed}, list(map(_description.line, found)), []


def mark(library: Library, options: Mapping[str, Any], keep: bool) -> Outcome:
    """Pin or unpin one release, which must be there."""
    reference, pinned = options["release"], options["mark"] == "pinned"
    wanted = _catalogue.parse_reference(reference)
    digest = wanted if isinstance(wanted, str) else library.find(reference).digest
    changed = library.pin(digest, pinned, keep)
    states = ("not pinned", "pinned") if pinned else ("pinned", "not pinned")
    before, after = ([f"{reference} {state}\n"] * changed for state in states)
    return {"changed": changed}, before, after


def prune(library: Library, options: Mapping[str, Any], keep: bool) -> Outcome:
    """Remove what no rule keeps."""
    rules = _retention.Rules(options["keep"], options["min_age_days"], tuple(options["in_use"]))
    pruned = library.prune(rules, keep)
    result = {
        "changed": pruned.changed,
        "removed": [label._asdict() for label in pruned.removed],
        "kept": [{**label._asdict(), "reasons": why} for label, why in pruned.kept.items()],
        "damaged": [
            {"digest": item.digest, "called": item.called, "reason": item.damage}
            for item in pruned.damaged
        ],
        "freed_bytes": pruned.freed_bytes,
        "msg": _sum_up(pruned, keep),
    }
    if pruned.damaged:
        result["warnings"] = [
            f"{item.called} is damaged. No space is freed meanwhile, for it may share any: seal it "
            f"again, or remove it by its digest. {item.damage}"
            for item in pruned.damaged
        ]
    return result, list(map(_description.line, pruned.removed)), []


def _sum_up(pruned: Pruned, done: bool) -> str:
    """Return in a line what was Pruned, or would be unless it is *done*."""
    names = [f"{label.name}:{label.version}" for label in pruned.removed]
    more = [f"and {len(names) - NAMED} more"] if len(names) > NAMED else []
    removed = ", ".join([*names[:NAMED], *more]) or "no release"
    would = "" if done else "would be "
    return (
        f"{removed} {would}removed, {pruned.freed_bytes:,} bytes {would}freed; "
        f"{len(pruned.kept) + len(pruned.damaged)} stay"
    )
