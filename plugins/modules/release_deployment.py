#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The half of ``release_deployment`` on a host; what documents it stays behind, beside."""

from __future__ import annotations

import json
import os
import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.deployment import _host_call
from ..module_utils.options import _deployment


def main():
    module = AnsibleModule(
        argument_spec={
            **_deployment.options(),
            "_call": {"type": "dict"},
            "_hidden": {"type": "str", "no_log": True},
        },
        supports_check_mode=True,
    )
    if not module.params["_call"]:
        module.fail_json(msg="release_deployment works only through its action plugin")
    try:
        result = run(module)
        for line in result.pop("warnings", ()):
            module.warn(line)
        module.exit_json(**result)
    except (OSError, ValueError) as error:
        from ..module_utils.deployment import _transaction

        module.fail_json(
            **_transaction.refusal(error, module.params["_call"], module.params["root"])
        )


def run(module):
    """Do what the controller's half asks for, and return what was done or what is needed."""
    hidden = json.loads(module.params["_hidden"])
    os.environ.update(hidden.pop("environment"))
    params = {**module.params, **hidden}
    call = params["_call"]
    if params["state"] == "absent":
        act = _host_call.remove
    else:
        act = _host_call.mark if params["mark"] else _host_call.bring
    return act(params, call, utc_now, module.check_mode)


def utc_now():
    """Return the time as ISO 8601 in UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


if __name__ == "__main__":
    main()
