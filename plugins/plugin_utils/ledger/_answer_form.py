# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validate what hosts answer: the owner of a deployment root controls its files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from . import _bodies

LONGEST = 500
DIGEST = re.compile("[0-9a-f]{64}")
LEDGER = re.compile("[0-9a-f]{32}")
LARGEST = 2**53


def is_well_formed(deployment: Mapping[str, Any], history: Any) -> bool:
    """Tell whether the parts of an answer of release_deployment_info are as they must be."""
    releases = [deployment.get(name) for name in ("live", "trial")]
    return (
        _is_word(deployment.get("root"))
        and deployment.get("phase") in _bodies.PHASES
        and all(release is None or _is_release(release) for release in releases)
        and all(_is_text(deployment.get(name)) for name in ("since", "run", "current"))
        and isinstance(history, list)
        and all(map(_is_entry, history))
    )


def _is_release(release: Any) -> bool:
    if not isinstance(release, Mapping):
        return False
    if not release:
        return True
    digest = release.get("digest")
    is_known = digest is None or (isinstance(digest, str) and bool(DIGEST.fullmatch(digest)))
    return is_known and _is_text(release.get("name")) and _is_text(release.get("version"))


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, Mapping)
        and all(_is_word(entry.get(name)) for name in ("at", "run", "event"))
        and all(_is_text(entry.get(name)) for name in ("tree", "from"))
        and ("ledger" not in entry or _is_head(entry["ledger"]))
    )


def _is_head(head: Any) -> bool:
    if not isinstance(head, Mapping):
        return False
    ledger, sequence, digest = (head.get(name) for name in ("ledger", "sequence", "hash"))
    return (
        isinstance(ledger, str)
        and bool(LEDGER.fullmatch(ledger))
        and isinstance(sequence, int)
        and not isinstance(sequence, bool)
        and 0 < sequence < LARGEST
        and isinstance(digest, str)
        and bool(DIGEST.fullmatch(digest))
    )


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and _is_text(value)


def _is_text(value: Any) -> bool:
    return value is None or (
        isinstance(value, str) and len(value) <= LONGEST and value.isprintable()
    )
