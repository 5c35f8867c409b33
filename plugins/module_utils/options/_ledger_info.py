# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``release_ledger_info``."""

from __future__ import annotations

from typing import Any, Dict

from . import _ledger

QUESTIONS = ["status", "unrecorded", "events", "audit", "export"]


def options() -> Dict[str, Any]:
    """Return the argument spec."""
    return {
        **_ledger.common(),
        "question": {"type": "str", "choices": QUESTIONS, "default": "status"},
        "calendar": {"type": "path"},
        "application": {"type": "str"},
        "kind": {"type": "str"},
        "after": {"type": "int", "default": 0},
        "most": {"type": "int"},
        "format": {"type": "str", "choices": ["jsonl", "csv"], "default": "jsonl"},
        "dest": {"type": "path"},
        "pages": {"type": "path"},
        "show": {"type": "bool", "default": False},
    }
