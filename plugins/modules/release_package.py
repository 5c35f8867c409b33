#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_package
short_description: Seal a release package into the media library
description:
  - Reads C(release.yml), takes the files of each component, and seals them together as one release
    in the media library on the controller.
  - Sealing is reproducible. The same files give the same release digest on any machine, in any
    order, with any locale and clock.
  - Trees that could not be laid out safely on every host are refused by name, such as links that
    leave the component, special files, and names that collide by case or Unicode form.
  - A release is never changed afterwards. The same version or serial with other contents is
    refused.
version_added: 0.1.0
author: The itops.release authors (@itops)
extends_documentation_fragment:
  - itops.release.attributes
attributes:
  check_mode:
    support: full
    description: Reads and checks everything, and returns the digest, without adding the release.
  diff_mode:
    support: none
  async:
    support: none
  platform:
    support: full
    platforms: posix
options:
  _call:
    description: What the action plugin tells the module. Not for playbooks.
    type: dict
  src:
    description:
      - The directory that holds C(release.yml), on the controller, or on the host with
        O(remote_src=true).
      - Required with O(state=present).
    type: path
  definition:
    description:
      - The path of C(release.yml), relative to O(src).
      - What C(source) says in it is relative to the folder that it lies in.
    type: str
    default: release.yml
  media_library:
    description:
      - The directory of the media library on the controller, in OCI image-layout form.
      - It is made when it does not exist.
    type: path
    required: true
  version:
    description: The release's version, in place of the one in C(release.yml).
    type: str
  serial:
    description: The release's serial, in place of the one in C(release.yml).
    type: int
  remote_src:
    description: Whether the files are on the host, such as a build host, rather than the
      controller. They are packed there and fetched.
    type: bool
    default: false
  state:
    description: Whether the release is to be in the library.
    type: str
    choices: [present, absent]
    default: present
  release:
    description:
      - The release to remove, as V(name:version) or V(sha256:<release digest>).
      - Required with O(state=absent).
    type: str
seealso:
  - module: itops.release.release_package_info
  - module: itops.release.release_deployment
"""

EXAMPLES = r"""
- name: Seal what release.yml describes
  itops.release.release_package:
    src: /home/ci/shop
    media_library: /srv/media
  register: sealed
  run_once: true

- name: Seal on a build host, with the version that CI gives
  itops.release.release_package:
    src: /build/shop
    remote_src: true
    version: "{{ ci_version }}"
    serial: "{{ ci_serial }}"
    media_library: /srv/media

- name: Remove a release from the library
  itops.release.release_package:
    media_library: /srv/media
    release: shop:1.0.0
    state: absent
"""

RETURN = r"""
release:
  description: What was sealed, or was there already.
  type: dict
  returned: when O(state=present)
  contains:
    name:
      description: The application's name.
      type: str
      returned: always
    version:
      description: The release's version.
      type: str
      returned: always
    serial:
      description: The release's serial.
      type: int
      returned: always
    digest:
      description: The release digest, the SHA-256 of the manifest.
      type: str
      returned: always
    files:
      description: How many files it holds.
      type: int
      returned: always
    bytes:
      description: How many bytes they hold.
      type: int
      returned: always
    stored_bytes:
      description: How many bytes it takes in the library, compressed.
      type: int
      returned: always
    components:
      description: Each component's C(name), C(version), C(kind), C(path), C(files) and C(bytes).
      type: list
      elements: dict
      returned: always
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import (
    _arguments,
    _canonical,
    _codec,
    _kinds,
    _layer,
    _manifest,
    _scan,
)


def main():
    module = AnsibleModule(
        argument_spec={**_arguments.package(), "_call": {"type": "dict"}},
        supports_check_mode=True,
    )
    call = module.params["_call"]
    if not call:
        module.fail_json(msg="release_package works only through its action plugin")
    try:
        module.exit_json(changed=False, **(copy_definition(call) if "read" in call else pack(call)))
    except (OSError, _codec.CodecError, _layer.LayerError, _scan.ScanError) as error:
        module.fail_json(msg=str(error))


def copy_definition(call):
    """Copy ``release.yml`` to where the controller may fetch it from."""
    try:
        with open(_scan.to_os(call["read"]), "rb") as source:
            data = source.read()
    except OSError as error:
        raise OSError(error.errno, error.strerror, call["read"]) from None
    write_readable(call["to"], data)
    return {}


def pack(call):
    """Pack one component where its files are; leave layer and entries for the controller."""
    if not os.path.isdir(_scan.to_os(call["root"])):
        raise _scan.ScanError("%s is not a directory" % call["root"])
    codec = _codec.readable()[0]
    kind = _kinds.KINDS[call["pack"]["kind"]]
    entries = kind.pack(call["root"], call["pack"], call["layer"], codec)
    os.chmod(call["layer"], 0o644)
    plain = [_manifest.entry_to_plain(entry) for entry in entries]
    write_readable(call["entries"], _canonical.dumps(plain))
    return {"codec": codec}


def write_readable(path, data):
    """Write *data* to *path*, in a folder of Ansible's own, so that the login user can read it."""
    with open(path, "wb") as stream:
        stream.write(data)
        os.fchmod(stream.fileno(), 0o644)


if __name__ == "__main__":
    main()
