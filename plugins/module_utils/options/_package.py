# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``release_package``."""

from __future__ import annotations

from typing import Any, Dict

from . import _sign


def options() -> Dict[str, Any]:
    """Return the argument spec."""
    return {
        "src": {"type": "path"},
        "definition": {"type": "str", "default": "release.yml"},
        "workspace": {"type": "path"},
        "media_library": {"type": "path", "required": True},
        "version": {"type": "str"},
        "serial": {"type": "int"},
        "remote_src": {"type": "bool", "default": False},
        "state": {
            "type": "str",
            "choices": ["present", "signed", "absent", "pruned"],
            "default": "present",
        },
        "release": {"type": "str"},
        "mark": {"type": "str", "choices": ["pinned", "unpinned"]},
        "keep": {"type": "int"},
        "min_age_days": {"type": "int"},
        "in_use": {"type": "list", "elements": "str", "default": []},
        "evidence": {
            "type": "list",
            "elements": "str",
            "choices": ["sbom", "provenance"],
            "default": [],
        },
        "sbom": {"type": "path"},
        "sign": _sign.option(),
    }
