# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""That what runs on hosts is written in the Python that the oldest supported hosts have.

`ansible-test sanity` goes further: it imports these files by every Python that it finds.
"""

from __future__ import annotations

import ast
import pathlib

import pytest

PLUGINS = pathlib.Path(__file__).resolve().parents[2] / "plugins"
ON_HOSTS = sorted(p for f in ("modules", "module_utils") for p in (PLUGINS / f).rglob("*.py"))
OLDEST = (3, 8)


@pytest.mark.parametrize("path", ON_HOSTS, ids=lambda path: str(path.relative_to(PLUGINS)))
def test_host_code_parses_as_the_oldest_python(path):
    tree = ast.parse(path.read_text("utf-8"), feature_version=OLDEST)

    # Without it, an annotation such as `str | None` is evaluated, and fails, on old hosts.
    assert any(isinstance(n, ast.ImportFrom) and n.module == "__future__" for n in tree.body)
