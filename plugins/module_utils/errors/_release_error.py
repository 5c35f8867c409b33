# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The root of all errors that the collection raises on purpose."""

from __future__ import annotations

from typing import Any, Dict, Optional


class ReleaseError(ValueError):
    """Something that a user can act on: one line of text, a stable *code* and perhaps a *hint*.

    Programs decide by ``code``, never by the text. Each subclass has a code of its own; a raise
    may give a more exact one. ``hint`` says what to do, where the text does not.
    """

    code = "error"

    def __init__(self, text: str, code: Optional[str] = None, hint: Optional[str] = None) -> None:
        super().__init__(text)
        if code is not None:
            self.code = code
        self.hint = hint

    def result_fields(self) -> Dict[str, Any]:
        """Return what the result of a failed task has beside text, code and hint, as plain data.

        Subclasses that know more than their text override this.
        """
        return {}
