# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of component: a new kind is a new file, named here."""

from __future__ import annotations

from typing import Any, Mapping, Protocol

from ..release._manifest import Entry
from . import _kind_archive, _kind_files


class Kind(Protocol):
    """What each of the files for a kind has."""

    SOURCE: str  # what a component is made of

    def is_source(self, path: str | bytes) -> bool:
        """Tell whether *path* could be a component's source."""

    def pack(self, root: str, globs: Mapping[str, Any], path: str, codec: str) -> list[Entry]:
        """Write the layer of a component to *path*; return its entries with digests."""


KINDS: dict[str, Kind] = {"archive": _kind_archive, "files": _kind_files}
# To a host, these are the same: a release that is made of the same files has the same digest.
LAID_OUT_AS = {"archive": "files"}
