# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``release_ledger``, and those that it shares with ``release_ledger_info``."""

from __future__ import annotations

from typing import Any, Dict

ACTS = [
    "back_out",
    "build",
    "deploy",
    "prune",
    "reconcile",
    "rollback",
    "seal",
    "uninstall",
    "verify",
]
# Groups of an inventory that count as environments unless it names others, in their order.
ENVIRONMENTS = ["development", "test", "acceptance", "staging", "production"]


def common() -> Dict[str, Any]:
    """Return the options that both modules have."""
    return {
        "ledger": {"type": "str"},
        "env": {"type": "str"},
        "environments": {"type": "list", "elements": "str", "default": list(ENVIRONMENTS)},
        "answers": {"type": "str"},
        "hosts": {"type": "list", "elements": "str"},
        "policy": {"type": "path"},
        "variables": {"type": "str"},
    }


def options() -> Dict[str, Any]:
    """Return the argument spec."""
    return {
        **common(),
        "state": {
            "type": "str",
            "choices": ["began", "failed", "ended", "found"],
            "required": True,
        },
        "act": {"type": "str", "choices": ACTS},
        "root": {"type": "str"},
        "release": {"type": "str"},
        "media_library": {"type": "path"},
        "plan": {"type": "dict"},
        "required": {"type": "bool", "default": True},
        "intent": {"type": "dict"},
        "failed": {"type": "bool", "default": False},
        "noted": {"type": "dict"},
    }
