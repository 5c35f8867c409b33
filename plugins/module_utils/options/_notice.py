# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``release_notice``."""

from __future__ import annotations

from typing import Any, Dict


def options() -> Dict[str, Any]:
    """Return the argument spec."""
    return {
        "state": {"type": "str", "choices": ["sent"], "default": "sent"},
        "policy": {"type": "path"},
        "ledger": {"type": "str"},
        "pages": {"type": "path"},
        "variables": {"type": "str"},
    }
