# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTML from the collection's templates: what is filled in is escaped."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from . import _templates
from ._markdown import TemplateError

ESCAPES = True


def render(name: str, values: Mapping[str, Any]) -> str:
    """Return the template *name* of the collection, filled with *values*; TemplateError."""
    import jinja2

    try:
        return str(_environment().get_template(name).render(values))
    except (jinja2.TemplateError, TypeError, ValueError) as error:
        raise TemplateError(f"{name}: {' '.join(str(error).split())}") from None


@functools.lru_cache(maxsize=None)
def _environment() -> Any:
    """Return the environment; it keeps templates that it has compiled.

    The templates are files of the collection, and what they are filled with is data: no sandbox.
    """
    import jinja2

    return jinja2.Environment(
        autoescape=ESCAPES,
        finalize=_templates.shown,
        loader=jinja2.FunctionLoader(_templates.text),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
