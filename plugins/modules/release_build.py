#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The half of ``release_build`` on a build host; what documents it stays behind, beside."""

from __future__ import annotations

import base64
import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.building import _place, _plan, _supervisor
from ..module_utils.errors._release_error import ReleaseError
from ..module_utils.formats import _message
from ..module_utils.options import _build

LARGEST_BYTES = 4 * 1024 * 1024


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **_build.options(),
            **_message.OPTIONS,
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(changed=False, format=_message.FORMAT, **run(module.params))
    except ReleaseError as error:
        module.fail_json(msg=str(error), code=error.code, hint=error.hint)
    except OSError as error:
        module.fail_json(msg=str(error))


def run(params: dict[str, Any]) -> dict[str, Any]:
    """Do what the controller's half asks for: read ``release.yml``, or start a build."""
    call = _message.unpack(params)
    if call["plan"] is None:
        return read(os.path.join(params["src"], params["definition"]))
    plan: _plan.Plan = call["plan"]
    plan["workspace"] = os.path.normpath(params["workspace"])
    return _supervisor.start(plan, {**os.environ, **call["environment"]})


def read(path: str) -> dict[str, str]:
    """Return the bytes of ``release.yml``, in Base64, and the folder that it lies in."""
    try:
        with open(path, "rb") as stream:
            data = stream.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise _place.BuildError(
            "%s: %s; src is the folder with the file that says what is built, and definition its "
            "path there" % (path, error.strerror)
        ) from None
    if len(data) > LARGEST_BYTES:
        raise _place.BuildError("%s is larger than %d bytes" % (path, LARGEST_BYTES))
    return {
        "content": base64.b64encode(data).decode("ascii"),
        "path": path,
        "folder": os.path.abspath(os.path.dirname(path)),
    }


if __name__ == "__main__":
    main()
