# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release requires of hosts: their system, architecture and Python, and free disk space.

Versions are read by PEP 440, which numbers such as 12, 22.04 and 3.11.2 are versions of.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from . import _ranges

SCHEME = "pep440"
PYTHON = "python"


def check(required: Mapping[str, Any]) -> None:
    """Raise RangeError unless what is in the ``requires_hosts`` *required* can be read."""
    _systems(required)
    _python(required)


def find_problems(required: Mapping[str, Any], there: Mapping[str, str], host: str) -> list[str]:
    """Return a text for each thing that *host* lacks of what *required*, ``requires_hosts``, says.

    *there* is what it answered: the lines ``ID`` and ``VERSION_ID`` of its ``os-release``, its
    architecture, and the version of its Python. Free disk space is not looked at.
    """
    problems = []
    systems, name, version = _systems(required), *_system(there["os"])
    if systems and not any(each.name == name and _has(each, version) for each in systems):
        wanted = " or ".join(map(str, systems))
        system = f"{name or 'an unknown system'} {version}".rstrip()
        problems.append(f"requires {wanted}; {host} is {system}")
    machines = required.get("architecture") or [there["architecture"]]
    if there["architecture"] not in machines:
        wanted = " or ".join(machines)
        problems.append(f"requires the architecture {wanted}; {host} has {there['architecture']}")
    python = _python(required)
    if python and not _has(python, there["python"]):
        problems.append(f"requires {python}; {host} has {PYTHON} {there['python']}")
    return problems


def _systems(required: Mapping[str, Any]) -> list[_ranges.Range]:
    return [_ranges.parse(text, SCHEME) for text in required.get("os", ())]


def _python(required: Mapping[str, Any]) -> _ranges.Range | None:
    text = required.get(PYTHON)
    return _ranges.parse(f"{PYTHON} {text}", SCHEME) if text else None


def _has(wanted: _ranges.Range, version: str) -> bool:
    try:
        return wanted.has(version)
    except _ranges.RangeError:  # some systems have none, and no range has that
        return False


def _system(lines: str) -> tuple[str, str]:
    """Return ID and VERSION_ID of the *lines* of an ``os-release``; "" for what is not there."""
    found = {}
    for line in lines.splitlines():
        key, _sign, value = line.partition("=")
        try:
            found[key] = " ".join(shlex.split(value))
        except ValueError:  # a quote that does not end
            found[key] = value
    return found.get("ID", ""), found.get("VERSION_ID", "")
