# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tree against its checksum file: what was added, removed and modified, and what goes not."""

from __future__ import annotations

import contextlib
from typing import Dict, List, Mapping, NamedTuple

from ..files import _paths
from ..release import _scan
from . import _delivery, _lines
from ._delivery import LeavesOut


class Outcome(NamedTuple):
    """How a tree compares with a checksum file; lists are sorted by the bytes of the paths."""

    checked: int
    added: List[str]
    removed: List[str]
    modified: List[str]
    links: List[str]  # which are not listed, and lead to something within the tree
    sha256: Dict[str, str]  # of the files that are as listed, when these were asked for

    def failure(self, allow_added: bool = False, allow_links: bool = True) -> str:
        """Return what is wrong, in a line of bounded length; "" when nothing is."""
        added = [] if allow_added else self.added + ([] if allow_links else self.links)
        parts = [
            "%d %s: %s" % (len(paths), word, _lines.some(paths))
            for word, paths in (
                ("modified", self.modified),
                ("removed", self.removed),
                ("added", added),
            )
            if paths
        ]
        if not self.checked and not parts:
            return "nothing was checked: all that it lists is excluded"
        return "; ".join(parts)


def compare(
    root: int, listed: Mapping[str, str], leaves_out: LeavesOut, witness: bool = False
) -> Outcome:
    """Return the Outcome of the tree at the directory descriptor *root* against *listed*.

    *listed* is ``{name: hex digest}``. What ``leaves_out(path, is_directory)`` says is neither
    looked at nor missed. A link that is listed stands for the file that it leads to. With *witness*
    the SHA-256 of each file is told too, from the same reading. Raises ChecksumError for what is no
    honest difference: special files, links out of the tree, names through links; and OSError.
    """
    found = _delivery.look(root, leaves_out)
    outcome, checked = Outcome(0, [], [], [], [], {}), 0
    with contextlib.closing(_scan.Files(root)) as files:
        for name in sorted(listed, key=_paths.to_os):
            path = name if name in found.files else _stands_for(name, found)
            if path is None:
                if not _is_left_out(name, leaves_out):
                    outcome.removed.append(name)
                continue
            wanted = _lines.ALGORITHMS[len(listed[name])]
            algorithms = (wanted, "sha256") if witness else (wanted,)
            digests = _delivery.hash_file(files, path, algorithms)
            checked += 1
            if digests[0] != listed[name]:
                outcome.modified.append(name)
            elif witness:
                outcome.sha256[name] = digests[-1]
    outcome.added.extend(sorted(found.files - listed.keys(), key=_paths.to_os))
    outcome.links.extend(sorted(found.links.keys() - listed.keys(), key=_paths.to_os))
    return outcome._replace(checked=checked)


def digests(root: int, leaves_out: LeavesOut, algorithm: str) -> tuple[dict[str, str], list[str]]:
    """Return ({path: hex digest} of the regular files below *root*, [its links])."""
    found = _delivery.look(root, leaves_out)
    hashed = {}
    with contextlib.closing(_scan.Files(root)) as files:
        for path in sorted(found.files, key=_paths.to_os):
            (hashed[path],) = _delivery.hash_file(files, path, (algorithm,))
    return hashed, sorted(found.links, key=_paths.to_os)


def _stands_for(name: str, found: _delivery.Found) -> str | None:
    """Return the file that the listed link *name* leads to, or None where there is no such link."""
    if name in found.links:
        there = _delivery.follow(name, found)
        if there not in found.files:
            raise _lines.ChecksumError(
                "%s is listed as a file, and is a link to a directory" % _lines.shown(name)
            )
        return there
    for folder in _folders(name):
        if folder in found.links:
            raise _lines.ChecksumError(
                "%s is listed through the link %s" % (_lines.shown(name), _lines.shown(folder))
            )
    return None


def _is_left_out(name: str, leaves_out: LeavesOut) -> bool:
    return bool(leaves_out(name, False)) or any(
        leaves_out(folder, True) for folder in _folders(name)
    )


def _folders(name: str) -> list[str]:
    parts = name.split("/")[:-1]
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
