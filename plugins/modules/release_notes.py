#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_notes
short_description: Tell what a build changed, or what a release changes in an environment
description:
  - Composes the build note of a release. It tells who built it when, where and with what, which
    commits came since the release before, which issues they mention, and which components, files
    and packages of others were introduced, modified and removed. What changed is found by
    comparing the releases themselves, whatever commits say.
  - It names what does not add up, such as files that changed without a commit that touches them, a
    version that did not change although its content did, and a dirty checkout. What it cannot know
    it names, too.
  - With O(kind=consolidated) it tells what a release changes in an environment, counted from what
    its hosts have. A release that was rolled back is not there, whatever its serial.
  - Text of commits, authors and files is data. It is never a template, and shows in Markdown as it
    was written.
version_added: 0.1.0
author: The itops.release authors (@itops)
extends_documentation_fragment:
  - itops.release.attributes
  - itops.release.sign
attributes:
  check_mode:
    support: full
    description: Composes the note and returns it, without writing or attaching anything.
  diff_mode:
    support: full
    description: Shows how O(dest) changes, and tells whether O(json_dest) does and whether the note
      is attached.
  async:
    support: none
  platform:
    support: full
    platforms: posix
options:
  _request:
    description: What the action plugin tells the module. Not for playbooks.
    type: dict
  _secret:
    description: The environment of the task, from the action plugin. Not for playbooks.
    type: str
  release:
    description: The release, as V(name:version) or V(sha256:<release digest>).
    type: str
    required: true
  media_library:
    description: The media library that the release is in.
    type: path
    required: true
  kind:
    description:
      - V(build) is the note of one build.
      - V(consolidated) is what the release changes in O(environment).
    type: str
    choices: [build, consolidated]
    default: build
  workspace:
    description:
      - The folder that M(itops.release.release_build) built the release in. The record of the build
        and the commits are read there.
      - Without it a build note is made of what was sealed, and says what it lacks. A consolidated
        note takes the commits from the build notes that are attached to releases.
      - A workspace with the build of another release, or with another build of this one, is
        refused.
    type: path
  remote_src:
    description: Whether O(workspace) is on the host, such as a build host, rather than the
      controller.
    type: bool
    default: false
  previous:
    description:
      - The release that a build is compared with.
      - By default the one of the same name with the highest serial below, in the media library.
    type: str
  environment:
    description: The name of the environment. Required with O(kind=consolidated).
    type: str
  deployed:
    description:
      - The state of the environment, as RV(itops.release.environment_state#filter:_value.hosts) has
        it. Required with O(kind=consolidated).
      - For each host C(live) and C(previous), with C(name), C(version), C(serial) and C(digest); or
        C(unknown), the reason why it is not known what is deployed there.
      - Where O(release) is live already, the note counts from what was there before.
    type: list
    elements: dict
  audience:
    description:
      - Whom a consolidated note is for.
      - V(operations) are told everything, with hosts, risks, files, packages and scripts, V(users)
        features and fixes, V(management) a summary.
    type: str
    choices: [operations, users, management]
    default: operations
  template:
    description:
      - A Jinja2 template, on the controller, in place of the one that the collection has.
      - What it is filled with shows as text, whatever Markdown or HTML is in it.
    type: path
  dest:
    description: The file on the controller to write the note to as Markdown. Its directory must
      exist.
    type: path
  json_dest:
    description: The file on the controller to write all of the note to as JSON.
    type: path
  trust:
    description:
      - A trust file. Build notes and bills of materials that are attached to releases count only
        where a key that it lists for the roles build and release has signed them.
      - Without it a consolidated note says that they are not verified.
    type: path
seealso:
  - module: itops.release.release_build
  - module: itops.release.release_package
  - module: itops.release.release_deployment_info
"""

EXAMPLES = r"""
- name: Write the note of a build, and attach it to the release
  itops.release.release_notes:
    release: shop:1.4.2
    media_library: /srv/media
    workspace: /build/shop
    remote_src: true
    dest: /srv/notes/shop-1.4.2.md
    json_dest: /srv/notes/shop-1.4.2.json
    sign:
      role: build
      private_key: /etc/ci/signing_key

- name: Ask what is live in production
  itops.release.release_deployment_info:
    root: /srv/shop
  register: shop
  ignore_errors: true
  ignore_unreachable: true

- name: Tell users what is new to them
  itops.release.release_notes:
    release: shop:1.4.2
    media_library: /srv/media
    kind: consolidated
    environment: production
    deployed: "{{ (groups.production
      | itops.release.environment_state(hostvars, 'shop', ansible_play_hosts)).hosts }}"
    audience: users
    trust: /etc/itops/trust.yml
    dest: /srv/notes/news.md
  run_once: true
"""

RETURN = r"""
release:
  description: The release, as C(name), C(version), C(serial) and C(digest).
  type: dict
  returned: success
previous:
  description: The release that the build is compared with, or null.
  type: dict
  returned: when O(kind=build)
environment:
  description: The environment.
  type: str
  returned: when O(kind=consolidated)
since:
  description: What the note counts from, each as C(release) or null, C(hosts), C(why) and
    C(is_newer), which is true where the hosts go back.
  type: list
  elements: dict
  returned: when O(kind=consolidated)
markdown:
  description: The note as Markdown. Long lists in it are cut.
  type: str
  returned: success
issues:
  description: The issues that commits mention.
  type: list
  elements: str
  returned: success
findings:
  description: What does not add up, a line each; the first ten are warnings, too.
  type: list
  elements: str
  returned: success
lacks:
  description: What is not known, a line each.
  type: list
  elements: str
  returned: success
commits:
  description: How many commits the note has.
  type: int
  returned: success
components:
  description: The components that change, each as C(name), C(change) and C(to_version).
  type: list
  elements: dict
  returned: success
dependencies:
  description: How many packages of others change.
  type: int
  returned: success
attached:
  description: Whether the note was attached, or would be; false where it was so already.
  type: bool
  returned: when O(sign) is given
"""

import os
import shutil
import tempfile
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.building import _record
from ..module_utils.errors._release_error import ReleaseError
from ..module_utils.formats import _canonical, _message
from ..module_utils.git import _commits
from ..module_utils.options import _notes

SHARED = "/var/tmp"  # TMPDIR may be a folder that the login user cannot enter
LEFT = "itops-release-notes-"


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **_notes.options(),
            **_message.OPTIONS,
        },
        supports_check_mode=True,
    )
    try:
        call = _message.unpack(module.params)
        os.environ.update(call["environment"])
        if "done" in call:
            shutil.rmtree(call["done"])
            module.exit_json(changed=False, format=_message.FORMAT)
        data = answer(module.params["workspace"], call)
        module.exit_json(changed=False, format=_message.FORMAT, at=leave(data, call["to"]))
    except ReleaseError as error:
        module.fail_json(msg=str(error), code=error.code, hint=error.hint)
    except OSError as error:
        module.fail_json(msg=str(error))


def leave(data: bytes, path: str) -> str:
    """Leave *data* for the login user, who may be another, to fetch; return where.

    That is *path*, in a folder of Ansible's own. Who is neither root nor the login user cannot
    write there, and makes a folder, whose name nobody can guess or list.
    """
    try:
        stream = open(path, "wb")
    except PermissionError:
        folder = tempfile.mkdtemp(prefix=LEFT, dir=SHARED if os.path.isdir(SHARED) else None)
        os.chmod(folder, 0o711)
        path = os.path.join(folder, "answer")
        stream = open(path, "wb")
    with stream:
        stream.write(data)
        os.fchmod(stream.fileno(), 0o644)
    return path


def answer(workspace: str, call: dict[str, Any]) -> bytes:
    """Return as bytes what a workspace tells: the record of its build, or its commits."""
    if "histories" not in call:
        return _record.render(_record.read(workspace))
    environment = dict(os.environ)
    histories = [_commits.gather(workspace, group, environment) for group in call["histories"]]
    return _canonical.dumps(_commits.to_plain(histories))


if __name__ == "__main__":
    main()
