# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``release_notes``."""

from __future__ import annotations

from typing import Any, Dict

from . import _sign


def options() -> Dict[str, Any]:
    """Return the argument spec."""
    return {
        "release": {"type": "str", "required": True},
        "media_library": {"type": "path", "required": True},
        "kind": {"type": "str", "choices": ["build", "consolidated"], "default": "build"},
        "workspace": {"type": "path"},
        "remote_src": {"type": "bool", "default": False},
        "previous": {"type": "str"},
        "environment": {"type": "str"},
        "deployed": {"type": "list", "elements": "dict"},
        "audience": {
            "type": "str",
            "choices": ["operations", "users", "management"],
            "default": "operations",
        },
        "template": {"type": "path"},
        "dest": {"type": "path"},
        "json_dest": {"type": "path"},
        "trust": {"type": "path"},
        "sign": _sign.option(),
    }
