# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``release_deployment``."""

from __future__ import annotations

from typing import Any, Dict

HOOKS = (
    "before_stage",
    "after_stage",
    "before_activate",
    "before_rollback",
    "after_activate",
    "before_commit",
    "after_commit",
    "after_rollback",
    "after_failure",
)
STATES = ["checked", "staged", "live", "reverted", "absent"]

LEDGER_HEAD = {
    "ledger": {"type": "str", "required": True},
    "sequence": {"type": "int", "required": True},
    "hash": {"type": "str", "required": True},
}
GOVERNED = {
    "ledger": {"type": "str", "required": True},
    "plan_required": {"type": "bool", "required": True},
}
KINDS = ("url", "tcp", "command", "unit")  # of probes, one an element
PROBE: Dict[str, Any] = {
    "name": {"type": "str"},
    "url": {"type": "str"},
    "tcp": {"type": "str"},
    "command": {"type": "list", "elements": "str"},
    "unit": {"type": "str"},
    "method": {"type": "str", "choices": ["GET", "HEAD", "OPTIONS", "POST"]},
    "headers": {"type": "dict"},
    "host": {"type": "str"},
    "ca": {"type": "str"},
    "status": {"type": "list", "elements": "int"},
    "contains": {"type": "str"},
    "matches": {"type": "str"},
    "json": {
        "type": "dict",
        "options": {
            "path": {"type": "str", "required": True},
            "equals": {"type": "raw", "required": True},
        },
    },
    "timeout": {"type": "float", "default": 5},
    "interval": {"type": "float", "default": 1},
    "count": {"type": "int"},
    "retries": {"type": "int"},
    "successes": {"type": "int", "default": 1},
    "failures": {"type": "int"},
    "initial_delay": {"type": "float", "default": 0},
    "observe": {"type": "bool", "default": False},
    "before_switch": {"type": "bool", "default": False},
}


def options() -> Dict[str, Any]:
    """Return the argument spec."""
    return {
        "root": {"type": "path", "required": True},
        "release": {"type": "str"},
        "media_library": {"type": "path"},
        "trust": {"type": "path"},
        "state": {"type": "str", "choices": STATES, "default": "live"},
        "commit": {"type": "bool", "default": True},
        "allow_downgrade": {"type": "bool", "default": False},
        "beside": {"type": "list", "elements": "dict"},
        "allow_incompatible": {"type": "bool", "default": False},
        "hold": {"type": "bool", "default": True},
        "takeover": {"type": "str"},
        "verify": {"type": "bool", "default": False},
        "adopt": {"type": "bool", "default": False},
        "rename": {"type": "bool", "default": False},
        "foreign_files": {"type": "bool", "default": False},
        "run": {"type": "str"},
        "ledger_head": {"type": "dict", "options": LEDGER_HEAD},
        "governed": {"type": "dict", "options": GOVERNED},
        "back_only": {"type": "bool", "default": False},
        "here_only": {"type": "bool", "default": False},
        "hooks": {"type": "dict", "options": {name: {"type": "path"} for name in HOOKS}},
        "hooks_sealed_with": {"type": "str", "choices": ["release", "live"], "default": "release"},
        "variables": {"type": "str"},
        "on_failure": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
        "restart": {"type": "list", "elements": "str"},
        "restart_timeout": {"type": "int", "default": 300},
        "probe": {
            "type": "list",
            "elements": "dict",
            "options": PROBE,
            "required_one_of": [KINDS],
            "mutually_exclusive": [KINDS, ("count", "retries")],
        },
        "baseline": {"type": "bool", "default": False},
        "linked_paths": {"type": "list", "elements": "str", "default": []},
        "seed": {"type": "bool", "default": False},
        "owner": {"type": "str"},
        "group": {"type": "str"},
        "access": {"type": "str", "choices": ["public", "group"]},
        "keep": {"type": "int", "default": 5},
        "keep_days": {"type": "int"},
        "mark": {"type": "str", "choices": ["bad", "good", "pinned", "unpinned"]},
        "runtime_paths": {"type": "list", "elements": "str", "default": ["**/__pycache__"]},
        "purge_shared": {"type": "bool", "default": False},
        "lock_timeout": {"type": "int", "default": 30},
        "pack_cache": {"type": "path"},
    }
