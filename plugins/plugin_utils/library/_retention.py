# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which releases of a media library stay when it is pruned, and why."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple


class Rules(NamedTuple):
    """What is to stay: *keep* releases of each application, the newest by serial; those that were
    sealed less than *min_age_days* days ago, unless that is None; those *in_use*, as references.
    """

    keep: int
    min_age_days: int | None = None
    in_use: tuple = ()


def reasons(entries, rules, in_use, now):
    """Return ``{Label: why it stays}``, sorted; whatever has no reason may go.

    *entries* are those of releases that can be read, *in_use* digests, *now* an aware datetime.
    A release stays when it is not known whether it is old enough to go.
    """
    newest = _newest(entries, rules.keep)
    found = {}
    for entry in entries:
        why = {
            "newest": entry.label.digest in newest,
            "in use": entry.label.digest in in_use,
            "pinned": entry.pinned,
            "recent": rules.min_age_days is not None
            and not _is_older(entry.created, now, rules.min_age_days),
        }
        found.setdefault(entry.label, set()).update(reason for reason in why if why[reason])
    order = sorted(found, key=lambda label: (label.name, label.serial, label.digest))
    return {label: sorted(found[label]) for label in order}


def _newest(entries, keep):
    """Return the digests of the *keep* releases of each application that have the top serials."""
    by_name = {}
    for label in {entry.label for entry in entries}:
        by_name.setdefault(label.name, []).append((label.serial, label.digest))
    return {digest for known in by_name.values() for _serial, digest in sorted(known)[-keep:]}


def _is_older(created, now, days):
    """Tell whether the RFC 3339 time *created* is known to be more than *days* before *now*."""
    try:
        return now - datetime.fromisoformat(created) > timedelta(days=days)
    except (TypeError, ValueError, OverflowError):  # there may be more days than can be counted
        return False
