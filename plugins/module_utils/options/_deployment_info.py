# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``release_deployment_info``."""

from __future__ import annotations

from typing import Any, Dict


def options() -> Dict[str, Any]:
    """Return the argument spec."""
    return {
        "root": {"type": "path", "required": True},
        "release": {"type": "str"},
        "media_library": {"type": "path"},
        "verify": {"type": "bool", "default": False},
        "history": {"type": "int", "default": 0},
        "declared": {"type": "bool", "default": False},
        "reuse_answer": {"type": "bool", "default": False},
        "variables": {"type": "str"},
        "runtime_paths": {"type": "list", "elements": "str", "default": ["**/__pycache__"]},
    }
