# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``release_register``."""

from __future__ import annotations

from typing import Any, Dict

from . import _planning

REGISTERS = ["issue", "acknowledgement", "risk_review", "acceptance"]
SEVERITIES = ["low", "medium", "high", "critical"]


def options() -> Dict[str, Any]:
    """Return the argument spec."""
    return {
        **_planning.common(),
        "state": {"type": "str", "choices": ["open", "closed"], "default": "open"},
        "kind": {"type": "str", "choices": REGISTERS, "default": "issue"},
        "id": {"type": "str"},
        "title": {"type": "str"},
        "severity": {"type": "str", "choices": SEVERITIES},
        "affects": {"type": "list", "elements": "str"},
        "blocker": {"type": "bool"},
        "known_error": {"type": "bool"},
        "workaround": {"type": "str"},
        "corrective_action": {"type": "str"},
        "by": {"type": "str"},
        "risk": {"type": "str"},
        "item": {"type": "str"},
    }
