# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way in which all actions run: arguments in, work, result or failure out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import missing_required_lib

from ...module_utils.errors._release_error import ReleaseError
from ..run import _identity, _lifetime
from ._arguments import Arguments, ArgumentSpec, plain_arguments

if TYPE_CHECKING:
    from ansible.plugins.action import ActionBase

Result = dict[str, Any]
MISSING_LIBRARY = "missing_library"  # the code of an error whose text is the name of a library
SYSTEM_ERROR = "system_error"  # the code of an OSError


def run_action(
    action: ActionBase,
    argument_spec: ArgumentSpec,
    work: Callable[[Arguments], Result],
    *,
    place: str | None = None,
    prefix: str = "",
    refuse: Callable[[Arguments], None] = lambda given: None,
    **rules: Any,
) -> Result:
    """Run ``work(arguments)`` for the task of an *action*, and return the result of the task.

    The worker process ends with the run. The arguments are validated by *argument_spec* and
    *rules*, such as ``required_if``, and plain: see ``plain_arguments``. A ReleaseError or OSError
    is returned as a failure: see ``failure``. The option *place* holds the path that an OSError is
    about when it does not name one. A role whose variables are the options says their *prefix*;
    ``refuse(given)`` may raise a ReleaseError for options as they were written. All other
    exceptions pass: a host that cannot be reached (AnsibleConnectionFailure), a bug.
    """
    _lifetime.end_with(_identity.main_pid())
    given = dict(action._task.args)
    try:
        refuse(given)
        arguments = plain_arguments(action, argument_spec, prefix, **rules)
    except ReleaseError as error:
        return _in_role(failure(error), argument_spec, prefix)
    try:
        result = work(arguments)
    except (ReleaseError, OSError) as error:
        result = failure(error, arguments[place] if place else None)
    return _in_role(result, argument_spec, prefix)


def failure(error: ReleaseError | OSError, path: str | None = None) -> Result:
    """Return the failed result that reports *error*: ``msg``, a line, and ``code``.

    A ReleaseError adds ``hint`` if it has one, and its own ``result_fields()``. A MissingLibrary
    is reported in Ansible's words for that. An OSError without a file name is about *path*.
    """
    if isinstance(error, OSError):
        text = f"{path}: {error}" if path and not error.filename else str(error)
        return {"failed": True, "msg": _line(text), "code": SYSTEM_ERROR}
    is_missing = error.code == MISSING_LIBRARY
    return {
        **error.result_fields(),
        "failed": True,
        "msg": missing_required_lib(str(error)) if is_missing else _line(str(error)),
        "code": error.code,
        **({"hint": error.hint} if error.hint else {}),
    }


def _in_role(result: Result, argument_spec: ArgumentSpec, prefix: str) -> Result:
    """Return the *result*, whose message names the role's variable beside an option.

    A message that is about an option begins with its name, or ends with it as Ansible's do.
    """
    if not (prefix and result.get("failed") and isinstance(result.get("msg"), str)):
        return result
    options = "|".join(argument_spec)
    named = rf"^({options})(?=[ :](?!\())|(?<= found in )({options})$"

    def with_variable(match: re.Match[str]) -> str:
        return f"{match[0]} ({prefix}{match[0]})"

    return {**result, "msg": re.sub(named, with_variable, result["msg"], count=1)}


def _line(text: str) -> str:
    return " ".join(text.splitlines())
