# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``release_build``, once, for its half on the host and that on the controller."""

from __future__ import annotations

from typing import Any, Dict


def options() -> Dict[str, Any]:
    """Return the options of ``release_build``."""
    return {
        "src": {"type": "path", "required": True},
        "definition": {"type": "str", "default": "release.yml"},
        "workspace": {"type": "path", "required": True},
        "version": {"type": "str"},
        "serial": {"type": "int"},
        "rebuild": {
            "type": "str",
            "choices": ["changed", "always", "verify"],
            "default": "changed",
        },
        "require_reproducible": {"type": "bool", "default": True},
    }
