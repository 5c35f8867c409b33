# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutants: each is well formed, and its code is in its file once, however that is laid out."""

from __future__ import annotations

import ast
import collections
import functools
import pathlib
import re

import pytest

from ansible_collections.itops.release.tests.mutants import matching
from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

FILES = matching.load(matching.CHECKOUT / "tests")


@functools.cache
def tree_of(path: str) -> ast.Module:
    return ast.parse((matching.CHECKOUT / matching.file_of(path)).read_text("utf-8"))


def problems(mutant: Mutant) -> list[str]:
    """Return what is wrong with a mutant of this checkout."""
    try:
        matching.place(tree_of(mutant.path), mutant)
    except (OSError, matching.MatchError) as error:
        return [str(error)]
    file, *options = matching.arguments(mutant.tests)
    path = matching.CHECKOUT / file.partition("::")[0]
    if not path.is_file():
        return [f"{path} is missing"]
    expression = options[1] if options[:1] == ["-k"] else ""
    words = set(re.findall(r"[a-z]\w+", expression)) - {"and", "or", "not"}
    files = (path, path.with_name("conftest.py"))  # parameters of fixtures select tests, too
    text = "".join(file.read_text("utf-8") for file in files if file.is_file())
    return [f"{path.name} has no {word}" for word in sorted(words) if word not in text]


@pytest.mark.parametrize("file", FILES)
def test_each_mutant_is_in_its_file_once_and_names_tests(file: str) -> None:
    found = {mutant.without: problems(mutant) for mutant in FILES[file]}

    assert {without: wrong for without, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("file", [file for file in FILES if file.startswith("tests/unit/")])
def test_a_mutant_lies_beside_the_tests_of_its_room(file: str) -> None:
    room = pathlib.PurePath(file).parent.relative_to("tests/unit")

    assert {pathlib.PurePath(mutant.path).parent for mutant in FILES[file]} == {room}


def test_each_safe_step_has_a_name_of_its_own() -> None:
    for top in ("tests/unit/", "tests/faults/"):
        mutants = [mutant for file in FILES if file.startswith(top) for mutant in FILES[file]]
        names = collections.Counter(mutant.without for mutant in mutants)

        assert [name for name, count in names.items() if count > 1] == []


SOURCE = """
def read(path, limit=5):
    if limit < 0 or not path:
        raise ValueError("no")
    elif limit == 0:
        return b""
    data: bytes = load(
        path,  # of a file
    )
    try:
        return decode(data)
    except OSError:
        return b""

class Store:
    def close(self):
        self.lock()

    def read(self):
        with self.lock(), self.open() as stream:
            return stream.read()
"""
PLAIN = ast.unparse(ast.parse(SOURCE))


def mutated(old: str, new: str, within: str = "", source: str = SOURCE) -> str:
    mutant = Mutant("a step", "some/file.py", old, new, "unit/test_some.py", within)
    return matching.mutated(source, mutant)


@pytest.mark.parametrize(
    ("old", "new", "within", "line", "instead"),
    [
        ("not path", "False", "", "if limit < 0 or not path:", "if limit < 0 or False:"),
        ("if limit<0 or (not path):", "if False:", "", "if limit < 0 or not path:", "if False:"),
        ("elif limit == 0:", "elif True:", "", "elif limit == 0:", "elif True:"),
        ("except OSError:", "except EOFError:", "", "except OSError:", "except EOFError:"),
        ("data = load(path)", "data = 1", "", "data: bytes = load(path)", "data = 1"),
        ("  data = load(\n    path)", "", "read", "data: bytes = load(path)\n    ", ""),
        ("self.lock()", "", "Store.close", "self.lock()\n", "pass\n"),
        ("self.lock()", "there", "Store.read", "self.lock(),", "there,"),
        (
            "with self.lock(), self.open() as stream:",
            "with self.open() as stream:",
            "",
            "with self.lock(), self.open() as stream:",
            "with self.open() as stream:",
        ),
    ],
)
def test_code_is_found_by_what_it_means(
    old: str, new: str, within: str, line: str, instead: str
) -> None:
    assert line in PLAIN

    assert mutated(old, new, within) == PLAIN.replace(line, instead, 1)


def test_annotations_and_docstrings_are_not_compared() -> None:
    bare, other = "def double(number): return 2 * number", "def double(number): return number"
    source = 'def double(number: int) -> int:\n    """Double it."""\n    return 2 * number'

    assert mutated(bare, other, source=source) == ast.unparse(ast.parse(other))


@pytest.mark.parametrize(("within", "count"), [("", 2), ("Store", 2), ("load", 0), ("Store.no", 0)])
def test_code_that_is_not_there_exactly_once_is_refused(within: str, count: int) -> None:
    with pytest.raises(matching.MatchError, match=f"the code is {count} times in some/file.py"):
        mutated("self.lock()", "None", within)


@pytest.mark.parametrize(("old", "new"), [("", "pass"), ("if (:", "if False:"), ("path", "b c")])
def test_what_is_not_python_is_refused(old: str, new: str) -> None:
    with pytest.raises(matching.MatchError):
        mutated(old, new)


def test_a_check_finds_nothing_and_what_is_omitted_is_not_done() -> None:
    lost = check("a limit", "some/file.py", "limit < 0 or not path", "")
    left = omit("a lock", "some/file.py", "self.lock()", "", within="close")

    assert matching.mutated(SOURCE, lost) == PLAIN.replace("limit < 0 or not path", "False")
    assert matching.mutated(SOURCE, left) == PLAIN.replace("self.lock()\n", "pass\n")


def test_tests_are_named_as_pytest_takes_them() -> None:
    assert matching.arguments("unit/test_a.py") == ["tests/unit/test_a.py"]
    assert matching.arguments("unit/test_a.py b or c") == ["tests/unit/test_a.py", "-k", "b or c"]
    assert matching.arguments(("tests/test_a.py::b", "-x")) == ["tests/test_a.py::b", "-x"]
