# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``release_gate``."""

from __future__ import annotations

from typing import Any, Dict

from . import _planning


def options() -> Dict[str, Any]:
    """Return the argument spec."""
    return {
        **_planning.common(),
        "release": {"type": "str"},
        "domain": {"type": "str"},
        "as": {"type": "str", "choices": ["staged", "backed_out"]},
        "takeover": {"type": "str"},
        "in_waves": {"type": "bool", "default": False},
        "at": {"type": "str"},
        "override": {"type": "list", "elements": "str"},
    }
