# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Markdown: what is filled in shows as text, whatever it holds."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ansible_collections.itops.release.plugins.plugin_utils.rendering import _markdown

READER = MarkdownIt("gfm-like", {"html": True})


def shown(markdown):
    """Return the kinds of what Markdown makes of a text, and the text that it shows."""
    (tokens,) = [token.children for token in READER.parse(markdown) if token.type == "inline"]
    return {token.type for token in tokens}, "".join(token.content for token in tokens)


@given(st.text(min_size=1))
@example("<script>alert(1)</script>")
@example("[x](javascript:alert(1))")
@example("![x](https://example.org/pixel)")
@example("https://example.org www.example.org a@example.org @everyone")
@example("# title #")
@example("C#")
@example("- item")
@example("1. item")
@example("| a | b |")
@example("```")
@example("    code")
@example("a\n===")
@example("a\n\n- b")
@example("*a* _b_ ~~c~~ `d` **e**")
@example("&lt;b&gt; &#64;")
@example("\\")
@example("[^1] [x]: y")
@example("main.py A.INFO/x a.com:80 (shop.example.org) x.рф x.shop. x.xn--p1ai v1.0.0")
def test_text_shows_as_it_was_written_and_as_nothing_else(text):
    escaped = _markdown.escape(text)
    expected = " ".join(_markdown._commits.shown(text).split())
    if not expected:
        return

    for before in ("", "* ", "> ", "## ", "word "):
        kinds, content = shown(before + escaped)
        assert kinds <= {"text", "text_special"}
        assert content == before.lstrip("*>#").lstrip() + expected


def test_a_template_is_markup_and_what_it_is_given_is_not():
    template = (
        "# {{ name }}\n"
        "{% for item in items %}\n"
        "- **{{ item.text }}** {{ item.time | date }}\n"
        "{% endfor %}\n"
    )
    values = {"name": "{{ 7 * 7 }}", "items": [{"text": "a*b", "time": 1767312000}]}

    assert _markdown.render(template, "note.md.j2", values) == (
        "# {{ 7 \\* 7 }}\n- **a\\*b** 2026-01-02\n"
    )


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("a\n{% if %}", r"^note.md.j2:2: "),
        ("{{ nothing }}", r"^note.md.j2: 'nothing' is undefined"),
        ("{{ name.__class__.__mro__ }}", r"^note.md.j2: access to attribute '__class__'"),
        ("{{ 1 / 0 }}", r"^note.md.j2: division by zero"),
        ("{% include '/etc/passwd' %}", r"^note.md.j2: no loader"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused_with_its_name(template, reason):
    with pytest.raises(_markdown.TemplateError, match=reason) as caught:
        _markdown.render(template, "note.md.j2", {"name": "x"})
    assert "\n" not in str(caught.value)
