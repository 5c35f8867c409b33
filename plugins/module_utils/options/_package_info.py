# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``release_package_info``."""

from __future__ import annotations

from typing import Any, Dict


def options() -> Dict[str, Any]:
    """Return the argument spec."""
    return {
        "media_library": {"type": "path", "required": True},
        "release": {"type": "str"},
        "compare_to": {"type": "str"},
        "trust": {"type": "path"},
        "hooks": {"type": "list", "elements": "path"},
        "scripts_from": {"type": "path"},
    }
