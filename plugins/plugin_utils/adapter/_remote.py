# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of modules on a host, as an action reads them."""

from __future__ import annotations

from typing import Any

from ...module_utils.formats import _canonical


def why_failed(result: dict[str, Any]) -> str:
    """Return in a line why a module *result* is a failure, also where the module did not start."""
    said = (result.get("module_stderr") or result.get("module_stdout") or "").strip()
    reason: str = result.get("msg", "the module failed")
    if said:
        told = said.splitlines()[-1 if "Traceback" in said else 0]
        reason += f" (exit status {result.get('rc')}: {_canonical.one_line(told)})"
    return reason
