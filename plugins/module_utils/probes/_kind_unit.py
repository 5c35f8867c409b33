# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of a systemd unit, which must be active."""

from __future__ import annotations

import re
from typing import Any, Mapping, Optional, Tuple

from . import _bounded

NAME = re.compile(r"[A-Za-z0-9:_.\\@-]+")  # systemd.unit(5); without globs


def wrong_with(probe: Mapping[str, Any]) -> Optional[str]:
    """Return a line about a *probe* that cannot be measured, else None."""
    unit = probe["unit"]
    if NAME.fullmatch(unit):
        return None
    return "unit: %r is not the name of a systemd unit (example: shop.service)" % unit


def measure(probe: Mapping[str, Any]) -> Tuple[bool, str]:
    """Return whether the unit is active, and its state in systemd's word."""
    argv = ["systemctl", "is-active", "--", probe["unit"]]
    code, output = _bounded.run(argv, probe["timeout"])
    if code is None or code == _bounded.NOT_FOUND:
        output = "%s: %s" % (_bounded.ended(argv, code), output)
    return code == 0, "%s: %s" % (probe["unit"], output)
