# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_package_info``: what the media library holds, and how two releases differ."""

from __future__ import annotations

from ansible.plugins.action import ActionBase

from ..module_utils import _arguments
from ..plugin_utils import _action, _comparison, _description, _library, _lifetime, _run


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        _lifetime.end_with(_run.main_pid())
        arguments = _action.plain_arguments(
            self, _arguments.package_info(), required_by={"compare_to": ["release"]}
        )
        try:
            return {"changed": False, **look(arguments)}
        except OSError as error:
            path = arguments["media_library"]
            return {"failed": True, "msg": str(error) if error.filename else f"{path}: {error}"}
        except _library.LibraryError as error:
            return {"failed": True, "msg": str(error)}


def look(arguments):
    """Return the releases asked for as plain data, and the comparison when one is asked for."""
    library = _library.Library(arguments["media_library"])
    if arguments["release"] is None:
        stored, damaged = library.survey()
        return {
            "releases": list(map(_description.describe, stored)),
            "damaged": [item._asdict() for item in damaged],
        }
    stored = library.get(library.find(arguments["release"]).digest)
    result = {"releases": [_description.describe(stored)]}
    if arguments["compare_to"]:
        other = library.get(library.find(arguments["compare_to"]).digest)
        result["comparison"] = {
            "from": other.label.digest,
            "to": stored.label.digest,
            "components": _comparison.compare(other.manifest, stored.manifest),
        }
    return result
