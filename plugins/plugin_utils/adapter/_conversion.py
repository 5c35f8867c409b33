# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of options, converted to their types; errors name what the user wrote."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from ansible.module_utils.common.validation import (
    check_type_bool,
    check_type_dict,
    check_type_float,
    check_type_int,
    check_type_list,
    check_type_path,
    check_type_raw,
    check_type_str,
)

from ...module_utils.errors._release_error import ReleaseError

Spec = Mapping[str, Mapping[str, Any]]
TYPES = {
    "bool": (check_type_bool, "is not yes or no"),
    "dict": (check_type_dict, "is not a mapping"),
    "float": (check_type_float, "is not a number"),
    "int": (check_type_int, "is not a whole number"),
    "list": (check_type_list, "is not a list"),
    "path": (check_type_path, "is not a path"),
    "raw": (check_type_raw, "is not a value"),
    "str": (check_type_str, "is not text"),
}
OF_PLAYBOOKS = ("hosts", "serial", "max_fail_percentage")  # what only playbooks know of a role
WORD = re.compile(r"\w{1,40}")
NEAR = 0.8  # how alike a name must be to be suggested
SHOWN = 80  # characters of a value in a message


class OptionError(ReleaseError):
    """An option has a value that it cannot have; the text names the option and the value."""

    code = "invalid_option"


def convert(spec: Spec, given: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the options *given*, each converted to the type that *spec* says.

    What is blank, as a survey sends a field that was left empty, is not given. A role that hands
    its variables over says their *prefix*: errors then name the variables too. Raises OptionError
    for the first option that is unknown, missing, or has a value that it cannot have.
    """
    return _Converter(prefix).options(spec, given, "")


def near_misses(options: Iterable[str], variables: Mapping[str, Any], prefix: str) -> list[str]:
    """Return a line for each of the *variables* that looks like a misspelt one of a role.

    The role's variables are its *options* behind a *prefix*, "" where no role calls. Only variables
    with that prefix are looked at; users may have others of their own.
    """
    if not prefix:
        return []
    known, lines = {prefix + option for option in options}, []
    for name in sorted(variables):
        if name.startswith(prefix) and name not in known:
            near = difflib.get_close_matches(name, sorted(known), 1, NEAR)
            if near:
                lines.append(f"variable {name} is not used: did you mean {near[0]}?")
    return lines


class _Converter:
    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def options(self, spec: Spec, given: Mapping[str, Any], above: str) -> dict[str, Any]:
        """Return the options *given* converted; *above* is what stands before their names."""
        converted = {}
        for name, value in given.items():
            option = spec.get(name)
            if option is None:
                near = difflib.get_close_matches(str(name), list(spec), 1)
                hint = f": did you mean {near[0]}?" if near else f"; known: {', '.join(spec)}"
                told = str(name) if WORD.fullmatch(str(name)) else "…"  # a URL, perhaps
                raise OptionError(f"{self._name(above + told)} is not an option{hint}")
            if not _is_blank(value):
                converted[name] = self._value(option, value, above + name)
        for name, option in spec.items():
            if option.get("required") and name not in converted:
                raise OptionError(f"{self._name(above + name)} is required")
        return converted

    def _value(self, option: Mapping[str, Any], value: Any, path: str) -> Any:
        kind, given = option["type"], value
        value = self._typed(kind, value, path, option.get("elements"))
        if "choices" in option and isinstance(value, str):
            value = value.strip()
        if "choices" in option and kind != "list" and value not in option["choices"]:
            words = ", ".join(map(str, option["choices"]))
            raise self._error(path, value, f"is not one of {words}")
        if kind == "list" and "elements" in option:
            element = {**option, "type": option["elements"]}
            element.pop("elements")
            if isinstance(given, Mapping):  # the user wrote no list, so messages have no number
                return [self._value(element, given, path)]
            return [self._value(element, each, f"{path}[{i}]") for i, each in enumerate(value)]
        if kind == "dict" and "options" in option:
            return self.options(option["options"], value, f"{path}.")
        return value

    def _typed(self, kind: str, value: Any, path: str, elements: str | None) -> Any:
        check, complaint = TYPES[kind]
        text = value.strip() if isinstance(value, str) else None
        if kind == "str":
            if not isinstance(value, (str, int, float)):
                raise self._error(path, value, complaint)
            text = check_type_str(value)
            # Nothing that names a thing ends in blanks; what a probe looks for may.
            return text if "." in path or "[" in path else text.strip()
        if kind == "list" and text is not None:
            read = self._mappings if elements == "dict" else self._list
            return read(text, path, complaint)
        if kind == "list" and isinstance(value, Mapping):
            if elements == "dict":
                return [value]
            raise self._error(path, value, complaint)
        is_text = text is not None and not text.startswith("{")
        if kind == "dict" and _first(path) in SECRET and is_text:
            raise self._error(path, value, complaint)  # key=value would make a URL a key
        try:
            return check(value if text is None else text)
        except (TypeError, ValueError):
            raise self._error(path, value, complaint) from None

    def _mappings(self, text: str, path: str, complaint: str) -> list[Any]:
        """Return the list of mappings in *text*, which is YAML; one mapping is a list of one."""
        try:
            found = yaml.safe_load(text)
        except yaml.YAMLError:  # it repeats the text
            raise self._error(path, text, complaint) from None
        found = [found] if isinstance(found, dict) else found
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise self._error(path, text, f"{complaint} of mappings")
        return found

    def _list(self, text: str, path: str, complaint: str) -> list[Any]:
        """Return the list in *text*: JSON, or words with commas between them."""
        if text.startswith(("[", "{")):
            try:
                found = json.loads(text)
            except ValueError:
                raise self._error(path, text, complaint) from None
            return found if isinstance(found, list) else [found]
        words = [word.strip() for word in text.split(",")]
        is_command = re.sub(r"\[\d+\]", "", path) in COMMANDS
        if is_command and len(words) == 1 and len(text.split()) > 1:
            example = "write [systemctl, restart, shop]"
            raise self._error(path, text, f"{complaint} of arguments: {example}")
        return words if is_command else [word for word in words if word]

    def _error(self, path: str, value: Any, complaint: str) -> OptionError:
        if _first(path) in SECRET:
            return OptionError(f"{self._name(path)} {complaint}")
        shown = value if isinstance(value, str) else json.dumps(value, default=str)
        shown = " ".join(shown.split())
        shown = shown if len(shown) <= SHOWN else shown[: SHOWN - 1] + "…"
        return OptionError(f"{self._name(path)}: '{shown}' {complaint}")

    def _name(self, path: str) -> str:
        return f"{path} ({self._prefix}{path})" if self._prefix else path


# Lists that are commands: a text with blanks is a command line there, not a list of one word.
COMMANDS = {"restart", "probe.command"}
SECRET = {"restart", "probe"}  # no message shows what may hold a password


def _first(path: str) -> str:
    """Return the option that the *path* of a value begins with."""
    return re.split(r"[.\[]", path)[0]


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
