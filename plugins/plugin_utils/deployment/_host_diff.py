# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a deployment root before a call differs from that after it, as two texts for a diff."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...module_utils.release import _manifest
from ...module_utils.tree import _layout
from ..release import _comparison

Find = Callable[[str], _manifest.Manifest | None]


def diff(find: Find, result: Mapping[str, Any]) -> dict[str, str]:
    """Return Ansible's diff for a *result* of the host: what is current, linked, held and shared.

    The files that differ are named where ``find(digest)`` gives the Manifest of both releases; it
    gives None for one that is not known.
    """
    before, after = result["before"], result["after"]
    root = result["deployment"]["root"]
    texts = ["", ""]
    if result["changed"]:
        texts = [_state_lines(before), _state_lines(after) + _seeded(find, result)]
        if _content(before) != _content(after):
            old, new = _tree_of(find, before), _tree_of(find, after)
            if old is not None and new is not None:
                files = _comparison.difference(old, new)
                texts = [text + more for text, more in zip(texts, files, strict=True)]
    return {
        "before_header": root,
        "after_header": root,
        "before": texts[0],
        "after": texts[1],
    }


def _state_lines(side: Mapping[str, Any]) -> str:
    """Return what is current with its links, and which releases are held with theirs."""
    current = f"{side['name']} {side['version']}" if side["tree"] else "nothing"
    lines = [f"current: {current} ({side['phase']})"]
    lines += [f"link: {link} -> shared/{link}" for link in _links(side)]
    for tree in side["releases"]:
        links = ", ".join(side["links"].get(tree, ()))
        lines.append(f"release: {tree}" + (f" (linked: {links})" if links else ""))
    return "".join(f"{line}\n" for line in lines)


def _seeded(find: Find, result: Mapping[str, Any]) -> str:
    """Return lines that name what comes to ``shared/``, and from where if that is known."""
    manifest = find(result["after"]["digest"])
    sealed = _manifest.tree(manifest) if manifest else {}
    return "".join(
        f"shared/{link}: "
        + ("copied from the release" if _layout.at_or_below(sealed, link.rstrip("/")) else "new")
        + "\n"
        for link in result["seeded"]
    )


def _content(side: Mapping[str, Any]) -> tuple[str | None, list[str]]:
    return side["digest"], _links(side)


def _links(side: Mapping[str, Any]) -> list[str]:
    return side["links"].get(side["tree"], [])


def _tree_of(find: Find, side: Mapping[str, Any]) -> dict[str, _manifest.Entry] | None:
    """Return what lies in the current tree but for its links, as ``{path: Entry}``.

    None where that is not known.
    """
    if side["digest"] is None:
        return {}
    manifest = find(side["digest"])
    if manifest is None:
        return None
    entries = dict(_manifest.tree(manifest))
    for link in _links(side):
        for path in _layout.at_or_below(entries, link.rstrip("/")):
            del entries[path]
    return entries
