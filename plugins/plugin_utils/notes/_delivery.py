# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivery of a note: its files, its attachment, and the result of the task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...module_utils.formats import _canonical
from ...module_utils.git import _commits
from ..evidence import _attachments, _signers
from ..library import _store
from . import _build_note, _files, _rendered
from ._composition import NoteError

# Options that are for one kind of note only.
ONLY_FOR = {
    "sign": "build",
    "previous": "build",
    "environment": "consolidated",
    "deployed": "consolidated",
}
KEEPING = ("dest", "json_dest", "sign")  # options by which a note is kept
MOST_WARNINGS = 10
SUMMARY = ("release", "previous", "environment", "since", "issues", "findings", "lacks")

Options = dict[str, Any]
Note = dict[str, Any]
Diff = dict[str, str]


@dataclass
class Delivered:
    """What the task returns for a note, and a diff for each thing that changes."""

    result: dict[str, Any]
    diffs: list[Diff] = field(default_factory=list)

    def put(self, path: str, text: str, keep: bool, is_shown: bool = True) -> None:
        """Write *text* to *path* where it differs; without *keep* only note that it does.

        In the diff, a text that is not shown, since only programs read it, is named by its digest.
        """
        before = _files.before(path) if is_shown else ""
        if _files.put(path, text, keep):
            digest = _canonical.sha256_hex(text.encode("utf-8"))
            self.change(path, before, text if is_shown else f"JSON with sha256 {digest}\n")

    def change(self, place: str, before: str, after: str) -> None:
        """Note that what is at *place* changes."""
        headers = dict.fromkeys(("before_header", "after_header"), place)
        self.diffs.append({"before": before, "after": after, **headers})
        self.result["changed"] = True


def refuse(options: Options) -> None:
    """Raise NoteError for *options* that exclude each other, FileError for paths of no use."""
    for option, kind in ONLY_FOR.items():
        if options[option] and options["kind"] != kind:
            raise NoteError(f"{option} is for kind {kind} only")
    for option in ("dest", "json_dest"):
        if options[option]:
            _files.check(options[option], option)


def is_kept(options: Options) -> bool:
    """Tell whether a note is written or attached, as *options* ask for it."""
    return any(options[option] for option in KEEPING)


def deliver(
    library: _store.Library,
    label: _store.Label,
    note: Note,
    options: Options,
    signer: _signers.Signer | None,
    keep: bool,
) -> Delivered:
    """Write the *note* of a release to the files in *options*; a *signer* attaches it.

    Without *keep* nothing is written, and the same is returned.
    """
    audience = "build" if options["kind"] == "build" else options["audience"]
    markdown = _rendered.render(note, audience, options["template"])
    done = Delivered({**summary(note), "markdown": markdown, "changed": False})
    if note["findings"]:
        done.result["warnings"] = warnings(label, note["findings"])
    if options["dest"]:
        done.put(options["dest"], markdown, keep)
    if options["json_dest"]:
        done.put(options["json_dest"], _rendered.to_json(note), keep, is_shown=False)
    if signer:
        kind = _build_note.PREDICATE_TYPE
        attached = _attachments.attach(library, label, kind, note, signer, keep)
        done.result["attached"] = attached
        if attached:
            done.change(library.path, "", f"{label.name}:{label.version} attested {kind}\n")
    return done


def summary(note: Note) -> dict[str, Any]:
    """Return what a play may want to know of a note; all of it is in the JSON."""
    changed = [item for item in note["components"] if item["change"] != "unchanged"]
    return {
        **{key: note[key] for key in SUMMARY if key in note},
        "commits": len(note["commits"]),
        "components": [
            {"name": item["name"], "change": item["change"], "to_version": item["to_version"]}
            for item in changed
        ],
        "dependencies": len(note["dependencies"]),
    }


def warnings(label: _store.Label, findings: list[str]) -> list[str]:
    """Return a line for each finding, of many only the first, as a terminal may show them."""
    lines = [f"{label.name}:{label.version}: {line}" for line in findings[:MOST_WARNINGS]]
    if more := len(findings) - len(lines):
        lines.append(f"{label.name}:{label.version}: and {more} more in the note")
    return list(map(_commits.shown, lines))
