# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Globs: what ``*``, ``**``, ``?`` and brackets match, and that no pattern breaks them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.module_utils.files import _globs


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("**", ["a", "a/b", ".git/config"], []),
        ("*", ["a", ".hidden"], ["a/b"]),
        ("*.py", ["a.py", ".py"], ["a/b.py", "a.pyc", "apy"]),
        ("**/*.py", ["a.py", "a/b.py", "a/b/c.py"], ["a.pyc"]),
        ("**/.git", [".git", "a/.git"], [".git/config", ".gitignore", "a.git"]),
        ("src/**", ["src/a", "src/a/b"], ["src", "srcs/a"]),
        ("src/*", ["src/a"], ["src/a/b", "src"]),
        ("a/**/z", ["a/z", "a/b/z", "a/b/c/z"], ["a/bz", "az"]),
        ("log/", ["log", "log/x", "log/x/y"], ["logs", "a/log"]),
        ("**/log/", ["log", "log/x", "a/log", "a/log/x"], ["a"]),
        ("a?c", ["abc", "aéc"], ["ac", "a/c"]),
        ("[ab]", ["a", "b"], ["c", "[ab]"]),
        ("[!ab]", ["c"], ["a", "/"]),
        ("[^ab]", ["c"], ["a"]),
        ("[a-c]1", ["b1"], ["d1"]),
        ("[]a]", ["]", "a"], ["[]a]"]),
        ("[a/]", ["a"], ["/"]),
        ("a.b", ["a.b"], ["axb"]),
        ("a+(b)|c$", ["a+(b)|c$"], ["c", "aab"]),
        ("a\nb", ["a\nb"], ["ab"]),
        # No class: such brackets stand for themselves, as in a shell.
        ("[", ["["], ["a"]),
        ("[z-a]", ["[z-a]"], ["z", "a"]),
        ("[!]", ["[!]"], ["!", "a"]),
        ("[]", ["[]"], ["a"]),
    ],
)
def test_what_a_pattern_matches(pattern, matching, others):
    is_match = _globs.compile_globs([pattern])

    assert [path for path in matching + others if is_match(path)] == matching


def test_one_of_several_is_enough_and_none_match_nothing():
    assert _globs.compile_globs(["a", "b"])("b")
    assert not _globs.compile_globs(["a", "b"])("ab")
    assert not _globs.compile_globs([])("a")


@given(st.text(alphabet="[]!^-*?\\/.&|~(){}a\n9", max_size=12), st.text(max_size=5))
def test_no_pattern_breaks_the_matching(pattern, path):
    _globs.compile_globs([pattern])(path)


@given(st.text(alphabet="ab/.+()[é", max_size=12))
def test_a_pattern_without_wildcards_matches_itself(path):
    literal = path.replace("[", "")

    assert _globs.compile_globs([literal])(literal)
