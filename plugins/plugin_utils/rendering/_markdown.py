# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Markdown from templates: what a template says is markup, what is filled in is text and no more.

Text of commits, authors and files is data: it is never a template, and shows as it was written,
whatever Markdown, HTML or escape sequences are in it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.git import _commits

TOP_LEVEL = "[a-z]{2}|biz|com|edu|gov|net|org|pro|web|xxx|aero|asia|coop|info|museum|name|shop|рф"
# What means something within a line, at its beginning or at its end; then what makes a link of text
# without any brackets, as GitHub's Markdown has it.
SPECIAL = re.compile(
    r"[\\`*_\[\]<>|~&]|^[-+#=]|\#(?=\#*$)"
    r"|(?<=\w):(?=//)|(?<=\bwww)\.|@(?=\w)"
    # What some readers take for a host without being told, such as main.py.
    r"|(?<=\w)\.(?=(?:" + TOP_LEVEL + r")(?![a-z0-9])|xn--)",
    re.IGNORECASE,
)
NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")


class TemplateError(ReleaseError):
    """A template cannot be used; the text names it, the line, and what is wrong."""

    code = "invalid_template"


class Code(str):
    """A line within a block of code, where nothing is markup; it must not begin with a fence."""


def escape(value: object) -> str:
    """Return *value* as Markdown that shows its text in a line."""
    if isinstance(value, Code):
        return _commits.shown(" ".join(value.splitlines()))
    text = " ".join(_commits.shown(str(value)).split())
    return NUMBERED.sub(r"\1\\\2", SPECIAL.sub(lambda match: "\\" + match[0], text))


def render(template: str, name: str, values: Mapping[str, Any]) -> str:
    """Return the text *template*, a Jinja2 template called *name*, filled with *values*.

    Raises TemplateError. A template is trusted to be somebody's who may write one, and still
    reaches no more than what it is given.
    """
    import jinja2

    try:
        return str(_compiled(template).render(values))
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(f"{name}:{error.lineno}: {error.message}") from None
    except (jinja2.TemplateError, TypeError, ValueError, KeyError, ArithmeticError) as error:
        raise TemplateError(f"{name}: {' '.join(str(error).split())}") from None


@functools.lru_cache(maxsize=32)
def _compiled(template: str) -> Any:
    """Return the text *template* as a template of Jinja2."""
    import jinja2.sandbox

    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        finalize=escape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["date"] = _date
    return environment.from_string(template)


def _date(seconds: float) -> str:
    """Return seconds since 1970 as a day, in UTC."""
    return datetime.fromtimestamp(int(seconds), timezone.utc).strftime("%Y-%m-%d")
