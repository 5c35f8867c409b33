# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ast
import pathlib

import pytest

from ansible_collections.itops.release.plugins.module_utils.errors._release_error import (
    ReleaseError,
)

PLUGINS = pathlib.Path(__file__).resolve().parents[4] / "plugins"
# They steer what is going on inside one room, and never reach an adapter.
INTERNAL = {"Broken", "Cancelled", "Moved", "_Interrupted"}


class OddError(ReleaseError):
    code = "odd"


def test_an_error_has_the_code_of_its_class_unless_a_raise_gives_another():
    assert OddError("seven").code == "odd"
    assert OddError("seven", code="odder").code == "odder"
    assert str(OddError("seven", hint="try eight")) == "seven"
    assert OddError("seven", hint="try eight").hint == "try eight"


def test_errors_of_the_collection_have_one_root():
    outside = set()
    for path in PLUGINS.glob("*_utils/*/*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases = {ast.unparse(base) for base in node.bases}
                if bases & {"Exception", "BaseException", "ValueError", "RuntimeError", "OSError"}:
                    outside.add(node.name)

    assert outside - {"ReleaseError"} == INTERNAL


@pytest.mark.parametrize("path", sorted(PLUGINS.glob("*_utils/*/*.py")), ids=lambda p: p.name)
def test_each_error_has_a_code_of_its_own_or_of_its_parent(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ClassDef) and "ReleaseError" in map(ast.unparse, node.bases):
            names = {
                ast.unparse(t) for n in node.body if isinstance(n, ast.Assign) for t in n.targets
            }
            assert "code" in names, node.name
