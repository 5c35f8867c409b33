# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML files that people write: read with their lines, and held to a published JSON Schema."""

from __future__ import annotations

import contextlib
import json
import pathlib
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical

if TYPE_CHECKING:
    import yaml
    from jsonschema import ValidationError

Schema = dict[str, Any]  # JSON Schema, as plain data
KeyPath = tuple[str | int, ...]  # keys and indexes that lead to a value
Lines = dict[KeyPath, int]
MOST_VALUES = 10_000
LONGEST_NUMBER = 100
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
SAYING_NOTHING = {"$schema", "$defs", "title", "description", "default", "examples"}
SCHEMAS = pathlib.Path(__file__).parents[3] / "schemas"


class FileError(ReleaseError):
    """A file is not as it must be; the text names file, line, key and expectation."""

    code = "invalid_file"


class Mistake(ReleaseError):
    """What stands at *path* in a file is not as it must be; the text says what was expected."""

    code = "invalid_file"

    def __init__(self, path: Iterable[str | int], text: str) -> None:
        super().__init__(text)
        self.path = tuple(path)


class MissingLibrary(ReleaseError):
    """A Python library that is needed here is not installed; the text is its name."""

    code = "missing_library"


def schema(name: str) -> Schema:
    """Return the published JSON Schema of *name*, such as ``release``."""
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))


def load(text: str, filename: str, what: str) -> tuple[Any, Lines]:
    """Return the plain value of the YAML *text* and ``{path of keys: line}``.

    *what* says what is expected in the file, such as "a release". Dates stay text.
    """
    import yaml

    lines: Lines = {}
    try:
        node = yaml.compose(text, yaml.SafeLoader)
        if node is None:
            raise FileError(f"{filename}:1: the file is empty; expected {what}")
        _note_lines(node, (), lines, filename, what)
        return yaml.load(text, _loader()), lines
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1 + text.count("\n", 0, getattr(error, "position", 0))
        problem = getattr(error, "problem", None) or getattr(error, "reason", "cannot be read")
        raise FileError(f"{filename}:{line}: not YAML: {problem}") from None
    except RecursionError:
        raise FileError(f"{filename}:1: not YAML: nested too deep") from None
    except FileError:
        raise
    except ValueError as error:
        raise FileError(f"{filename}:1: not YAML: {error}") from None


def _loader() -> type[yaml.SafeLoader]:
    """Return a SafeLoader to which dates are text: YAML would have them in two types."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    Loader.yaml_implicit_resolvers = {
        first: [rule for rule in rules if rule[0] != "tag:yaml.org,2002:timestamp"]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return Loader


def _note_lines(node: yaml.Node, path: KeyPath, lines: Lines, filename: str, what: str) -> None:
    import yaml

    if len(lines) > MOST_VALUES:  # aliases of aliases grow without end
        raise FileError(f"{filename}:1: more than {MOST_VALUES} values; expected {what}")
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            where = (*path, str(key.value))
            if where in lines:
                raise FileError(
                    f"{filename}:{key.start_mark.line + 1}: {spell(where)}: stands twice; "
                    "expected each key once"
                )
            _note_lines(value, where, lines, filename, what)
            lines[where] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _note_lines(value, (*path, index), lines, filename, what)
    elif node.tag == "tag:yaml.org,2002:int" and len(node.value) > LONGEST_NUMBER:
        raise FileError(f"{filename}:{lines[path]}: {spell(path)}: the number is too long")


def check(plain: object, lines: Lines, filename: str, rules: Schema) -> None:
    """Raise FileError unless *plain* is as the JSON Schema *rules* say."""
    if fits(plain, rules, rules):
        return
    errors = find_errors(plain, rules)
    odd = [error.absolute_path for error in errors if error.validator == "additionalProperties"]

    def order(error: ValidationError) -> tuple[bool, int]:
        # A key that is missing is often the unknown one beside, misspelt.
        return error.validator == "required" and error.absolute_path in odd, _line(error, lines)

    if errors:
        first = min(errors, key=order)
        raise FileError(f"{filename}:{_line(first, lines)}: {explain(first)}")


@contextlib.contextmanager
def located(filename: str, lines: Lines) -> Iterator[None]:
    """Turn a Mistake in what is done within into the FileError that names file, line and key."""
    try:
        yield
    except Mistake as mistake:
        line = nearest(mistake.path, lines)
        raise FileError(f"{filename}:{line}: {spell(mistake.path)}: {mistake}") from None


@contextlib.contextmanager
def at(
    *path: str | int, errors: type[Exception] | tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Put *path* before that of a Mistake within; any of *errors* becomes a Mistake there."""
    try:
        yield
    except Mistake as mistake:
        mistake.path = (*path, *mistake.path)
        raise
    except errors as error:
        raise Mistake(path, str(error)) from None


def fits(value: Any, rule: Schema, rules: Schema) -> bool:
    """Tell whether *value* is surely as *rule* says, a part of the JSON Schema *rules*.

    False means only that jsonschema has to be asked, which knows the reason, too. To import it
    takes longer than all else here, and each of Ansible's workers would do so for itself.
    """
    tests = {
        "$ref": lambda ref: fits(value, rules["$defs"][ref.rpartition("/")[2]], rules),
        # To Python, True is an int; it must not pass for one.
        "type": lambda name: (
            isinstance(name, str)
            and isinstance(value, TYPES[name])
            and isinstance(value, bool) == (name == "boolean")
        ),
        "enum": lambda choices: (
            isinstance(value, (int, str)) and not isinstance(value, bool) and value in choices
        ),
        "pattern": lambda pattern: re.fullmatch(pattern, value),
        "minLength": lambda least: len(value) >= least,
        "minimum": lambda least: value >= least,
        "maximum": lambda most: value <= most,
        "minItems": lambda least: len(value) >= least,
        "maxItems": lambda most: len(value) <= most,
        "items": lambda inner: all(fits(item, inner, rules) for item in value),
        "required": lambda names: all(name in value for name in names),
        "additionalProperties": lambda more: (
            more is False and set(value) <= set(rule["properties"])
        ),
        "properties": lambda inner: all(
            fits(value[name], inner[name], rules) for name in inner if name in value
        ),
    }
    surely = {"$ref", "type", "enum"} & set(rule) and set(rule) <= {*tests, *SAYING_NOTHING}
    # The type goes first: the others take it for granted.
    return bool(surely) and all(tests[name](rule[name]) for name in tests if name in rule)


def find_errors(plain: object, rules: Schema) -> list[ValidationError]:
    """Return what in *plain* is not as the JSON Schema *rules* say."""
    try:
        import jsonschema
    except ImportError:
        raise MissingLibrary("jsonschema") from None

    # To JSON Schema 1.0 is an integer, and to Python's search "$" leaves a line's end behind.
    # pylint: disable=unidiomatic-typecheck # True is an int, and must not pass for one
    draft = jsonschema.Draft202012Validator
    strict = jsonschema.validators.extend(
        draft,
        {"pattern": _whole_pattern},
        type_checker=draft.TYPE_CHECKER.redefine(
            "integer", lambda checker, value: type(value) is int
        ),
    )
    return list(strict(rules).iter_errors(plain))


def _whole_pattern(
    validator: Any, pattern: str, instance: Any, rule: Schema
) -> Iterator[ValidationError]:
    import jsonschema

    del rule
    if validator.is_type(instance, "string") and not re.fullmatch(pattern, instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern}")


def _line(error: ValidationError, lines: Lines) -> int:
    path = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        path = (*path, _unknown_keys(error)[0])
    return nearest(path, lines)


def nearest(path: KeyPath, lines: Lines) -> int:
    """Return the line of what stands at *path*, or else of the nearest thing around it."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def explain(error: ValidationError) -> str:
    """Return ``key: what is wrong; what was expected`` for a schema error."""
    where = spell(tuple(error.absolute_path)) or "the file"
    rule: Any = error.schema
    instance: Any = error.instance
    wanted: Any = error.validator_value
    if error.validator == "additionalProperties":
        unknown = _unknown_keys(error)[0]
        key = spell((*error.absolute_path, unknown))
        known = ", ".join(rule["properties"])
        return f"{key}: no such key; expected one of {known}"
    if error.validator == "required":
        missing = next(key for key in wanted if key not in instance)
        meaning = rule["properties"][missing].get("description", "")
        return f"{where}: {missing} is missing; expected {missing}: {meaning}"
    found = json.dumps(error.instance, ensure_ascii=True, default=str, skipkeys=True)[:60]
    if error.validator == "type":
        expected = f"a value of type {wanted if isinstance(wanted, str) else ' or '.join(wanted)}"
        if wanted == "string" and not isinstance(error.instance, (dict, list)):
            expected += f', in quotes: "{error.instance}"'
    elif error.validator == "enum":
        expected = "one of " + ", ".join(map(str, wanted))
    elif error.validator == "minItems":
        expected = "at least one item"
    elif error.validator == "minLength":
        expected = "a text that is not empty"
    elif error.validator in ("minimum", "maximum"):
        expected = f"a number of {error.validator} {wanted}"
    else:
        expected = rule.get("description", error.message)
    return f"{where}: {found} does not fit; expected {expected}"


def _unknown_keys(error: ValidationError) -> list[str]:
    found: Any = error.instance
    rule: Any = error.schema
    return sorted(str(key) for key in found if key not in rule["properties"])


def spell(path: Iterable[str | int]) -> str:
    """Return how people write the *path* of a value: ``roles.build.keys[0]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return _canonical.one_line(text)
