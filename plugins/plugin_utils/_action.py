# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions share: plain arguments, the run's name, the media library's place."""

from __future__ import annotations

import getpass
import json
import os
import socket


def plain_arguments(action, argument_spec, **rules):
    """Return the task's arguments, validated and as plain types; "" means left out.

    *rules* are those of AnsibleModule, such as ``required_if``. Surveys and extra variables send
    text, which *argument_spec* turns into what is wanted.
    """
    action._task.args = _without_empty(action._task.args)
    _result, arguments = action.validate_argument_spec(argument_spec, **rules)
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


def to_module(arguments):
    """Return *arguments* for the half on the host: an option left out is not an option of None."""
    return {
        key: to_module(value) if isinstance(value, dict) else value
        for key, value in arguments.items()
        if value is not None
    }


def run_name(task_vars):
    """Return what names this run for people: the AWX job, else user, machine and process."""
    for key in ("awx_job_id", "tower_job_id"):
        if task_vars.get(key):
            return f"AWX job {task_vars[key]}"
    return f"{_user_name()}@{socket.gethostname()} pid {os.getppid()}"


def _user_name():
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # containers run as numbers that nobody has listed
        return f"uid {os.getuid()}"


def cache_directory():
    """Return where packs are kept unless told otherwise."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "itops-release", "packs")
