# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``release_fleet``."""

from __future__ import annotations

from typing import Any, Dict

from . import _planning

STATES = ["staged", "switched", "committed", "found", "reverted", "reconciled"]


def options() -> Dict[str, Any]:
    """Return the argument spec."""
    return {
        **_planning.common(),
        "state": {"type": "str", "choices": STATES, "required": True},
        "as": {"type": "str", "choices": ["staged", "backed_out"]},
        "domain": {"type": "str"},
        "run": {"type": "str"},
        "answers": {"type": "str"},
    }
