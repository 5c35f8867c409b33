# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_evidence``: a release's bill of materials, provenance or the like, as a file."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.formats import _canonical
from ..module_utils.options import _evidence
from ..plugin_utils.adapter import _arguments, _run_action
from ..plugin_utils.evidence import _attachments, _trust
from ..plugin_utils.evidence import _file as _evidence_file
from ..plugin_utils.library import _store


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
            _evidence.options(),
            lambda arguments: self._write(arguments, not self._task.check_mode),
            place="dest",
        )

    def _write(self, arguments: _arguments.Arguments, keep: bool) -> _run_action.Result:
        library = _store.Library(arguments["media_library"])
        label = library.find(arguments["release"])
        trust = _trust.read(arguments["trust"]) if arguments["trust"] else None
        known = _attachments.attesters(trust, datetime.now(timezone.utc)) if trust else None
        chosen = _evidence_file.choose(
            _attachments.read(library, label, known),
            label,
            arguments["predicate_type"],
            arguments["digest"],
        )
        if arguments["form"] == "envelope":
            data = _evidence_file.envelopes(library, label, chosen)
        else:
            data = _evidence_file.predicate(chosen)
        path = arguments["dest"]
        result = {
            "changed": _evidence_file.differs(path, data),
            "dest": path,
            "predicate_type": chosen.predicate_type,
            "digest": chosen.digest,
            "signed_by": [trust.name_of(key) for key in chosen.keys] if trust else [],
        }
        if result["changed"] and keep:
            _evidence_file.write(path, data)
        if self._task.diff and result["changed"]:
            line = f"{chosen.predicate_type} sha256 {_canonical.sha256_hex(data)}\n"
            headers = dict.fromkeys(("before_header", "after_header"), path)
            result["diff"] = {**headers, "before": "", "after": line}
        return result
