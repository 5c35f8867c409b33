# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The templates that come with the collection."""

from __future__ import annotations

import pathlib
from typing import Any

from ...module_utils.git import _commits

FOLDER = pathlib.Path(__file__).parents[3] / "templates"


def text(name: str) -> str:
    """Return the text of the template *name*."""
    return (FOLDER / name).read_text(encoding="utf-8")


def shown(value: Any) -> Any:
    """Return a text without what deceives a reader, such as bidirectional overrides."""
    # Text that is markup already is no plain str.
    is_markup = hasattr(value, "__html__")
    return _commits.shown(value) if isinstance(value, str) and not is_markup else value
