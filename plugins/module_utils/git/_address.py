# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of sources and of jobs, as they may be shown."""

from __future__ import annotations

import re

from . import _command


def shown(place: str) -> str:
    """Return a path or an address without what may be secret in one: user, password and query."""
    place = _command.shown(place)
    return re.split(r"[?#]", place, maxsplit=1)[0] if "://" in place else place
