# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_package_info``: what the media library holds, and how two releases differ."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.options import _package_info
from ..plugin_utils.adapter import _arguments, _run_action
from ..plugin_utils.evidence import _attachments, _signatures, _statement, _trust
from ..plugin_utils.library import _catalogue, _store
from ..plugin_utils.release import _comparison, _description, _scripts

NEED_RELEASE = ("compare_to", "trust", "hooks", "scripts_from")


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
            _package_info.options(),
            lambda arguments: {"changed": False, **look(arguments)},
            place="media_library",
            required_by={name: ["release"] for name in NEED_RELEASE},
        )


def look(arguments: _arguments.Arguments) -> _run_action.Result:
    """Return the releases asked for as plain data, and the comparison when one is asked for."""
    library = _store.Library(arguments["media_library"])
    if arguments["release"] is None:
        held, damaged = library.survey()
        return {
            "releases": list(map(_description.describe, held)),
            "damaged": [item._asdict() for item in damaged],
        }
    hooks, scripts_from = arguments["hooks"], arguments["scripts_from"]
    if hooks and not scripts_from and _is_elsewhere(library, arguments["release"]):
        return {"releases": [], "script_problems": []}
    stored = library.get(library.find(arguments["release"]).digest)
    trust = _trust.read(arguments["trust"]) if arguments["trust"] else None
    now = datetime.now(timezone.utc)
    result: _run_action.Result = {
        "releases": [_description.describe(stored)],
        "signatures": _signatures.describe(library, stored.label, trust),
        "evidence": _attachments.describe(library, stored.label, trust, now),
    }
    if trust:
        roles = [role for role in trust.roles if role in _statement.ROLES]
        verdicts = _signatures.judge_all(library, stored.label, trust, roles, now)
        result["roles"] = [verdict._asdict() for verdict in verdicts]
    if hooks or scripts_from:
        result["script_problems"] = _scripts.problems(stored.manifest, hooks or (), scripts_from)
    if arguments["compare_to"]:
        other = library.get(library.find(arguments["compare_to"]).digest)
        result["comparison"] = {
            "from": other.label.digest,
            "to": stored.label.digest,
            "components": _comparison.compare(other.manifest, stored.manifest),
        }
    return result


def _is_elsewhere(library: _store.Library, reference: str) -> bool:
    """Tell whether a release is named that *library* need not hold: a host may, by its digest."""
    wanted = _catalogue.parse_reference(reference)
    return isinstance(wanted, str) and not library.entries_of(wanted)
