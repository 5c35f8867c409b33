# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``sign`` of the modules that sign."""

from __future__ import annotations

from typing import Any, Dict

SIGN = {
    "role": {"type": "str", "choices": ["build", "release"], "required": True},
    "private_key": {"type": "path", "no_log": False},
    "public_key": {"type": "path", "no_log": False},
    "command": {"type": "list", "elements": "str"},
    "timeout": {"type": "int", "default": 60},
    "passphrase_env": {"type": "str", "no_log": False},
    "passphrase_fd": {"type": "int", "no_log": False},
}


def option() -> Dict[str, Any]:
    """Return the argument spec of ``sign``."""
    return {
        "type": "dict",
        "options": SIGN,
        "required_one_of": [("private_key", "public_key")],
        "mutually_exclusive": [
            ("private_key", "public_key"),
            ("passphrase_env", "passphrase_fd"),
        ],
        "required_by": {
            "command": ["public_key"],
            "passphrase_env": ["private_key"],
            "passphrase_fd": ["private_key"],
        },
    }
