# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``release_evidence``."""

from __future__ import annotations

from typing import Any, Dict


def options() -> Dict[str, Any]:
    """Return the argument spec."""
    return {
        "media_library": {"type": "path", "required": True},
        "release": {"type": "str", "required": True},
        "predicate_type": {"type": "str", "required": True},
        "dest": {"type": "path", "required": True},
        "form": {"type": "str", "choices": ["predicate", "envelope"], "default": "predicate"},
        "trust": {"type": "path"},
        "digest": {"type": "str"},
    }
