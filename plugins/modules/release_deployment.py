#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The half of ``release_deployment`` on a host; its documentation stays behind, beside."""

from __future__ import annotations

import os
import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.deployment import _host_call, _request
from ..module_utils.formats import _message
from ..module_utils.options import _deployment


def main() -> None:
    module = AnsibleModule(
        argument_spec={**_deployment.options(), **_message.OPTIONS},
        supports_check_mode=True,
    )
    try:
        plain = _message.unpack(module.params)
        os.environ.update(plain.pop("environment"))
        # Ansible has expanded this one with what the host knows.
        request = _request.Request.from_plain({**plain, "root": module.params["root"]})
        answer = _host_call.answer(request, utc_now)
    except _message.MessageError as error:
        module.fail_json(msg=str(error), code=error.code)
    result = answer.to_plain()
    for line in result.pop("warnings", ()):
        module.warn(line)
    if answer.failed:
        module.fail_json(**result)
    module.exit_json(**result)


def utc_now() -> str:
    """Return the time as ISO 8601 in UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


if __name__ == "__main__":
    main()
