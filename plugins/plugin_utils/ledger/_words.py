# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words for people: counts, and what a run is about."""

from __future__ import annotations


def counted(number: int, what: str) -> str:
    """Return ``1 host`` or ``2 hosts`` for *number* and *what*."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def about(act: str, application: str, version: str | None) -> str:
    """Return ``deploy shop 1.4.2``, with as much of it as is known."""
    return " ".join(filter(None, [act, application if application != act else "", version]))


def shortened(text: str, most: int) -> str:
    """Return *text*, of *most* characters at most."""
    return text if len(text) <= most else text[: most - 1] + "…"
