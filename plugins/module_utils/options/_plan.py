# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``release_plan``."""

from __future__ import annotations

from typing import Any, Dict

from . import _planning

STATES = ["checked", "proposed", "decided", "cancelled", "closed"]
DECISIONS = ["approve", "reject", "withdraw", "comment", "declare"]


def options() -> Dict[str, Any]:
    """Return the argument spec."""
    return {
        **_planning.common(),
        "state": {"type": "str", "choices": STATES, "default": "checked"},
        "decision": {"type": "str", "choices": DECISIONS, "default": "approve"},
        "role": {"type": "str"},
    }
