# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release.yml``: what a release is made of, as its author writes it."""

from __future__ import annotations

import functools
import json
import pathlib
import re
from typing import NamedTuple

from ..module_utils import _manifest

MOST_VALUES = 10_000
LONGEST_NUMBER = 100
SCHEMA = pathlib.Path(__file__).parents[2] / "schemas" / "release.schema.json"


class ReleaseFileError(ValueError):
    """``release.yml`` is not as it must be; the text names file, line, key and expectation."""


class MissingLibrary(RuntimeError):
    """A Python library that is needed here is not installed; the text is its name."""


class ComponentSource(NamedTuple):
    """One component as declared: where its files are, which are taken, and where they go."""

    name: str
    version: str
    kind: str
    source: str
    path: str
    include: tuple
    exclude: tuple
    private: tuple
    writable: tuple
    case_sensitive: bool


class ReleaseFile(NamedTuple):
    """A release as declared; components are sorted by name."""

    name: str
    version: str
    serial: int
    components: tuple


def parse(text, filename, version=None, serial=None):
    """Return the ReleaseFile in the YAML *text*; *version* and *serial* stand over what it says.

    Raises ReleaseFileError with one line ``file:line: key: what is wrong, what was expected``, and
    MissingLibrary.
    """
    options = {"version": version, "serial": serial}
    options = {key: value for key, value in options.items() if value is not None}
    for error in _errors(options, {"properties": schema()["properties"]}):
        raise ReleaseFileError(f"the option {_explain(error)}")
    plain, lines = _load(text, filename)
    if isinstance(plain, dict):
        plain.update(options)
    _check(plain, lines, filename)
    components = [_component(item, plain["version"]) for item in plain["components"]]
    for index, component in enumerate(components):
        _check_path("path", component.path, index, lines, filename)
        source = str(pathlib.PurePosixPath(component.source))  # a slash at its end does no harm
        _check_path("source", source, index, lines, filename)
    names = set()
    for index, item in enumerate(plain["components"]):
        if item["name"] in names:
            line = lines[("components", index)]
            raise ReleaseFileError(
                f"{filename}:{line}: components[{index}].name: {item['name']!r} stands twice; "
                "expected a name of its own for each component"
            )
        names.add(item["name"])
    return ReleaseFile(plain["name"], plain["version"], plain["serial"], tuple(sorted(components)))


@functools.lru_cache(maxsize=None)
def schema():
    """Return the published JSON Schema of ``release.yml``."""
    return json.loads(SCHEMA.read_text(encoding="utf-8"))


def _component(item, version):
    properties = schema()["properties"]["components"]["items"]["properties"]
    values = {key: item.get(key, rule.get("default")) for key, rule in properties.items()}
    values["version"] = item.get("version", version)
    return ComponentSource(
        **{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    )


def _load(text, filename):
    """Return the plain value of the YAML *text* and ``{path of keys: line}``."""
    import yaml

    lines = {}
    try:
        node = yaml.compose(text, yaml.SafeLoader)
        if node is None:
            raise ReleaseFileError(f"{filename}:1: the file is empty; expected a release")
        _note_lines(node, (), lines, filename)
        return yaml.safe_load(text), lines
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1 + text.count("\n", 0, getattr(error, "position", 0))
        problem = getattr(error, "problem", None) or getattr(error, "reason", "cannot be read")
        raise ReleaseFileError(f"{filename}:{line}: not YAML: {problem}") from None
    except RecursionError:
        raise ReleaseFileError(f"{filename}:1: not YAML: nested too deep") from None
    except ReleaseFileError:
        raise
    except ValueError as error:
        raise ReleaseFileError(f"{filename}:1: not YAML: {error}") from None


def _note_lines(node, path, lines, filename):
    import yaml

    if len(lines) > MOST_VALUES:  # aliases of aliases grow without end
        raise ReleaseFileError(f"{filename}:1: more than {MOST_VALUES} values; expected a release")
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            where = (*path, str(key.value))
            if where in lines:
                raise ReleaseFileError(
                    f"{filename}:{key.start_mark.line + 1}: {_spell(where)}: stands twice; "
                    "expected each key once"
                )
            _note_lines(value, where, lines, filename)
            lines[where] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _note_lines(value, (*path, index), lines, filename)
    elif node.tag == "tag:yaml.org,2002:int" and len(node.value) > LONGEST_NUMBER:
        raise ReleaseFileError(f"{filename}:{lines[path]}: {_spell(path)}: the number is too long")


def _check(plain, lines, filename):
    errors = sorted(_errors(plain, schema()), key=lambda error: _line(error, lines))
    if errors:
        first = errors[0]
        raise ReleaseFileError(f"{filename}:{_line(first, lines)}: {_explain(first)}")


def _errors(plain, rules):
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


def _check_path(key, path, index, lines, filename):
    try:
        if path != ".":
            _manifest.check_path(path)
    except _manifest.ManifestError as error:
        line = _nearest(("components", index, key), lines)
        rule = schema()["properties"]["components"]["items"]["properties"][key]
        raise ReleaseFileError(
            f"{filename}:{line}: components[{index}].{key}: {error}; expected {rule['description']}"
        ) from None


def _whole_pattern(validator, pattern, instance, rule):
    import jsonschema

    del rule
    if validator.is_type(instance, "string") and not re.fullmatch(pattern, instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern}")


def _line(error, lines):
    path = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        path = (*path, _unknown_keys(error)[0])
    return _nearest(path, lines)


def _nearest(path, lines):
    """Return the line of what stands at *path*, or else of the nearest thing around it."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _explain(error):
    """Return ``key: what is wrong; what was expected`` for a schema error."""
    where = _spell(tuple(error.absolute_path)) or "the file"
    rule = error.schema
    if error.validator == "additionalProperties":
        unknown = _unknown_keys(error)[0]
        key = _spell((*error.absolute_path, unknown))
        known = ", ".join(rule["properties"])
        return f"{key}: no such key; expected one of {known}"
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        meaning = rule["properties"][missing].get("description", "")
        return f"{where}: {missing} is missing; expected {missing}: {meaning}"
    found = json.dumps(error.instance, ensure_ascii=True, default=str, skipkeys=True)[:60]
    if error.validator == "type":
        expected = f"a value of type {error.validator_value}"
        if error.validator_value == "string" and not isinstance(error.instance, (dict, list)):
            expected += f', in quotes: "{error.instance}"'
    elif error.validator == "enum":
        expected = "one of " + ", ".join(map(str, error.validator_value))
    elif error.validator == "minItems":
        expected = "at least one item"
    elif error.validator == "minLength":
        expected = "a text that is not empty"
    elif error.validator in ("minimum", "maximum"):
        expected = f"a number of {error.validator} {error.validator_value}"
    else:
        expected = rule.get("description", error.message)
    return f"{where}: {found} does not fit; expected {expected}"


def _unknown_keys(error):
    return sorted(str(key) for key in error.instance if key not in error.schema["properties"])


def _spell(path):
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
