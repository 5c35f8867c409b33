#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The half of ``release_deployment_info`` on a host; its documentation stays behind, beside."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.deployment import _look
from ..module_utils.errors._release_error import ReleaseError
from ..module_utils.formats import _message
from ..module_utils.options import _deployment_info


def main() -> None:
    module = AnsibleModule(
        argument_spec={**_deployment_info.options(), **_message.OPTIONS},
        supports_check_mode=True,
    )
    try:
        plain = _message.unpack(module.params)
        # Ansible has expanded this one with what the host knows.
        look = _look.Look.from_plain({**plain, "root": module.params["root"]})
        module.exit_json(**_look.answer(look), format=_message.FORMAT)
    except ReleaseError as error:
        module.fail_json(msg=str(error), code=error.code, format=_message.FORMAT)
    except OSError as error:
        module.fail_json(msg=str(error), code="system_error", format=_message.FORMAT)


if __name__ == "__main__":
    main()
