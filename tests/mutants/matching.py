# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutants: what each takes out of a file of plugins/, found in the syntax tree of the file."""

from __future__ import annotations

import ast
import importlib
import pathlib
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
COLLECTION = "ansible_collections.itops.release"
BLOCKS = frozenset({"body", "orelse", "handlers", "finalbody"})
ANNOTATIONS = frozenset({"annotation", "returns", "type_comment", "type_params"})
NAMED = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

Tests = str | tuple[str, ...]
Nodes = list[Any]  # of type ast.AST, whose fields depend on its class


class MatchError(ValueError):
    """The code of a mutant is not Python, or is not in its file exactly once."""


@dataclass(frozen=True)
class Mutant:
    """One safe step, and the change that takes it out.

    *without* names what is lost, *path* the file in plugins/, or ``scripts/…``. *old* and *new* are
    Python: an expression, statements, or the head of a compound statement with its colon
    (``if full:``, ``except OSError:``), whose body stays. An empty *new* removes statements. *old*
    is in the file exactly once, or in its function or class *within* (``remove``,
    ``Claim.remove``). Layout, comments, docstrings and annotations are not compared.

    *tests* must fail without the step: a file in tests/ and, after a space, an expression for
    pytest's ``-k``; or a tuple of pytest's arguments.
    """

    without: str
    path: str
    old: str
    new: str
    tests: Tests
    within: str = ""


def check(without: str, path: str, condition: str, tests: Tests, within: str = "") -> Mutant:
    """Return the Mutant in which the check ``if condition:`` never finds anything."""
    return Mutant(without, path, f"if {condition.strip()}:", "if False:", tests, within)


def omit(without: str, path: str, statements: str, tests: Tests, within: str = "") -> Mutant:
    """Return the Mutant that leaves out *statements*."""
    return Mutant(without, path, statements, "", tests, within)


def file_of(path: str) -> pathlib.PurePath:
    """Return where the file of a Mutant is in the checkout."""
    return pathlib.PurePath(path if path.startswith("scripts/") else f"plugins/{path}")


def arguments(tests: Tests) -> list[str]:
    """Return the arguments by which pytest, in the checkout, runs the *tests* of a Mutant."""
    if isinstance(tests, tuple):
        return list(tests)
    file, _space, expression = tests.partition(" ")
    return [f"tests/{file}", *(["-k", expression] if expression else [])]


def load(folder: pathlib.Path) -> dict[str, tuple[Mutant, ...]]:
    """Return the mutants of each ``mutants.py`` in *folder*, by its path in the checkout."""
    paths = [path.relative_to(CHECKOUT) for path in sorted(folder.rglob("mutants.py"))]
    names = {str(path): ".".join([COLLECTION, *path.with_suffix("").parts]) for path in paths}
    return {path: importlib.import_module(name).MUTANTS for path, name in names.items()}


def mutated(source: str, mutant: Mutant) -> str:
    """Return the *source* of the mutant's file without its safe step; raises MatchError."""
    tree = ast.parse(source)
    _replace(place(tree, mutant), _parsed(mutant)[1])
    return ast.unparse(ast.fix_missing_locations(tree))


class Place(NamedTuple):
    """Where code is in a syntax tree: in a *field* of *parent*, the items *span* of a list."""

    parent: Any
    field: str
    span: slice | None


def place(tree: ast.AST, mutant: Mutant) -> Place:
    """Return the one Place of the mutant's old code in the *tree* of its file, or raise MatchError.

    New code that is not Python is an error, too.
    """
    old, _new = _parsed(mutant)
    scopes = _scopes(tree, mutant.within.split(".") if mutant.within else [])
    found = [place for scope in scopes for place in _places(scope, old)]
    if len(found) != 1:
        where = f"{mutant.path}, {mutant.within}" if mutant.within else mutant.path
        raise MatchError(f"the code is {len(found)} times in {where}")
    return found[0]


def _parsed(mutant: Mutant) -> tuple[Nodes, Nodes]:
    """Return the nodes of the old and the new code of a mutant."""
    old, new = _parse(mutant.old), _parse(mutant.new)
    if not old:
        raise MatchError("the old code is empty")
    if all(len(code) == 1 and isinstance(code[0], ast.Expr) for code in (old, new)):
        return [old[0].value], [new[0].value]  # expressions, wherever they are
    return old, new


def _parse(text: str) -> Nodes:
    """Return the nodes of *text*; all blocks of a head are None."""
    code = textwrap.dedent(text).strip()
    is_head, is_handler = code.endswith(":"), code.startswith("except")
    if is_head:
        code = ("try: ...\n" if is_handler else "") + code.removeprefix("el") + " ..."
    try:
        nodes: Nodes = ast.parse(code).body
    except SyntaxError as error:
        raise MatchError(f"{error.msg}: {text}") from error
    if is_head:
        nodes = nodes[0].handlers if is_handler else nodes
        for field in BLOCKS.intersection(nodes[0]._fields):
            setattr(nodes[0], field, None)
    return nodes


def _scopes(tree: ast.AST, names: list[str]) -> Iterator[ast.AST]:
    """Yield the functions or classes in *tree* that *names* lead to; without names, the tree."""
    if not names:
        yield tree
    for node in ast.walk(tree) if names else ():
        if isinstance(node, NAMED) and node.name == names[0]:
            yield from _scopes(node, names[1:])


def _places(scope: ast.AST, code: Nodes) -> Iterator[Place]:
    """Yield each Place of *code* in *scope*."""
    for parent in ast.walk(scope):
        for field, value in ast.iter_fields(parent):
            if isinstance(value, list):
                for start in range(len(value) - len(code) + 1):
                    span = slice(start, start + len(code))
                    if all(map(_is_same, code, value[span])):
                        yield Place(parent, field, span)
            elif len(code) == 1 and _is_same(code[0], value):
                yield Place(parent, field, None)


def _is_same(wanted: Any, found: Any) -> bool:
    """Tell whether two parts of trees mean the same; a *wanted* block that is None is any."""
    if isinstance(wanted, ast.AnnAssign) and wanted.value:
        wanted = ast.Assign([wanted.target], wanted.value)
    if isinstance(found, ast.AnnAssign) and found.value:
        found = ast.Assign([found.target], found.value)
    if type(wanted) is not type(found):
        return False
    if isinstance(wanted, list):
        return len(wanted) == len(found) and all(map(_is_same, wanted, found))
    if not isinstance(wanted, ast.AST):
        return bool(wanted == found)
    return all(
        (field in BLOCKS and getattr(wanted, field) is None)
        or _is_same(_value(wanted, field), _value(found, field))
        for field in wanted._fields
        if field not in ANNOTATIONS
    )


def _value(node: ast.AST, field: str) -> Any:
    """Return a field of a node, without a docstring."""
    value = getattr(node, field, None)
    if field == "body" and isinstance(node, NAMED) and ast.get_docstring(node, clean=False):
        return node.body[1:]
    return value


def _replace(place: Place, new: Nodes) -> None:
    """Put *new* where *place* is; a head gets the blocks of what it replaces."""
    value = getattr(place.parent, place.field)
    old = value if place.span is None else value[place.span.start]
    for node in new:
        for block in BLOCKS.intersection(node._fields):
            if getattr(node, block) is None:
                setattr(node, block, getattr(old, block, []))
    if place.span is None:
        setattr(place.parent, place.field, new[0])
        return
    value[place.span] = new
    if place.field in BLOCKS and not value:
        value.append(ast.Pass())
