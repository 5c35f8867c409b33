# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions share: plain arguments, the place of packs."""

from __future__ import annotations

import json
import os

from ...module_utils.formats import _canonical


def plain_arguments(action, argument_spec, **rules):
    """Return the task's arguments, validated and as plain types; "" means left out.

    *rules* are those of AnsibleModule, such as ``required_if``. Surveys and extra variables send
    text, which *argument_spec* turns into what is wanted.
    """
    action._task.args = _without_empty(action._task.args)
    try:
        _result, arguments = action.validate_argument_spec(argument_spec, **rules)
    except Exception as error:
        # Ansible would show this beside it: all options of the task, also those that may be secret.
        error.obj = None
        raise
    # Ansible's tagged strings are str to Python, but not to every library.
    return json.loads(json.dumps(arguments))


def _without_empty(options):
    return {
        key: _without_empty(value) if isinstance(value, dict) else value
        for key, value in options.items()
        if value != ""
    }


def on_host(argument_spec, *names):
    """Return *argument_spec* with the paths *names* left as written: the host expands them."""
    return {**argument_spec, **{name: {**argument_spec[name], "type": "str"} for name in names}}


def why_failed(result):
    """Return in a line why a module *result* is a failure, also where the module did not start."""
    said = (result.get("module_stderr") or result.get("module_stdout") or "").strip()
    reason = result.get("msg", "the build host failed")
    if said:
        told = said.splitlines()[-1 if "Traceback" in said else 0]
        reason += f" (exit status {result.get('rc')}: {_canonical.one_line(told)})"
    return reason


def to_module(arguments):
    """Return *arguments* for the half on the host: an option left out is not an option of None."""
    return {
        key: to_module(value) if isinstance(value, dict) else value
        for key, value in arguments.items()
        if value is not None
    }


def cache_directory():
    """Return where packs are kept unless told otherwise."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "itops-release", "packs")
