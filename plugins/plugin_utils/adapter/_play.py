# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task knows of other hosts of the inventory: patterns, role options, addresses."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible import constants, context
from ansible.errors import AnsibleError
from ansible.plugins.loader import lookup_loader
from ansible.utils.vars import load_extra_vars

from ...module_utils.errors._release_error import ReleaseError

if TYPE_CHECKING:
    from ansible.plugins.action import ActionBase

PREFIX = "deploy_"
# Options of the role or its playbook that a plan does not fix: what it fixes itself, and what is
# about one run.
NOT_FIXED = ("deploy_release", "deploy_takeover", "deploy_hosts", "deploy_lock_timeout")
HOOKS = "deploy_hooks"
LOCAL = ("localhost", "127.0.0.1", "::1")
SSH_ARGUMENTS = ("ssh_args", "ssh_common_args", "ssh_extra_args")  # options of the connection


class PlayError(ReleaseError):
    """A variable or a pattern of the inventory cannot be used; the text names it."""

    code = "invalid_inventory"


@dataclass(frozen=True)
class HostOptions:
    """The role options of a *host*, and its *hooks*: files by moment."""

    host: str
    options: Mapping[str, Any] = field(default_factory=dict)
    hooks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Connection:
    """How Ansible connects to a *host*."""

    host: str
    plugin: str
    address: str
    ssh_arguments: tuple[str, ...] = ()


def hosts_of(action: ActionBase, pattern: str, task_vars: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the hosts of the inventory that *pattern* selects, whatever --limit says."""
    lookup = lookup_loader.get(
        "ansible.builtin.inventory_hostnames", loader=action._loader, templar=action._templar
    )
    try:
        found = lookup.run([pattern], variables=dict(task_vars))
    except AnsibleError as error:
        raise PlayError(f"hosts '{pattern}': {_line(error)}") from None
    return tuple(str(host) for host in found)


def role_options(
    action: ActionBase, task_vars: Mapping[str, Any], hosts: Iterable[str]
) -> list[HostOptions]:
    """Return the options of the role deploy for each of *hosts*; those that are blank are left out.

    For the host of the task, they are what the role sees: variables of the play or role count.
    """
    here = str(task_vars.get("inventory_hostname"))
    return [_options_of(action, task_vars, host, host == here) for host in hosts]


def value_of(task_vars: Mapping[str, Any], host: str, name: str) -> Any:
    """Return the variable *name* of *host* as plain data, None where it has none."""
    variables = _variables(task_vars, host)
    if name not in variables:
        return None
    return _value(variables, name, host)


def text_of(action: ActionBase, task_vars: Mapping[str, Any], name: str) -> str:
    """Return the variable *name* as the task sees it, which must be text; no error has its value.

    A template in it is one of the inventory, and the text is no template.
    """
    if name not in task_vars:
        raise PlayError(f"the variable {name} is not defined")
    try:
        value = action._templar.template(task_vars[name])
    except AnsibleError:
        raise PlayError(f"the variable {name} cannot be templated") from None
    if not isinstance(value, str):
        raise PlayError(f"the variable {name} is not text")
    return str(value)


def connections(
    action: ActionBase, task_vars: Mapping[str, Any], hosts: Iterable[str]
) -> list[Connection]:
    """Return how Ansible connects to each of *hosts*."""
    found = []
    for host in hosts:
        known = {
            name: value_of(task_vars, host, name)
            for name in ("ansible_connection", "ansible_host", "ansible_ssh_host")
        }
        plugin = known["ansible_connection"] or _default_connection(action, host)
        address = known["ansible_host"] or known["ansible_ssh_host"] or host
        texts = [_ssh_arguments(task_vars, host, name) for name in SSH_ARGUMENTS]
        words = [word for text in texts for word in shlex.split(text)]
        found.append(Connection(host, str(plugin), str(address), tuple(words)))
    return found


def extra_variables(action: ActionBase) -> dict[str, Any]:
    """Return what --extra-vars gave to this run."""
    return dict(load_extra_vars(action._loader))


def whole_texts(names: Iterable[str]) -> dict[str, str]:
    """Return the extra variables of these *names* that Ansible cut at the first blank, whole.

    ``-e release_reason="Read it"`` reaches Ansible without the quotes, and it takes the first word.
    """
    found = {}
    for given in context.CLIARGS.get("extra_vars") or ():
        name, is_pair, text = str(given).partition("=")
        is_one = is_pair and name in names and not re.search(r"\s\w+=", text)
        if is_one and " " in text.strip() and not text.strip().startswith(("'", '"', "{")):
            found[name] = text.strip()
    return found


def _ssh_arguments(task_vars: Mapping[str, Any], host: str, option: str) -> str:
    """Return an option of the connection ssh: a variable, the command line, or configuration."""
    value = value_of(task_vars, host, f"ansible_{option}") or context.CLIARGS.get(option)
    if not value:
        try:
            value = constants.config.get_config_value(
                option, plugin_type="connection", plugin_name="ssh"
            )
        except AnsibleError:  # the plugin was not loaded
            value = ""
    return str(value or "")


def _default_connection(action: ActionBase, host: str) -> str:
    # Ansible adds a host of this name by itself, and reaches it without a network.
    if host in LOCAL:
        return "local"
    return str(action._task.connection or action._play_context.connection or "ssh")


def _options_of(
    action: ActionBase, task_vars: Mapping[str, Any], host: str, is_here: bool
) -> HostOptions:
    variables = _variables(task_vars, host)
    names = {str(name) for name in variables if str(name).startswith(PREFIX)}
    values = {name: _value(variables, name, host) for name in names}
    if is_here:
        for name in [str(name) for name in task_vars if str(name).startswith(PREFIX)]:
            values[name] = _plain(action._templar.template(task_vars[name]), name, host)
    hooks = values.pop(HOOKS, None) or {}
    if isinstance(hooks, str):
        raise PlayError(f"{HOOKS} of {host}: give a mapping, where a plan is used")
    folder = str(task_vars.get("playbook_dir") or "")
    paths = {
        str(moment): os.path.join(folder, os.path.expanduser(str(path)))
        for moment, path in hooks.items()
        if path
    }
    options = {
        name: value
        for name, value in values.items()
        if name not in NOT_FIXED and value not in (None, "", [], {})
    }
    return HostOptions(host, options, paths)


def _variables(task_vars: Mapping[str, Any], host: str) -> Mapping[str, Any]:
    hostvars: Mapping[str, Mapping[str, Any]] = task_vars["hostvars"]
    try:
        return hostvars[host]
    except KeyError:
        raise PlayError(f"{host} is not in the inventory") from None


def _value(variables: Mapping[str, Any], name: str, host: str) -> Any:
    try:
        return _plain(variables[name], name, host)
    except AnsibleError as error:
        raise PlayError(f"{name} of {host}: {_line(error)}") from None


def _plain(value: Any, name: str, host: str) -> Any:
    """Return *value* without Ansible's tags."""
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError) as error:
        raise PlayError(f"{name} of {host}: {_line(error)}") from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
