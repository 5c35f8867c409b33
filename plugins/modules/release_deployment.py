#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_deployment
short_description: Put a sealed release on a host, try it out, take it back or remove it
description:
  - Brings a release package from the media library to a deployment root on the host and makes it
    live in one step. Only what the host does not hold yet is sent.
  - Every file is verified against the release digest before the release gets its name on the host,
    and again before an older release is activated.
  - A process that is killed, a full disk or a cut connection leaves the old release live.
    Running again brings the host to where it should be, and sends only what did not arrive before.
  - A host without room for the release, in bytes or inodes, is told in a line before anything is
    sent.
  - Speaks to a host once when nothing is to be done or when the release is there already, and
    three times when it has to be sent.
version_added: 0.1.0
author: The itops.release authors (@itops)
extends_documentation_fragment:
  - itops.release.attributes
attributes:
  check_mode:
    support: full
    description: Verifies what is on the host, and predicts result and diff without writing.
  diff_mode:
    support: full
    description: Names the files that differ between the release that is live and the one wanted.
  async:
    support: none
  platform:
    support: full
    platforms: posix
options:
  _call:
    description: What the action plugin tells the module. Not for playbooks.
    type: dict
  root:
    description:
      - The deployment root, the directory on the host that holds the application's releases.
      - C(current) in it is a link to the live release.
    type: path
    required: true
  release:
    description:
      - The release, as V(name:version), as V(sha256:<release digest>), V(previous) or V(current).
      - V(previous) is the release to return to from a trial, else the last good release before the
        live one. Releases marked bad are passed over. From the trial of a first release it leads
        to nothing being live, as before.
      - V(current) is the release that is live or on trial, such as to have it verified and mended.
      - Required unless O(state=absent), where leaving it out removes everything.
    type: str
  media_library:
    description:
      - The directory of the media library, on the controller.
      - Required when O(release) names a release, and when a release that was found damaged on the
        host has to be sent again.
    type: path
  state:
    description:
      - V(staged) puts the release on the host, verified, without making it live.
      - V(live) makes it live, staging it first if needed.
      - V(absent) with O(release) removes that release, unless it is live, on trial or the way
        back. Without O(release) it removes everything but C(shared).
    type: str
    choices: [live, staged, absent]
    default: live
  commit:
    description:
      - Whether a release that is live on trial is accepted as good. Only an accepted release is
        ever returned to.
      - With V(false) it stays on trial until a later call accepts it, or goes back.
    type: bool
    default: true
  hold:
    description:
      - Whether this run keeps its lease on the root while it leaves a release on trial. Other runs
        are refused then, in a line that names this run, until it has accepted the release or gone
        back.
      - With V(false) any run may go on from there. A call that leaves nothing on trial gives its
        lease back in any case.
    type: bool
    default: true
  takeover:
    description:
      - The run whose lease on the root ends by this, as the refusal names it. Set it when that run
        is over and could not end its lease itself.
      - A run of the same control machine whose process is gone is taken over without it.
      - A process of that run that still works on the host stops before it changes anything more.
    type: str
  verify:
    description:
      - Whether every file of the release is compared with what was sealed although it is here, and
        live. What differs is returned in RV(drift).
      - Such a release is laid out anew beside the damaged tree, and C(current) is switched to that.
        Only contents that are whole nowhere on the host are sent again.
      - A release that is gone back to is always verified, and mended in the same way.
    type: bool
    default: false
  adopt:
    description:
      - Whether a release that Capistrano, ansistrano or M(community.general.deploy_helper) made
        live in this root is kept, unverified, as the way back. It is never cleaned or removed.
      - Without it such a root is refused, and nothing in it is touched.
    type: bool
    default: false
  restart:
    description:
      - The command that restarts the service, as a list of arguments. It runs on the host, without
        a shell, once after each switch.
      - When it fails, the host is switched back and the command runs again.
    type: list
    elements: str
  restart_timeout:
    description: How many seconds O(restart) may take; it is ended then, and has failed.
    type: int
    default: 300
  probe:
    description:
      - How to tell that the release works, asked on the host itself after the restart.
      - When it fails, the host is switched back and O(restart) runs again.
    type: dict
    suboptions:
      url:
        description: An HTTP or HTTPS address to get.
        type: str
      command:
        description: A command, as a list of arguments, that returns 0 when all is well.
        type: list
        elements: str
      status:
        description: The HTTP status codes that mean well.
        type: list
        elements: int
        default: [200]
      contains:
        description: A text that the answer's body must contain.
        type: str
      timeout:
        description: Seconds for each try.
        type: float
        default: 5
      retries:
        description: How many more tries there are after the first.
        type: int
        default: 10
      interval:
        description: Seconds between tries.
        type: float
        default: 1
      successes:
        description: How many tries in a row must succeed.
        type: int
        default: 1
  linked_paths:
    description:
      - Paths in the release that lead to the same path below C(shared) instead, such as
        V(log/) or V(config/secrets.yml).
      - One with a trailing slash is a directory, and is made when missing. Any other must exist
        before the release is activated.
    type: list
    elements: str
    default: []
  seed:
    description:
      - Whether a release may bring O(linked_paths) itself. What it has there is copied to
        C(shared) once, when that has nothing at this path, and is never overwritten.
    type: bool
    default: false
  owner:
    description:
      - Whose the files of releases are, by name or number. By default the user that the module
        runs as. An owner that the service cannot write as is recommended.
      - Owner, group and access belong to the root. They are set by its first deployment, and
        another value is refused afterwards.
    type: str
  group:
    description:
      - The group of the files of releases, by name or number.
      - By default the primary group of O(owner), else that of the user that the module runs as.
    type: str
  access:
    description:
      - V(public) lets everybody read (0755 and 0644), V(group) only the group (0750 and 0640).
      - V(public) when the first deployment says nothing.
    type: str
    choices: [public, group]
  keep:
    description:
      - How many releases stay on the host. Older ones are removed when a release is accepted.
      - What is live, on trial, the way back, pinned or adopted always stays.
    type: int
    default: 5
  keep_days:
    description:
      - Releases that were staged more days ago than this are removed although they are among the
        last O(keep).
    type: int
  mark:
    description:
      - Marks O(release) as V(bad), so that it is never gone back to and does not go live, or as
        V(good) again.
      - V(pinned) keeps a release that is here from being cleaned or removed, until it is
        V(unpinned).
      - Nothing else is done then.
    type: str
    choices: [bad, good, pinned, unpinned]
  runtime_paths:
    description:
      - Globs of paths that a running service may create in a release without it counting as
        drift.
    type: list
    elements: str
    default: ["**/__pycache__"]
  purge_shared:
    description: Whether O(state=absent) removes C(shared) too.
    type: bool
    default: false
  lock_timeout:
    description:
      - Seconds to wait for a call of another run that works on the same root. Then this one fails,
        naming that run and its process.
    type: int
    default: 30
  pack_cache:
    description:
      - The directory on the controller where packs are kept for the other hosts and runs.
      - C($XDG_CACHE_HOME/itops-release/packs) by default, with C(~/.cache) for C($XDG_CACHE_HOME).
    type: path
seealso:
  - module: itops.release.release_deployment_info
  - module: itops.release.release_package
"""

EXAMPLES = r"""
- name: Make version 1.4.0 live, and go back by itself if it does not answer
  itops.release.release_deployment:
    root: /srv/shop
    release: shop:1.4.0
    media_library: /srv/media
    linked_paths: [log/, config/secrets.yml]
    restart: [systemctl, restart, shop]
    probe:
      url: http://127.0.0.1:8080/health

- name: Go back to the release before
  itops.release.release_deployment:
    root: /srv/shop
    release: previous
    restart: [systemctl, restart, shop]

- name: Mend what is live, if anything of it differs from what was sealed
  itops.release.release_deployment:
    root: /srv/shop
    release: current
    media_library: /srv/media
    verify: true
    restart: [systemctl, restart, shop]

- name: Begin where Capistrano left off
  itops.release.release_deployment:
    root: /srv/shop
    release: shop:1.4.0
    media_library: /srv/media
    linked_paths: [log/, config/database.yml]
    adopt: true

- name: Remove the application, and what it shared
  itops.release.release_deployment:
    root: /srv/shop
    state: absent
    purge_shared: true
"""

RETURN = r"""
before:
  description: What was current before.
  type: dict
  returned: success
  contains: &brief
    phase:
      description: V(none), V(live) or V(on trial).
      type: str
      returned: always
    name:
      description: The release's name, or null.
      type: str
      returned: always
    version:
      description: The release's version, or null.
      type: str
      returned: always
    serial:
      description: The release's serial, or null.
      type: int
      returned: always
    digest:
      description: The release digest, or null.
      type: str
      returned: always
    tree:
      description: The directory in C(releases), or null.
      type: str
      returned: always
    since:
      description: When C(current) was last switched, in UTC.
      type: str
      returned: always
    releases:
      description: The directories in C(releases), in the order of staging.
      type: list
      elements: str
      returned: always
after:
  description: What is current now. In check mode, what would be.
  type: dict
  returned: success
  contains: *brief
deployment:
  description: Everything that is here, as from M(itops.release.release_deployment_info).
  type: dict
  returned: success
removed:
  description: The directories in C(releases) that were removed.
  type: list
  elements: str
  returned: success
drift:
  description:
    - What differed from what was sealed, and was mended; in check mode, what would be. Each as in
      M(itops.release.release_deployment_info).
  type: list
  elements: dict
  returned: success
took_over:
  description: The run whose lease this one took over, or null.
  type: str
  returned: always
lease:
  description: Which run holds the lease (C(run)), C(since) when, and the C(pid) of its call if any.
  type: dict
  returned: when another run holds it
is_live:
  description: Whether the release asked for is live and accepted now, so that nothing is left.
  type: bool
  returned: success
switched_back:
  description: Whether the release failed its trial and the host was switched back.
  type: bool
  returned: always
sent_bytes:
  description: How many bytes of pack were sent to the host.
  type: int
  returned: always
resumed_bytes:
  description: How many bytes of pack were there already, from a transfer that broke off.
  type: int
  returned: always
calls:
  description: How many module calls were made to the host.
  type: int
  returned: always
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import (
    _arguments,
    _claim,
    _codec,
    _drift,
    _host_call,
    _manifest,
    _pack,
    _root,
    _service,
    _state,
    _tree,
    _trial,
)


def main():
    module = AnsibleModule(
        argument_spec={**_arguments.deployment(), "_call": {"type": "dict"}},
        supports_check_mode=True,
    )
    if not module.params["_call"]:
        module.fail_json(msg="release_deployment works only through its action plugin")
    try:
        module.exit_json(**run(module))
    except _trial.PutBack as error:
        module.fail_json(msg=str(error), **error.result)
    except _claim.LeaseHeld as error:
        module.fail_json(msg=str(error), lease=error.lease)
    except (_codec.CodecError, _manifest.ManifestError, _pack.PackError) as error:
        module.fail_json(msg=str(error), pack_refused=bool(module.params["_call"]["pack"]))
    except (
        OSError,
        _claim.DeploymentError,
        _drift.Damaged,
        _root.RootError,
        _service.ServiceError,
        _state.NoWayBack,
        _tree.TreeError,
    ) as error:
        module.fail_json(msg=str(error))


def run(module):
    """Do what the controller's half asks for, and return what was done or what is needed."""
    params, call = module.params, module.params["_call"]
    if params["state"] == "absent":
        act = _host_call.remove
    else:
        act = _host_call.mark if params["mark"] else _host_call.bring
    return act(params, call, utc_now, module.check_mode)


def utc_now():
    """Return the time as ISO 8601 in UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


if __name__ == "__main__":
    main()
