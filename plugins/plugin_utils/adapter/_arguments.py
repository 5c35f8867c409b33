# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments of a task: validated, as plain types, and as the host's half gets them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleError

from . import _conversion

if TYPE_CHECKING:
    from ansible.plugins.action import ActionBase

Arguments = dict[str, Any]
ArgumentSpec = dict[str, dict[str, Any]]


def plain_arguments(
    action: ActionBase, argument_spec: ArgumentSpec, prefix: str = "", **rules: Any
) -> Arguments:
    """Return the task's arguments, validated and as plain types; "" means not given.

    *rules* are those of AnsibleModule, such as ``required_if``. Surveys and extra variables send
    text, which is converted to the type of each option. Raises OptionError for a value that an
    option cannot have; with a *prefix* it names the variable of a role.
    """
    action._task.args = _conversion.convert(argument_spec, action._task.args, prefix)
    try:
        _result, arguments = action.validate_argument_spec(argument_spec, **rules)
    except AnsibleError as error:
        # Ansible would print all options of the task with the message, secret ones too.
        raise _conversion.OptionError(" ".join(error.message.split())) from None
    # Ansible's tagged strings are str to Python, but not to every library.
    plain: Arguments = json.loads(json.dumps(arguments, default=str))  # YAML has dates
    return plain


def on_host(argument_spec: ArgumentSpec, *names: str) -> ArgumentSpec:
    """Return *argument_spec* with the paths *names* left as written: the host expands them."""
    return {**argument_spec, **{name: {**argument_spec[name], "type": "str"} for name in names}}


def to_module(arguments: Arguments) -> Arguments:
    """Return *arguments* for the half on the host: an option not given is absent, not None."""
    return {
        key: to_module(value) if isinstance(value, dict) else value
        for key, value in arguments.items()
        if value is not None
    }
