# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the modules, once, for the half on the host and the half on the controller."""

from __future__ import annotations

# Options of release_deployment that may hold secrets. They travel to a host as one text that is
# marked no_log: the host's syslog has every other option, and so have the results of tasks.
HIDDEN = ("restart", "probe")

PROBE = {
    "url": {"type": "str"},
    "command": {"type": "list", "elements": "str"},
    "status": {"type": "list", "elements": "int", "default": [200]},
    "contains": {"type": "str"},
    "timeout": {"type": "float", "default": 5},
    "retries": {"type": "int", "default": 10},
    "interval": {"type": "float", "default": 1},
    "successes": {"type": "int", "default": 1},
}


SIGN = {
    "role": {"type": "str", "choices": ["build", "release"], "required": True},
    "private_key": {"type": "path", "no_log": False},
    "public_key": {"type": "path", "no_log": False},
    "command": {"type": "list", "elements": "str"},
    "timeout": {"type": "int", "default": 60},
    "passphrase_env": {"type": "str", "no_log": False},
    "passphrase_fd": {"type": "int", "no_log": False},
}


def package():
    """Return the options of ``release_package``."""
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
        "sign": {
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
        },
    }


def package_info():
    """Return the options of ``release_package_info``."""
    return {
        "media_library": {"type": "path", "required": True},
        "release": {"type": "str"},
        "compare_to": {"type": "str"},
        "trust": {"type": "path"},
        "hooks": {"type": "list", "elements": "path"},
        "scripts_from": {"type": "path"},
    }


def evidence():
    """Return the options of ``release_evidence``."""
    return {
        "media_library": {"type": "path", "required": True},
        "release": {"type": "str", "required": True},
        "predicate_type": {"type": "str", "required": True},
        "dest": {"type": "path", "required": True},
        "form": {"type": "str", "choices": ["predicate", "envelope"], "default": "predicate"},
        "trust": {"type": "path"},
        "digest": {"type": "str"},
    }


def notes():
    """Return the options of ``release_notes``."""
    return {
        "release": {"type": "str", "required": True},
        "media_library": {"type": "path", "required": True},
        "kind": {"type": "str", "choices": ["build", "consolidated"], "default": "build"},
        "workspace": {"type": "path"},
        "remote_src": {"type": "bool", "default": False},
        "previous": {"type": "str"},
        "environment": {"type": "str"},
        "deployed": {"type": "dict"},
        "audience": {
            "type": "str",
            "choices": ["operations", "users", "management"],
            "default": "operations",
        },
        "template": {"type": "path"},
        "dest": {"type": "path"},
        "json_dest": {"type": "path"},
        "trust": {"type": "path"},
        "sign": package()["sign"],
    }


def deployment():
    """Return the options of ``release_deployment``."""
    return {
        "root": {"type": "path", "required": True},
        "release": {"type": "str"},
        "media_library": {"type": "path"},
        "trust": {"type": "path"},
        "state": {"type": "str", "choices": ["live", "staged", "absent"], "default": "live"},
        "commit": {"type": "bool", "default": True},
        "allow_downgrade": {"type": "bool", "default": False},
        "beside": {"type": "list", "elements": "dict"},
        "allow_incompatible": {"type": "bool", "default": False},
        "hold": {"type": "bool", "default": True},
        "takeover": {"type": "str"},
        "verify": {"type": "bool", "default": False},
        "adopt": {"type": "bool", "default": False},
        "restart": {"type": "list", "elements": "str"},
        "restart_timeout": {"type": "int", "default": 300},
        "probe": {
            "type": "dict",
            "options": PROBE,
            "required_one_of": [("url", "command")],
            "mutually_exclusive": [("url", "command")],
        },
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


def deployment_info():
    """Return the options of ``release_deployment_info``."""
    return {
        "root": {"type": "path", "required": True},
        "release": {"type": "str"},
        "media_library": {"type": "path"},
        "verify": {"type": "bool", "default": False},
        "history": {"type": "int", "default": 0},
        "declared": {"type": "bool", "default": False},
        "reuse_answer": {"type": "bool", "default": False},
        "runtime_paths": {"type": "list", "elements": "str", "default": ["**/__pycache__"]},
    }
