# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``release_report``."""

from __future__ import annotations

from typing import Any, Dict

from . import _ledger


def options() -> Dict[str, Any]:
    """Return the argument spec."""
    return {
        **_ledger.common(),
        "pages": {"type": "path"},
        "calendar": {"type": "path"},
        "media_library": {"type": "path"},
        "trust": {"type": "path"},
        "record": {"type": "path"},
        "required": {"type": "bool", "default": True},
    }
