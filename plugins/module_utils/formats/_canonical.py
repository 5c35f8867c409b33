# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Canonical JSON: one spelling for one value, so that a digest names it."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Mapping, NoReturn

from ..errors._release_error import ReleaseError

LARGEST_INTEGER = 2**53 - 1
SUM_DIGITS = 32
LONGEST_TOLD = 200  # characters


class CanonicalError(ReleaseError):
    """Bytes are not JSON that everybody reads alike."""

    code = "invalid_json"


def dumps(value: Any) -> bytes:
    """Return *value* as canonical JSON bytes.

    Keys are ASCII and there are no floats, so this spelling equals RFC 8785.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8")


def loads(data: bytes, unique_keys: bool = True, floats: bool = False) -> Any:
    """Return the value in the UTF-8 JSON *data*.

    Raises CanonicalError for what two readers could read differently: repeated keys, NaN, floats,
    integers beyond 2**53, what is not UTF-8, and nesting that exhausts the stack. Without
    *unique_keys* the caller sees to it that no key is repeated: that is half of the time. *floats*
    are for documents of others that may have some.
    """
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object if unique_keys else None,
            parse_constant=_refuse,
            parse_float=_float if floats else _refuse,
            parse_int=_integer,
        )
        if b"\\ud" in data or b"\\uD" in data:
            dumps(value)  # half a character, which only an escape can write, is refused here
        return value
    except RecursionError:
        raise CanonicalError("nested too deep") from None
    except CanonicalError:
        raise
    except ValueError as error:
        raise CanonicalError("not JSON: %s" % error) from None


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of the bytes *data* in hex."""
    return hashlib.sha256(data).hexdigest()


def summed(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mapping *plain* with ``sum``, by which ``unsummed`` notices a flipped bit."""
    return {**plain, "sum": sha256_hex(dumps(plain))[:SUM_DIGITS]}


def unsummed(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mapping *plain* without its ``sum``; CanonicalError where that is of another.

    One that has none, as earlier versions wrote it, is as good: nobody can tell.
    """
    rest = {key: value for key, value in plain.items() if key != "sum"}
    if "sum" in plain and plain != summed(rest):
        raise CanonicalError("it was altered: its sum does not match")
    return rest


def one_line(text: object) -> str:
    """Return *text*, or what an error says, fit for a message: in a line, printable, not long.

    What stands in a file that is refused comes to terminals and reports in no other way.
    """
    line = str(text)
    return printable(line if len(line) <= LONGEST_TOLD else line[: LONGEST_TOLD - 1] + "…")


def printable(text: str) -> str:
    """Return *text* with escapes for line ends and all else that a terminal could obey."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _value in pairs]
        raise CanonicalError("key %r is repeated" % next(n for n in names if names.count(n) > 1))
    return value


def _refuse(text: str) -> NoReturn:
    raise CanonicalError("number %s is not an integer" % text)


def _float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):  # which could not be written again
        raise CanonicalError("number %.20s… is too large" % text)
    return number


def _integer(text: str) -> int:
    # The length goes first: converting a million digits takes minutes.
    if len(text) > 17 or abs(int(text)) > LARGEST_INTEGER:
        raise CanonicalError("number %.20s… is too large" % text)
    return int(text)
