# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that modules about plans share."""

from __future__ import annotations

from typing import Any, Dict


def common() -> Dict[str, Any]:
    """Return the options that all of them have."""
    return {
        "plan": {"type": "path"},
        "policy": {"type": "path"},
        "calendar": {"type": "path"},
        "ledger": {"type": "str"},
        "media_library": {"type": "path"},
        "trust": {"type": "path"},
        "approvals": {"type": "path"},
        "key": {"type": "path"},
        "env": {"type": "str"},
        "reason": {"type": "str"},
        "variables": {"type": "str"},
    }
