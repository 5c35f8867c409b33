# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_notes``: the controller composes notes; what a build left is read where it is."""

from __future__ import annotations

import contextlib
import functools
import json
import os
from datetime import datetime, timezone

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.common.validation import check_type_path
from ansible.plugins.action import ActionBase

from ..module_utils.formats import _canonical
from ..module_utils.git import _commits
from ..module_utils.options import _notes
from ..plugin_utils.adapter import _arguments, _environment, _remote, _run_action, _transfer
from ..plugin_utils.environment._state import EnvironmentState
from ..plugin_utils.evidence import _attachments, _signers, _trust
from ..plugin_utils.library import _store
from ..plugin_utils.notes import (
    _build_note,
    _composition,
    _files,
    _rendered,
    _workspace,
)

MODULE = "itops.release.release_notes"
ONLY_FOR = {
    "sign": "build",
    "previous": "build",
    "environment": "consolidated",
    "deployed": "consolidated",
}
KEEPING = ("dest", "json_dest", "sign")
MOST_WARNINGS = 10


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        return _run_action.run_action(
            self,
            _arguments.on_host(_notes.options(), "workspace"),
            lambda arguments: self._write(arguments, task_vars, not self._task.check_mode),
            place="media_library",
            required_if=[("kind", "consolidated", ["environment", "deployed"])],
        )

    def _write(self, arguments, task_vars, keep):
        """Compose the note and put it where it is wanted; return the result."""
        _refuse(arguments)
        # A key that cannot be used is told before anything is asked.
        signer = _signers.choose(arguments["sign"], os.environ) if arguments["sign"] else None
        library = _store.Library(arguments["media_library"])
        label = library.find(arguments["release"])
        note = self._compose(library, label, arguments, task_vars)
        audience = "build" if arguments["kind"] == "build" else arguments["audience"]
        markdown = _rendered.render(note, audience, arguments["template"])
        result = {**_summary(note), "markdown": markdown, "changed": False}
        if note["findings"]:
            result["warnings"] = _warnings(label, note["findings"])
        texts = {"dest": markdown, "json_dest": _rendered.to_json(note)}
        diffs = [
            _put(arguments[option], text, keep, result, option == "dest")
            for option, text in texts.items()
            if arguments[option]
        ]
        if signer:
            kind = _build_note.PREDICATE_TYPE
            result["attached"] = _attachments.attach(library, label, kind, note, signer, keep)
            if result["attached"]:
                result["changed"] = True
                line = f"{label.name}:{label.version} attested {kind}\n"
                diffs.append({"before": "", "after": line, **_headers(library.path)})
        if self._task.diff:
            result["diff"] = [diff for diff in diffs if diff]
        return result

    def _compose(self, library, label, arguments, task_vars):
        """Return the note as plain data, which files, evidence and templates have in common."""
        known = None
        if arguments["trust"]:
            trust = _trust.read(arguments["trust"])
            known = _attachments.attesters(trust, datetime.now(timezone.utc))
        with self._workspace(arguments, task_vars) as workspace:
            is_kept = any(arguments[option] for option in KEEPING)
            notes = _composition.Notes(library, workspace, known, may_lack_packages=not is_kept)
            if arguments["kind"] == "build":
                return notes.of_build(label, arguments["previous"]).to_plain()
            state = EnvironmentState.from_plain(arguments["deployed"], "deployed")
            return notes.consolidated(label, arguments["environment"], state).to_plain()

    @contextlib.contextmanager
    def _workspace(self, arguments, task_vars):
        """Give the workspace where it is, or None where none is given."""
        workspace = arguments["workspace"]
        if not workspace or not arguments["remote_src"]:
            path = workspace and check_type_path(workspace)
            yield path and _workspace.ThisMachine(path, dict(os.environ))
            return
        folder = self._make_tmp_path()
        try:
            with _environment.hidden_environment(self, workspace) as environment:
                call = functools.partial(self._call, arguments, environment, task_vars)
                build_host = _workspace.BuildHost(workspace, folder, call, self._fetch)
                with contextlib.closing(build_host):
                    yield build_host
        finally:
            self._remove_tmp_path(folder, force=True)

    def _call(self, arguments, environment, task_vars, asked):
        options = {key: arguments[key] for key in ("release", "media_library", "workspace")}
        hidden = json.dumps({"environment": environment})  # git may need it
        with _transfer.modules_through_input(self):
            result = self._execute_module(
                MODULE,
                {**options, "_hidden": hidden, "_call": asked},
                task_vars=task_vars,
                wrap_async=False,
            )
        if result.get("failed"):
            raise _workspace.WorkspaceError(_remote.why_failed(result))
        return result

    def _fetch(self, there, path):
        try:
            self._connection.fetch_file(there, path)
        except AnsibleConnectionFailure:
            raise
        except (AnsibleError, OSError) as error:
            raise _workspace.WorkspaceError(f"the answer cannot be fetched: {error}") from None


def _refuse(arguments):
    """Raise _composition.NoteError for options that do not belong together, and paths of no use."""
    for option, kind in ONLY_FOR.items():
        if arguments[option] and arguments["kind"] != kind:
            raise _composition.NoteError(f"{option} is for kind {kind} only")
    for option in ("dest", "json_dest"):
        if arguments[option]:
            _files.check(arguments[option], option)


def _summary(note):
    """Return what a play may want to know of a note; all of it is in the JSON."""
    keys = ("release", "previous", "environment", "since", "issues", "findings", "lacks")
    changed = [item for item in note["components"] if item["change"] != "unchanged"]
    return {
        **{key: note[key] for key in keys if key in note},
        "commits": len(note["commits"]),
        "components": [
            {"name": item["name"], "change": item["change"], "to_version": item["to_version"]}
            for item in changed
        ],
        "dependencies": len(note["dependencies"]),
    }


def _warnings(label, findings):
    """Return a line for each finding, of many only the first, as a terminal may show them."""
    lines = [f"{label.name}:{label.version}: {line}" for line in findings[:MOST_WARNINGS]]
    if more := len(findings) - len(lines):
        lines.append(f"{label.name}:{label.version}: and {more} more in the note")
    return list(map(_commits.shown, lines))


def _put(path, text, keep, result, is_shown):
    """Put *text* at *path*, tell so in *result*, and return a diff, or None if nothing changes.

    A text that is not shown, since only programs read it, is named by its digest.
    """
    before = _files.before(path) if is_shown else ""
    if not _files.put(path, text, keep):
        return None
    result["changed"] = True
    digest = _canonical.sha256_hex(text.encode("utf-8"))
    after = text if is_shown else f"JSON with sha256 {digest}\n"
    return {"before": before, "after": after, **_headers(path)}


def _headers(path):
    return dict.fromkeys(("before_header", "after_header"), path)
