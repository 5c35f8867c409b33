# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``release_train``."""

from __future__ import annotations

from typing import Any, Dict

from . import _planning


def options() -> Dict[str, Any]:
    """Return the argument spec."""
    return {
        **_planning.common(),
        "as": {"type": "str", "choices": ["backed_out"]},
        "output": {"type": "path"},
        "silence": {"type": "str", "default": "30m"},
        "takeover": {"type": "str"},
    }
