# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What another run of Ansible must be given to know what this one knows: its command line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible import constants, context
from ansible.parsing.splitter import parse_kv

from ...module_utils.errors._release_error import ReleaseError
from . import _play

if TYPE_CHECKING:
    from ansible.plugins.action import ActionBase

# Options with a value: the name in CLIARGS, the option, and the setting whose value is no news.
OPTIONS = (
    ("remote_user", "--user", "DEFAULT_REMOTE_USER"),
    ("private_key_file", "--private-key", "DEFAULT_PRIVATE_KEY_FILE"),
    ("connection", "--connection", "DEFAULT_TRANSPORT"),
    ("timeout", "--timeout", "DEFAULT_TIMEOUT"),
    ("ssh_common_args", "--ssh-common-args", ""),
    ("ssh_extra_args", "--ssh-extra-args", ""),
    ("sftp_extra_args", "--sftp-extra-args", ""),
    ("scp_extra_args", "--scp-extra-args", ""),
    ("become_method", "--become-method", "DEFAULT_BECOME_METHOD"),
    ("become_user", "--become-user", "DEFAULT_BECOME_USER"),
    ("become_password_file", "--become-password-file", "BECOME_PASSWORD_FILE"),
    ("connection_password_file", "--connection-password-file", "CONNECTION_PASSWORD_FILE"),
    ("forks", "--forks", "DEFAULT_FORKS"),
)
FLAGS = (("become", "--become", "DEFAULT_BECOME"), ("diff", "--diff", "DIFF_ALWAYS"))
FILES = ("become_password_file", "connection_password_file", "private_key_file")
# What would give a job another meaning, or no host.
REFUSED = (("subset", "--limit"), ("start_at_task", "--start-at-task"), ("step", "--step"))


class CommandLineError(ReleaseError):
    """An option of the command line cannot be used; the text names it."""

    code = "invalid_option"


@dataclass(frozen=True)
class CommandLine:
    """The *sources* of the inventory, and the other *arguments*, of which some name files."""

    sources: tuple[str, ...]
    arguments: tuple[str, ...]


def refuse_parts(what: str) -> None:
    """Raise CommandLineError for options by which *what* would be done in part."""
    for name, option in REFUSED:
        if context.CLIARGS.get(name):
            raise CommandLineError(f"{option}: {what} is about all its hosts: leave {option} out")


def of_run(action: ActionBase, folder: str) -> CommandLine:
    """Return the command line of this run for another one.

    Secrets and variables that are not in files already are written to the *folder*, which others
    cannot read.
    """
    given = context.CLIARGS
    sources = tuple(str(source) for source in given.get("inventory") or ())
    arguments = [
        *_values(given),
        *(option for name, option, setting in FLAGS if given.get(name) and not _setting(setting)),
        *(["--check"] if action._task.check_mode else []),
        *(["-" + "v" * given["verbosity"]] if given.get("verbosity") else []),
        *_passwords(action, folder),
        *_vault(action, folder),
        *_variables(action, folder),
    ]
    return CommandLine(sources, tuple(arguments))


def environment() -> dict[str, str]:
    """Return what ansible-runner would set otherwise: it does not check host keys by default."""
    return {
        "ANSIBLE_HOST_KEY_CHECKING": str(constants.HOST_KEY_CHECKING),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORCE_COLOR": "0",
    }


def _values(given: Any) -> Iterator[str]:
    for name, option, setting in OPTIONS:
        value = given.get(name)
        if value in (None, "") or value == _setting(setting):
            continue
        yield f"{option}={os.path.abspath(value) if name in FILES else value}"


def _setting(name: str) -> Any:
    return getattr(constants, name, None) if name else None


def _passwords(action: ActionBase, folder: str) -> Iterator[str]:
    """Yield the passwords that were asked for (-k, -K), each as a file."""
    asked = (
        ("ask_pass", "--connection-password-file", "password"),
        ("become_ask_pass", "--become-password-file", "become_pass"),
    )
    for name, option, attribute in asked:
        secret = getattr(action._play_context, attribute, None)
        if context.CLIARGS.get(name) and secret:
            yield f"{option}={_written(folder, attribute, str(secret).encode())}"


def _vault(action: ActionBase, folder: str) -> Iterator[str]:
    """Yield the sources of vault secrets; secrets that were asked for as files."""
    given = context.CLIARGS
    ids = [str(each) for each in given.get("vault_ids") or ()]
    if given.get("ask_vault_pass") or any(each.endswith("@prompt") for each in ids):
        secrets: Sequence[tuple[str, Any]] = action._loader._vault.secrets
        for number, (label, secret) in enumerate(secrets):
            path = _written(folder, f"vault-{number}", secret.bytes)
            yield f"--vault-id={label}@{path}"
        return
    yield from (f"--vault-id={each}" for each in ids)
    files = [str(each) for each in given.get("vault_password_files") or ()]
    yield from (f"--vault-password-file={os.path.abspath(each)}" for each in files)


def _variables(action: ActionBase, folder: str) -> Iterator[str]:
    """Yield the extra variables in their order, each as a file."""
    given = [str(each) for each in context.CLIARGS.get("extra_vars") or ()]
    for number, text in enumerate(given):
        if text.startswith("@"):
            yield f"--extra-vars=@{os.path.abspath(os.path.expanduser(text[1:]))}"
            continue
        if text.lstrip().startswith(("{", "[")):
            data = text.encode()
        else:
            pairs = {str(name): _plain(value) for name, value in parse_kv(text).items()}
            pairs.pop("_raw_params", None)  # what Ansible cut off a text with blanks
            whole = _play.whole_texts(pairs)
            mine = {name: said for name, said in whole.items() if text.startswith(f"{name}=")}
            data = json.dumps({**pairs, **mine}).encode()
        yield f"--extra-vars=@{_written(folder, f'variables-{number}.yml', data)}"


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _written(folder: str, name: str, data: bytes) -> str:
    path = os.path.join(folder, name)
    with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as stream:
        stream.write(data)
    return path
