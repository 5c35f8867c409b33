# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes as Markdown and as JSON: what a template is given, and what a terminal may show."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ...module_utils.git import _commits
from ..rendering import _markdown
from ._model import CHANGES

TEMPLATES = pathlib.Path(__file__).parents[3] / "templates"
LARGEST_TEMPLATE = 1024 * 1024
MOST_COMMITS = 200  # of a group; JSON has them all
MOST_FILES = 100  # of a component
MOST_PACKAGES = 500
GROUPS = ("breaking", "features", "fixes", "others", "internal", "taken_back", "reverted")
FEATURES, FIXES = ("feat",), ("fix", "perf", "security")
INTERNAL = ("build", "chore", "ci", "docs", "refactor", "style", "test")
SIGNS = {"added": "new", "removed": "gone", "modified": "changed", "exec_changed": "mode changed"}

# A note, and parts of it, as plain data: that is what templates are given, also those of others.
Plain = dict[str, Any]


def render(note: Plain, audience: str, path: str | None = None) -> str:
    """Return a note as Markdown by the template for *audience*, or by the one at *path*.

    Raises _markdown.TemplateError and OSError.
    """
    template = path or str(TEMPLATES / f"{audience}.md.j2")
    with open(template, "rb") as stream:
        data = stream.read(LARGEST_TEMPLATE + 1)
    if len(data) > LARGEST_TEMPLATE:
        raise _markdown.TemplateError(f"{template}: larger than {LARGEST_TEMPLATE} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise _markdown.TemplateError(f"{template}: not UTF-8") from None
    if audience == "users":  # to whom a commit without a message says nothing
        told = [commit for commit in note["commits"] if commit["text"] or commit["breaking"]]
        note = {**note, "commits": told}
    rendered: str = _markdown.render(text, template, values(note))
    return rendered


def to_json(note: Plain) -> str:
    """Return a note as JSON that people and terminals can read: what deceives is escaped.

    It has a line for each item of a list, so that two notes can be compared.
    """
    encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode  # indent= would be slow
    parts = [f"{encode(key)}: {_lines(value, encode)}" for key, value in sorted(note.items())]
    text = "{\n" + ",\n".join(parts) + "\n}\n"
    return _commits.DECEIVING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _lines(value: object, encode: Callable[[object], str]) -> str:
    if not value or not isinstance(value, list):
        return encode(value)
    return "[\n " + ",\n ".join(map(encode, value)) + "\n]"


def values(note: Plain) -> Plain:
    """Return what a template is given: the note, and what it would have to compute.

    ``groups`` are the commits by what they mean; what a later one reverts is in none but
    ``reverted``. A list that is long is cut, with ``more`` telling how many are left out. A
    component with ``is_same`` has the same files as before, if under another version.
    """
    components = [{**item, "is_same": _is_same(item)} for item in note["components"]]
    groups: dict[str, list[Plain]] = {name: [] for name in GROUPS}
    reverted = _reverted(note["commits"])
    for commit in note["commits"]:
        for name in _groups_of(commit, reverted):
            groups[name].append(commit)
    return {
        **note,
        "groups": {name: _cut(commits, MOST_COMMITS) for name, commits in groups.items()},
        "components": components,
        "changed": [
            {**component, "files": _files(component)}
            for component in components
            if not component["is_same"]
        ],
        "packages": _cut(note["dependencies"], MOST_PACKAGES),
    }


def _is_same(component: Plain) -> bool:
    """Tell whether no file of a component changed; its version, or its commit, may have."""
    paths = any(component[key] for key in CHANGES)
    return component["change"] in ("unchanged", "modified") and not paths


def _cut(items: Sequence[Plain], most: int) -> Plain:
    return {"shown": items[:most], "count": len(items), "more": max(0, len(items) - most)}


def _reverted(commits: Iterable[Plain]) -> set[str]:
    """Return the ids of commits that others of *commits* take back, and of those others."""
    come = [commit for commit in commits if not commit["is_taken_back"]]
    wanted = {commit["reverts"]: commit["id"] for commit in come if commit["reverts"]}
    found: set[str] = set()
    for length in set(map(len, wanted)):
        for commit in come:
            by = wanted.get(commit["id"][:length])
            if by:
                found |= {commit["id"], by}
    return found


def _groups_of(commit: Plain, reverted: set[str]) -> Iterator[str]:
    """Yield the names of the groups that a commit is in."""
    if commit["is_taken_back"]:
        yield "taken_back"
    elif commit["id"] in reverted:
        yield "reverted"
    else:
        if commit["breaking"]:
            yield "breaking"
        if commit["type"] in FEATURES:
            yield "features"
        elif commit["type"] in FIXES:
            yield "fixes"
        elif commit["is_merge"] or commit["type"] in INTERNAL:
            yield "internal"
        else:
            yield "others"


def _files(component: Plain) -> Plain:
    """Return the files of a component that changed, each with a word on how, cut."""
    files = [{"path": path, "how": SIGNS[key]} for key in CHANGES for path in component[key]]
    return _cut(files, MOST_FILES)
