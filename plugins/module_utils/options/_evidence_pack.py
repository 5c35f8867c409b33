# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``release_evidence_pack``."""

from __future__ import annotations

from typing import Any, Dict

from . import _planning


def options() -> Dict[str, Any]:
    """Return the argument spec."""
    return {
        **_planning.common(),
        "dest": {"type": "path", "required": True},
        "review": {"type": "path"},
        "whole_ledger": {"type": "bool", "default": False},
    }
