#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The half of ``release_deployment_info`` on a host; what documents it stays behind, beside."""

from __future__ import annotations

import contextlib
import copy

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.options import _deployment_info
from ..module_utils.release import _manifest
from ..module_utils.root import _claim, _directory, _history, _inspection, _state
from ..module_utils.tree import _layout


def main():
    module = AnsibleModule(
        argument_spec={**_deployment_info.options(), "_expected": {"type": "str"}},
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(module.params))
    except (OSError, _manifest.ManifestError, _directory.RootError, _layout.TreeError) as error:
        module.fail_json(msg=str(error))


def run(params):
    """Return what is at the root and, when asked, how it differs."""
    if params["history"] < 0:
        raise _directory.RootError("history is %d: give 0 or more" % params["history"])
    while True:
        with contextlib.suppress(_directory.Moved):
            return _look(params)


def _look(params):
    with _directory.opened(params["root"], looks_only=True) as root:
        state = _settled(root) if root else _state.State()
        drift, runtime = [], []
        if params["verify"] and state.current:
            drift, runtime = _inspection.look_through(
                root, state, state.current, params["runtime_paths"]
            )
        drift = [_layout.Drift(*item) for item in _current_drift(root, state)] + drift
        history = _history.read(root, params["history"]) if root else []
        declared = _declared(root, state, params["_expected"]) if params["declared"] else None
    result = {
        "changed": False,
        "deployment": _state.summary(params["root"], state),
        "drift": [{**item._asdict(), "tree": state.current} for item in drift],
        "runtime": runtime,
        "history": history,
    }
    expected = params["_expected"]
    if params["declared"]:
        result["declared"] = declared
    live = result["deployment"]["live"] or {"digest": None}
    if params["verify"] and not state.current:
        result["drift"].append({"path": "current", "change": "missing", "tree": None})
    if expected and (state.trial or live["digest"] != expected):
        trial = result["deployment"]["trial"] or {"digest": None}
        change = "trial" if trial["digest"] == expected else "release"
        result["drift"].insert(0, {"path": "current", "change": change, "tree": state.current})
    if params["verify"] or expected:
        result["ok"] = not result["drift"]
    return result


def _declared(root, state, expected):
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


def _about_others(about):
    """Return what a component says of others, from its *about*: not where it comes from."""
    return {key: value for key, value in about if key != "materials"}


def _settled(root):
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


def _current_drift(root, state):
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


if __name__ == "__main__":
    main()
