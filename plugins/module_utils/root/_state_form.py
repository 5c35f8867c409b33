# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorded form of a state: to plain data, and back with every part checked."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Callable

from ..release import _manifest
from ..tree import _layout
from . import _records, _state

_Fits = Callable[[Any], bool]
_OF_SOME_TREES = {
    "at": None,
    "run": None,
    "adopted": False,
}  # recorded only where they say more than this
_OF_SOME_STATES = {"governed": None}  # as well
_CHANGES = ("change", "trial_change")


def to_plain(state: _state.State) -> dict[str, Any]:
    """Return what is recorded of *state*, as ``from_plain`` takes it."""
    plain = asdict(state)
    del plain["as_read"]
    plain["run"] = plain["run"] or {}
    plain["overtaken"] = [list(pair) for pair in state.overtaken]
    for name in _CHANGES:
        if plain[name]:
            plain[name]["good"] = list(plain[name]["good"])
    for name, default in _OF_SOME_STATES.items():
        if plain[name] == default:
            del plain[name]
    for record in plain["trees"].values():
        record["links"] = list(record["links"])
        for name, default in _OF_SOME_TREES.items():
            if record[name] == default:
                del record[name]
    return plain


def from_plain(plain: dict[str, Any], as_read: str | None = None) -> _state.State:
    """Return the State in *plain*, which has parts of RECORDED only; a missing one has its default.

    *as_read* is the SHA-256 of the record it is from. Raises TypeError, which names the part, when
    one is not of its form.
    """
    plain = {**to_plain(_state.State()), **_OF_SOME_STATES, **plain}
    _check(plain)
    lease, access, switching = plain["lease"], plain["access"], plain["switching"]
    parts = {
        "run": _records.Holder(**plain["run"]) if plain["run"] else None,
        "lease": _records.Lease(**lease) if lease else None,
        "overtaken": [(pair[0], pair[1]) for pair in plain["overtaken"]],
        "access": _layout.Access(**access) if access else None,
        "trees": {tree: _record(record) for tree, record in plain["trees"].items()},
        "switching": _records.Switch(**switching) if switching else None,
        **{name: _change(plain[name]) for name in _CHANGES},
        "good": list(plain["good"]),
        "bad": _marks(plain["bad"]),
        "pinned": _marks(plain["pinned"]),
    }
    return _state.State(**{**plain, **parts}, as_read=as_read)


def _record(plain: dict[str, Any]) -> _records.TreeRecord:
    return _records.TreeRecord(**{**plain, "links": tuple(plain["links"])})


def _change(plain: dict[str, Any] | None) -> _records.Change | None:
    return _records.Change(**{**plain, "good": tuple(plain["good"])}) if plain else None


def _marks(plain: dict[str, dict[str, str]]) -> dict[str, _records.Mark]:
    return {digest: _records.Mark(**mark) for digest, mark in plain.items()}


def _check(plain: dict[str, Any]) -> None:
    """Raise TypeError, which names the part, where *plain* is not of the form of a state."""
    for name, fits in _PARTS.items():
        if not fits(plain[name]):
            raise TypeError("%s is %.60a" % (name, plain[name]))
    trees = plain["trees"]
    for tree, record in trees.items():
        if not (_is_name(tree) and _is_record(record)):
            raise TypeError("the record of %.60a is not whole" % tree)
    target = plain["switching"]["to"] if plain["switching"] else None
    for name, tree in (("live", plain["live"]), ("trial", plain["trial"]), ("switching", target)):
        if tree is not None and tree not in trees:
            raise TypeError("%s is %.60a, of which there is no record" % (name, tree))
    if plain["access"] is None and not all(r.get("adopted") for r in trees.values()):
        raise TypeError("access is None, and there are releases")
    if plain["live"] and not plain["good"]:
        raise TypeError("good is empty, and a release is live")


def _is_number(value: object) -> bool:
    # pylint: disable-next=unidiomatic-typecheck # True is an int, and must not pass for one
    return type(value) is int and value >= 0


def _is_text(value: object) -> bool:
    """Tell whether *value* is text that can be told, and be a path."""
    if not isinstance(value, str) or _manifest.CONTROL.search(value):
        return False
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_name(value: Any) -> bool:
    """Tell whether *value* can be the name of a directory right below ``releases``."""
    return _is_text(value) and value not in ("", ".", "..") and "/" not in value


def _is_identity(value: object) -> bool:
    """Tell whether *value* can stand for a release: its digest, or what it was adopted as."""
    if not isinstance(value, str):
        return False
    adopted = value.startswith(_state.ADOPTED)
    return bool(_is_name(value) if adopted else _manifest.DIGEST.match(value))


def _is_ledger(value: object) -> bool:
    return isinstance(value, str) and bool(_state.LEDGER.match(value))


def _or_none(fits: _Fits) -> _Fits:
    return lambda value: value is None or fits(value)


def _one_of(*known: str) -> _Fits:
    return lambda value: value in known


def _list_of(fits: _Fits) -> _Fits:
    return lambda value: isinstance(value, list) and all(map(fits, value))


def _record_of(**parts: _Fits) -> _Fits:
    """Return what tells whether a value has these parts, of which each fits, and no others."""
    return _with_optional({}, **parts)


def _with_optional(optional: dict[str, _Fits], **parts: _Fits) -> _Fits:
    """Return what tells whether a value has these parts, perhaps the *optional* ones, no others."""
    known = {**parts, **optional}
    return lambda value: (
        isinstance(value, dict)
        and set(parts) <= set(value) <= set(known)
        and all(known[key](part) for key, part in value.items())
    )


def _dict_of(fits: _Fits) -> _Fits:
    return lambda value: (
        isinstance(value, dict) and all(_is_identity(key) and fits(value[key]) for key in value)
    )


_is_record = _with_optional(
    {"at": _is_text, "run": _is_text, "adopted": lambda value: value is True},
    name=_is_text,
    version=_is_name,
    serial=_is_number,
    digest=_is_identity,
    links=_list_of(_is_text),
    token=_is_number,
)
_is_change = _record_of(
    run=_is_text, to=_is_name, back=_or_none(_is_name), good=_list_of(_is_identity)
)
_MARKS = _dict_of(_record_of(run=_is_text, at=_is_text))
_PARTS: dict[str, _Fits] = {
    "token": _is_number,
    "run": lambda value: value == {} or _record_of(name=_is_text, pid=_is_number)(value),
    "lease": _or_none(
        _record_of(
            run=_is_text,
            since=_is_text,
            pid=_or_none(_is_number),
            started=_or_none(_is_text),
            boot=_or_none(_is_text),
        )
    ),
    "overtaken": _list_of(
        lambda pair: isinstance(pair, list) and len(pair) == 2 and all(map(_is_text, pair))
    ),
    "uid": _is_number,
    "access": _or_none(
        _record_of(uid=_is_number, gid=_is_number, access=_one_of("public", "group"))
    ),
    "trees": lambda value: isinstance(value, dict),
    "live": _or_none(_is_text),
    "trial": _or_none(_is_text),
    "left": _or_none(_is_text),
    "restarted": lambda value: isinstance(value, bool),
    "switching": _or_none(_record_of(to=_or_none(_is_text))),
    **dict.fromkeys(_CHANGES, _or_none(_is_change)),
    "good": _list_of(_is_identity),
    "bad": _MARKS,
    "pinned": _MARKS,
    "since": _or_none(_is_text),
    "governed": _or_none(_is_ledger),
}
RECORDED = frozenset(_PARTS)
