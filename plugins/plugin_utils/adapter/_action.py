# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions share: plain arguments, the task's environment, the place of packs."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from typing import Any

from ...module_utils.formats import _canonical

# What the shell, Python or Ansible's wrapper reads before a module runs; none of it is secret.
BEFORE_MODULES = frozenset(
    "HOME LANG LC_ALL LC_CTYPE LD_LIBRARY_PATH PATH PYTHONHOME PYTHONPATH PYTHONUTF8 TMPDIR".split()
)


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


@contextlib.contextmanager
def hidden_environment(action: Any, *paths: str | None) -> Iterator[dict[str, str]]:
    """Give the variables of the task's ``environment``, and keep them out of command lines.

    Ansible writes them before the interpreter of a module, where other users, ``-vvv`` and the log
    show them. Only BEFORE_MODULES stay there, and those that one of *paths* names, such as
    ``$HERE/shop``, which the module expands. A module that needs the others gets them in an option
    that is ``no_log``.
    """
    given, declared = {}, action._task.environment
    action._compute_environment_string(given)
    environment = {str(name): str(value) for name, value in given.items()}
    stays = BEFORE_MODULES.union(*(re.findall(r"\$\{?(\w+)", path or "") for path in paths))
    action._task.environment = [{name: environment[name] for name in environment if name in stays}]
    try:
        yield environment
    finally:
        action._task.environment = declared  # for another try of the same task


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
