#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_deployment_info
short_description: Tell what is deployed on a host, and how it differs from what was sealed
description:
  - Tells which release is live, since when, which other releases are there, and the way back.
  - With O(verify=true) every file of the live release is hashed and compared with the manifest.
  - Changes nothing.
version_added: 0.1.0
author: The itops.release authors (@itops)
extends_documentation_fragment:
  - itops.release.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  async:
    support: none
  platform:
    support: full
    platforms: posix
options:
  _expected:
    description: What the action plugin tells the module. Not for playbooks.
    type: str
  root:
    description: The deployment root on the host.
    type: path
    required: true
  release:
    description:
      - The release that should be live, as V(name:version) or V(sha256:<release digest>).
      - When another is live, that is reported as drift.
    type: str
  media_library:
    description: The media library on the controller, to look up O(release) by name and version.
    type: path
  verify:
    description: Whether the tree of the current release is compared with its manifest.
    type: bool
    default: false
  history:
    description: How many of the last events to return, as V(0) none.
    type: int
    default: 0
  runtime_paths:
    description: Globs of paths that do not count as drift when they are extra.
    type: list
    elements: str
    default: ["**/__pycache__"]
seealso:
  - module: itops.release.release_deployment
"""

EXAMPLES = r"""
- name: See what is live, and whether it is what was sealed
  itops.release.release_deployment_info:
    root: /srv/shop
    verify: true
  register: shop

- name: Name every difference
  ansible.builtin.debug:
    msg: "{{ shop.drift }}"
"""

RETURN = r"""
deployment:
  description: What is here.
  type: dict
  returned: success
  contains:
    root:
      description: The deployment root.
      type: str
      returned: always
    phase:
      description: V(none), V(live) or V(on trial).
      type: str
      returned: always
    current:
      description: The directory in C(releases) that is current, or null.
      type: str
      returned: always
    live:
      description: The release last accepted as good, as C(name), C(version), C(serial), C(digest),
        C(tree); or null.
      type: dict
      returned: always
    trial:
      description: The release on trial, or null.
      type: dict
      returned: always
    previous:
      description: The release that V(previous) means, or null.
      type: dict
      returned: always
    run:
      description: The run that holds the lease while a release is on trial, or null.
      type: str
      returned: always
    since:
      description: When C(current) was last switched, in UTC.
      type: str
      returned: always
    releases:
      description:
        - All releases held, in the order of staging, each with C(bad), C(pinned) and C(adopted).
      type: list
      elements: dict
      returned: always
ok:
  description: Whether nothing differs.
  type: bool
  returned: when O(verify=true) or O(release) is given
drift:
  description: Every difference.
  type: list
  elements: dict
  returned: success
  contains:
    path:
      description: The path in the release, or C(current).
      type: str
      returned: always
    change:
      description: V(missing), V(modified), V(extra), V(exec), V(mode), V(owner), V(type), or
        V(release) when another release is live than expected, V(trial) when the expected one is
        on trial and not accepted, V(unverified) for a release that was adopted.
      type: str
      returned: always
    tree:
      description: The directory in C(releases).
      type: str
      returned: always
history:
  description:
    - The last events, oldest first, each with C(at), C(run), C(event), C(tree) and C(from).
  type: list
  elements: dict
  returned: success
runtime:
  description: Paths that a running service made, and that do not count.
  type: list
  elements: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import _arguments, _drift, _manifest, _root, _state, _tree


def main():
    module = AnsibleModule(
        argument_spec={**_arguments.deployment_info(), "_expected": {"type": "str"}},
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(module.params))
    except (OSError, _manifest.ManifestError, _root.RootError, _tree.TreeError) as error:
        module.fail_json(msg=str(error))


def run(params):
    """Return what is at the root and, when asked, how it differs."""
    with _root.opened(params["root"]) as root:
        state = root.read_state() if root else _state.State()
        drift, runtime = [], []
        if params["verify"] and state.current:
            drift, runtime = _drift.look_through(
                root, state, state.current, params["runtime_paths"]
            )
        drift = [_tree.Drift(*item) for item in _current_drift(root, state)] + drift
        history = root.read_history(params["history"]) if root else []
    result = {
        "changed": False,
        "deployment": _state.summary(params["root"], state),
        "drift": [{**item._asdict(), "tree": state.current} for item in drift],
        "runtime": runtime,
        "history": history,
    }
    expected = params["_expected"]
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


def _current_drift(root, state):
    """Yield how ``current`` differs from what the state says."""
    if root is None:
        return
    try:
        there = root.read_current(state)
    except _root.RootError:
        yield "current", "modified"
        return
    if there != state.current:
        yield "current", "modified" if there else "missing"


if __name__ == "__main__":
    main()
