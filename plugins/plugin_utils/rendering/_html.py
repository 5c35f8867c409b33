# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTML from the collection's templates: what is filled in is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import _templates
from ._markdown import TemplateError


def render(name: str, values: Mapping[str, Any]) -> str:
    """Return the template *name* of the collection, filled with *values*; TemplateError."""
    import jinja2
    import jinja2.sandbox

    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        autoescape=True,
        finalize=_templates.shown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    try:
        return environment.from_string(_templates.text(name)).render(values)
    except (jinja2.TemplateError, TypeError, ValueError) as error:
        raise TemplateError(f"{name}: {' '.join(str(error).split())}") from None
