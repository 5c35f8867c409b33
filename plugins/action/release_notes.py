# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_notes``: the controller composes notes; what a build left is read where it is."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.common.validation import check_type_path
from ansible.plugins.action import ActionBase

from ..module_utils.options import _notes
from ..plugin_utils.adapter import _arguments, _environment, _run_action, _task_host
from ..plugin_utils.build_host import _conversation
from ..plugin_utils.environment._state import EnvironmentState
from ..plugin_utils.evidence import _attachments, _signers, _trust
from ..plugin_utils.library import _store
from ..plugin_utils.notes import _composition, _delivery, _workspace

MODULE = "itops.release.release_notes"
FOR_MODULE = ("release", "media_library", "workspace")  # options that the module needs


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> _run_action.Result:
        super().run(tmp, task_vars)
        return _run_action.run_action(
            self,
            _arguments.on_host(_notes.options(), "workspace"),
            lambda arguments: self._note(arguments, task_vars or {}),
            place="media_library",
            required_if=[("kind", "consolidated", ["environment", "deployed"])],
        )

    def _note(
        self, arguments: _arguments.Arguments, task_vars: dict[str, Any]
    ) -> _run_action.Result:
        """Compose the note and deliver it; return the result, with a diff where one is wanted."""
        _delivery.refuse(arguments)
        # A key that cannot be used is reported before the build host is asked for anything.
        signer = _signers.choose(arguments["sign"], os.environ) if arguments["sign"] else None
        library = _store.Library(arguments["media_library"])
        label = library.find(arguments["release"])
        note = self._compose(library, label, arguments, task_vars)
        keep = not self._task.check_mode
        done = _delivery.deliver(library, label, note, arguments, signer, keep)
        return {**done.result, "diff": done.diffs} if self._task.diff else done.result

    def _compose(
        self,
        library: _store.Library,
        label: _store.Label,
        arguments: _arguments.Arguments,
        task_vars: dict[str, Any],
    ) -> _delivery.Note:
        known = None
        if arguments["trust"]:
            trust = _trust.read(arguments["trust"])
            known = _attachments.attesters(trust, datetime.now(timezone.utc))
        may_lack_packages = not _delivery.is_kept(arguments)
        with self._open_workspace(arguments, task_vars) as workspace:
            notes = _composition.Notes(library, workspace, known, may_lack_packages)
            note: _delivery.Note
            if arguments["kind"] == "build":
                note = notes.of_build(label, arguments["previous"]).to_plain()
            else:
                state = EnvironmentState.from_plain(arguments["deployed"], "deployed")
                note = notes.consolidated(label, arguments["environment"], state).to_plain()
            return note

    @contextlib.contextmanager
    def _open_workspace(
        self, arguments: _arguments.Arguments, task_vars: dict[str, Any]
    ) -> Iterator[_workspace.Workspace | None]:
        """Give the workspace where it is, or None where none is given."""
        path = arguments["workspace"]
        if not path:
            yield None
            return
        if not arguments["remote_src"]:
            yield _workspace.ThisMachine(check_type_path(path), dict(os.environ))
            return
        machine = _task_host.TaskHost(self, task_vars)
        options = {name: arguments[name] for name in FOR_MODULE}
        with (
            machine.folder() as folder,
            _environment.hidden_environment(self, path) as environment,  # git may need it
        ):
            build_host = _conversation.BuildHost(machine, MODULE, options, environment)
            with contextlib.closing(_workspace.OnBuildHost(path, folder, build_host)) as workspace:
                yield workspace
