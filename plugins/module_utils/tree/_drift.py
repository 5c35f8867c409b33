# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift: how what is on a host differs from what was sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors._release_error import ReleaseError
from . import _layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Damaged(ReleaseError):
    """Contents that should be here are not whole; ``contents`` has their SHA-256, if it is known.

    They must be sent again.
    """

    code = "damaged"

    def __init__(self, message: str, contents: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.contents = list(contents)


def name_drift(drift: Sequence[_layout.Drift], most: int = 5) -> str:
    """Return the first of *drift* in words, and how many more there are."""
    words = ", ".join("%s %s" % (item.change, item.path) for item in drift[:most])
    return words + (" and %d more" % (len(drift) - most) if len(drift) > most else "")


def of(item: Mapping[str, str]) -> _layout.Drift:
    """Return the Drift that *item*, plain data with path and change, tells of."""
    return _layout.Drift(item["path"], item["change"])
