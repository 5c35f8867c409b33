# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was built in a workspace, and what is now, as the two sides of a diff."""

from __future__ import annotations

from typing import Any

from ...module_utils.building import _record
from ...module_utils.formats import _canonical

Built = dict[str, Any]


def diff(workspace: str, before: Built | None, after: Built) -> dict[str, str]:
    """Return the diff from *before*, None where nothing was built, to *after*.

    Both have the ``release``, ``definition`` and ``components`` of the record of a build.
    """
    header = f"{workspace}/{_record.NAME}"
    return {
        **dict.fromkeys(("before_header", "after_header"), header),
        "before": _text(before) if before else "",
        "after": _text(after),
    }


def _text(built: Built) -> str:
    release = built["release"]
    lines = [
        (release["name"], release["version"], "serial", release["serial"]),
        ("declared by sha256", built["definition"]["sha256"]),
        *map(_words, built["components"]),
    ]
    return "".join(_canonical.one_line(" ".join(map(str, line))) + "\n" for line in lines)


def _words(component: dict[str, Any]) -> list[Any]:
    origin = component["origin"]
    words = [component["name"], component["version"], "from", origin["kind"], origin["place"]]
    for key in ("revision", "commit", "sha256"):
        words += [key, origin[key]] if origin.get(key) else []
    return words
