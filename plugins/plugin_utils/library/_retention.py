# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which releases of a media library stay when it is pruned, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from ..release._stored import Label
from ._catalogue import Entry


class Rules(NamedTuple):
    """What is to stay: *keep* releases of each application, the newest by serial; those that were
    sealed less than *min_age_days* days ago, unless that is None; those *in_use*, as references.
    """

    keep: int
    min_age_days: int | None = None
    in_use: tuple[str, ...] = ()


def reasons(
    entries: Collection[Entry], rules: Rules, in_use: Collection[str], now: datetime
) -> dict[Label, list[str]]:
    """Return ``{Label: why it stays}``, sorted; whatever has no reason may go.

    Of *entries*, damaged releases are left out. *in_use* are digests, *now* is an aware datetime.
    A release stays when it is not known whether it is old enough to go.
    """
    readable = [(entry.label, entry) for entry in entries if entry.label]
    newest = _newest({label for label, _entry in readable}, rules.keep)
    found: dict[Label, set[str]] = {}
    for label, entry in readable:
        why = {
            "newest": label.digest in newest,
            "in use": label.digest in in_use,
            "pinned": entry.pinned,
            "recent": rules.min_age_days is not None
            and not _is_older(entry.created, now, rules.min_age_days),
        }
        found.setdefault(label, set()).update(reason for reason in why if why[reason])
    order = sorted(found, key=lambda label: (label.name, label.serial, label.digest))
    return {label: sorted(found[label]) for label in order}


def _newest(labels: Iterable[Label], keep: int) -> set[str]:
    """Return the digests of the *keep* releases of each application that have the top serials."""
    by_name: dict[str, list[tuple[int, str]]] = {}
    for label in labels:
        by_name.setdefault(label.name, []).append((label.serial, label.digest))
    return {digest for known in by_name.values() for _serial, digest in sorted(known)[-keep:]}


def _is_older(created: str, now: datetime, days: int) -> bool:
    """Tell whether the RFC 3339 time *created* is known to be more than *days* before *now*."""
    try:
        return now - datetime.fromisoformat(created) > timedelta(days=days)
    except (TypeError, ValueError, OverflowError):  # there may be more days than can be counted
        return False
