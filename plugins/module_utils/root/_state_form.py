# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of a recorded state: what each part must be, so that all others can rely on it."""

from __future__ import annotations

from ..release import _manifest
from . import _state


def checked(state):
    """Return *state* as it is; TypeError, which names the part, when that is not of its form."""
    for name, fits in _PARTS.items():
        if not fits(getattr(state, name)):
            raise TypeError("%s is %.60a" % (name, getattr(state, name)))
    for tree, record in state.trees.items():
        if not (_is_name(tree) and _is_record(record)):
            raise TypeError("the record of %.60a is not whole" % tree)
    target = state.switching["to"] if state.switching else None
    for name, tree in (("live", state.live), ("trial", state.trial), ("switching", target)):
        if tree is not None and tree not in state.trees:
            raise TypeError("%s is %.60a, of which there is no record" % (name, tree))
    if state.access is None and not all(r.get("adopted") for r in state.trees.values()):
        raise TypeError("access is None, and there are releases")
    if state.live and not state.good:
        raise TypeError("good is empty, and a release is live")
    return state


def _is_number(value):
    # pylint: disable-next=unidiomatic-typecheck # True is an int, and must not pass for one
    return type(value) is int and value >= 0


def _is_text(value):
    """Tell whether *value* is text that can be told, and be a path."""
    if not isinstance(value, str) or _manifest.CONTROL.search(value):
        return False
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_name(value):
    """Tell whether *value* can be the name of a directory right below ``releases``."""
    return _is_text(value) and value not in ("", ".", "..") and "/" not in value


def _is_identity(value):
    """Tell whether *value* can stand for a release: its digest, or what it was adopted as."""
    if not isinstance(value, str):
        return False
    adopted = value.startswith(_state.ADOPTED)
    return bool(_is_name(value) if adopted else _manifest.DIGEST.match(value))


def _or_none(fits):
    return lambda value: value is None or fits(value)


def _one_of(*known):
    return lambda value: value in known


def _list_of(fits):
    return lambda value: isinstance(value, list) and all(map(fits, value))


def _record_of(**parts):
    """Return what tells whether a value has these parts, of which each fits, and no others."""
    return lambda value: _at_least(**parts)(value) and set(value) == set(parts)


def _at_least(**parts):
    return lambda value: (
        isinstance(value, dict)
        and all(key in value and fits(value[key]) for key, fits in parts.items())
    )


def _dict_of(fits):
    return lambda value: (
        isinstance(value, dict) and all(_is_identity(key) and fits(value[key]) for key in value)
    )


_is_record = _at_least(
    name=_is_text,
    version=_is_name,
    serial=_is_number,
    digest=_is_identity,
    links=_list_of(_is_text),
    token=_is_number,
)
_MARKS = _dict_of(_record_of(run=_is_text, at=_is_text))
_PARTS = {
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
    "good": _list_of(_is_identity),
    "bad": _MARKS,
    "pinned": _MARKS,
    "since": _or_none(_is_text),
}
