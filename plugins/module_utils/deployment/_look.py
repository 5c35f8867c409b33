# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at a deployment root without changing it: what is there, and how it differs."""

from __future__ import annotations

import contextlib
import copy
from dataclasses import asdict, dataclass
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

from ..root import _claim, _directory, _history, _inspection, _state
from ..tree import _layout


@dataclass(frozen=True)
class Look:
    """What the controller asks; each means what the option of release_deployment_info does.

    ``expected_digest`` is the release that should be live, None where none is named.
    """

    root: str
    verify: bool = False
    history: int = 0
    declared: bool = False
    expected_digest: Optional[str] = None
    runtime_paths: Tuple[str, ...] = ("**/__pycache__",)

    def to_plain(self) -> Dict[str, Any]:
        """Return this as plain data."""
        return {**asdict(self), "runtime_paths": list(self.runtime_paths)}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Look:
        """Return the Look in a mapping that ``to_plain`` gave."""
        return cls(**{**plain, "runtime_paths": tuple(plain["runtime_paths"])})


def answer(look: Look) -> Dict[str, Any]:
    """Return what is at the root and, when asked, how it differs.

    Raises RootError, TreeError, ManifestError for what cannot be read; OSError.
    """
    if look.history < 0:
        raise _directory.RootError("history is %d: give 0 or more" % look.history)
    while True:
        with contextlib.suppress(_directory.Moved):
            return _look(look)


def _look(look: Look) -> Dict[str, Any]:
    with _directory.opened(look.root, looks_only=True) as root:
        state = _settled(root) if root else _state.State()
        drift: List[_layout.Drift] = []
        runtime: List[str] = []
        if root and look.verify and state.current:
            drift, runtime = _inspection.look_through(
                root, state, state.current, look.runtime_paths
            )
        drift = [_layout.Drift(*item) for item in _current_drift(root, state)] + drift
        history = _history.read(root, look.history) if root else []
        declared = _declared(root, state, look.expected_digest) if look.declared else None
    result: Dict[str, Any] = {
        "changed": False,
        "deployment": _state.summary(look.root, state),
        "by": _state.brought_by(state),
        "drift": [{**item._asdict(), "tree": state.current} for item in drift],
        "runtime": runtime,
        "history": history,
    }
    expected = look.expected_digest
    if look.declared:
        result["declared"] = declared
    live = result["deployment"]["live"] or {"digest": None}
    if look.verify and not state.current:
        result["drift"].append({"path": "current", "change": "missing", "tree": None})
    if expected and (state.trial or live["digest"] != expected):
        trial = result["deployment"]["trial"] or {"digest": None}
        change = "trial" if trial["digest"] == expected else "release"
        result["drift"].insert(0, {"path": "current", "change": change, "tree": state.current})
    if look.verify or expected:
        result["ok"] = not result["drift"]
    return result


def _declared(
    root: Optional[_directory.Root], state: _state.State, expected: Optional[str]
) -> Dict[str, Any]:
    """Return by digest what the releases declare that may be of interest: those held here whole.

    They are what is live, on trial, the way back, and the *expected* one.
    """
    told = _state.summary("", state)
    digests = [told[key]["digest"] for key in ("live", "trial", "previous") if told[key]]
    found = {}
    for digest in filter(None, [*digests, expected]):
        manifest = root.read_manifest(digest) if root else None
        if manifest:
            found[digest] = {
                "name": manifest.name,
                "version": manifest.version,
                "components": [
                    {"name": each.name, "version": each.version, **_about_others(each.about)}
                    for each in manifest.components
                ],
            }
    return found


def _about_others(about: Iterable[Tuple[str, Any]]) -> Dict[str, Any]:
    """Return what a component says of others, from its *about*: not where it comes from."""
    return {key: value for key, value in about if key != "materials"}


def _settled(root: _directory.Root) -> _state.State:
    """Return the State as the next call that writes will find it.

    What a killed run switched to is on trial, and its lease tells whose trial that is.
    """
    recorded = root.read_state()
    state = copy.deepcopy(recorded)
    try:
        _claim.settle(root, state, state.lease.since if state.lease else None)
    except _directory.RootError:  # current is not ours: that is told as drift
        return recorded
    return state


def _current_drift(
    root: Optional[_directory.Root], state: _state.State
) -> Iterator[Tuple[str, str]]:
    """Yield how ``current`` differs from what the state says."""
    if root is None:
        return
    try:
        there = root.read_current(state)
    except _directory.RootError:
        yield "current", "modified"
        return
    if there != state.current:
        yield "current", "modified" if there else "missing"
