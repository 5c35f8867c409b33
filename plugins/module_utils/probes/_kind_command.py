# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes that run a command, which returns 0 when all is well."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Tuple

from . import _bounded


def wrong_with(probe: Mapping[str, Any]) -> Optional[str]:
    """Return a line about a *probe* that cannot be measured, else None."""
    argv = probe["command"]
    if not argv or not argv[0].strip():
        return "command: its first word, the program, is empty"
    return None


def measure(probe: Mapping[str, Any]) -> Tuple[bool, str]:
    """Return whether the command returned 0, and how it ended, with output where it failed."""
    code, output = _bounded.run(probe["command"], probe["timeout"])
    how = _bounded.ended(probe["command"], code)
    return (True, how) if code == 0 else (False, "%s: %s" % (how, output))
