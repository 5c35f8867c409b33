#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_package
short_description: Seal a release package into the media library; sign, pin, remove and prune
description:
  - Reads C(release.yml), takes the files of each component, and seals them together as one release
    in the media library on the controller.
  - Sealing is reproducible. The same files give the same release digest on any machine, in any
    order, with any locale and clock.
  - Components that were built come from the workspace of M(itops.release.release_build). What is
    declared, what was built and what is packed must be the same.
  - Scripts of the release, such as hooks and migrations, are sealed as digests, so that the same
    ones run in every environment.
  - A component of kind C(archive) is a tar, plain or compressed, or a zip. It is sealed as the
    files that it holds, without being unpacked.
  - Trees and archives that could not be laid out safely on every host are refused by name, such as
    links that leave the component, special files, and names that collide by case or Unicode form.
  - A release is never changed afterwards. The same version or serial with other contents is
    refused.
  - It signs releases with Ed25519 keys, while sealing or later. Signatures are attached to the
    release in the library, and stay with it for as long as it stays.
  - With O(state=pruned) it removes the releases that nothing keeps any more. The playbook
    C(itops.release.prune) does that for a whole estate. It asks every host first what it holds.
  - Several runs may seal, remove, prune and deploy at once. Those that write take turns. Whenever
    one is killed, the library is whole, and the next pruning removes what it left.
version_added: 0.1.0
author: The itops.release authors (@itops)
extends_documentation_fragment:
  - itops.release.attributes
  - itops.release.sign
attributes:
  check_mode:
    support: full
    description: Reads and checks everything, and returns what a run would return, without adding,
      pinning or removing anything.
  diff_mode:
    support: full
    description: Names the releases that come and go, or are signed, pinned and unpinned.
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
    description: Nothing for this module. Not for playbooks.
    type: str
  src:
    description:
      - The directory that holds C(release.yml), on the controller, or on the host with
        O(remote_src=true), where C(~) is that of the user who runs there.
      - Required with O(state=present), unless O(mark) is given.
    type: path
  definition:
    description:
      - The path of C(release.yml), relative to O(src).
      - What C(source) says in it is relative to the folder that it lies in.
    type: str
    default: release.yml
  workspace:
    description:
      - The directory that M(itops.release.release_build) built in, on the same host as O(src).
      - Components of C(release.yml) with C(from) are taken from there, and are refused without it.
        The others are taken from O(src).
      - What is declared, what was built and what is packed must be the same. Refused by name are a
        component that is missing or left over, one that was built from another source or revision
        than is declared, and one whose files were changed since.
    type: path
    version_added: 0.1.0
  media_library:
    description:
      - The directory of the media library on the controller, in OCI image-layout form. It is made
        when it does not exist.
      - Or C(oci://host[:port]/name), a repository in an OCI registry. Credentials come from the
        environment or a file, see C(docs/registries.md). O(mark) and O(min_age_days) are not for
        registries.
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
    description:
      - V(present) seals a release, and does nothing when it is in the library already. With O(mark)
        it pins or unpins one that is there.
      - V(signed) has O(release) signed as O(sign) says, and does nothing when that key has signed
        it in that role already. The signatures that are there stay.
      - V(absent) removes O(release) and its signatures. One that is pinned is refused.
      - V(pruned) removes all releases of all applications but those that O(keep), O(min_age_days),
        O(in_use) or a pin keeps.
      - A damaged release is never pruned, for it is not known which one it is. Remove it by its
        digest, or seal it again, which mends it.
    type: str
    choices: [present, signed, absent, pruned]
    default: present
  release:
    description:
      - The release to sign, remove, pin or unpin, as V(name:version) or
        V(sha256:<release digest>).
      - Required with O(state=signed), O(state=absent) and O(mark).
    type: str
  mark:
    description:
      - Pins O(release), so that it is neither pruned nor removed, or unpins it.
      - The pin belongs to this library, not to the release. Other tools do not copy it.
    type: str
    choices: [pinned, unpinned]
  keep:
    description:
      - How many releases of each application stay, those with the highest serials. At least 1.
      - Required with O(state=pruned).
    type: int
  min_age_days:
    description:
      - Releases stay that were sealed into this library less than so many days ago.
      - Other tools that copy a library do not copy when that was. Such a release stays as long as
        this option is given.
    type: int
  in_use:
    description:
      - References that hosts, plans and the like name, as V(name:version) or
        V(sha256:<release digest>). Those releases stay.
      - A digest may be of a release that is not in the library any more. A name and version that
        the library does not know is refused, since it may be a slip.
    type: list
    elements: str
    default: []
  evidence:
    description:
      - Evidence to make of the release and to attach to it, signed by O(sign), which it requires.
        It is attached before the release is signed.
      - V(sbom) is a bill of materials in CycloneDX, made from the files that are sealed.
        V(provenance) is SLSA provenance, made from the record of the build in O(workspace), which
        it requires.
      - The same evidence by the same key is attached once.
    type: list
    elements: str
    choices: [sbom, provenance]
    default: []
  sbom:
    description:
      - A bill of materials that was made elsewhere, a file on the controller, to attach to the
        release, signed by O(sign), which it requires.
      - It has to be CycloneDX 1.2 or later in JSON, and is validated by the official schema of the
        version that it says it has. Whether it is about this release is for you to see.
    type: path
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

- name: Seal what release_build built on the build host
  itops.release.release_package:
    src: /build/shop
    workspace: /build/shop-workspace
    remote_src: true
    media_library: /srv/media

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

- name: Seal and sign in CI, with a key whose passphrase is in the environment
  itops.release.release_package:
    src: /build/shop
    media_library: /srv/media
    sign:
      role: build
      private_key: /etc/ci/signing_key
      passphrase_env: SIGNING_PASSPHRASE

- name: Seal what was built, with its bill of materials and its provenance
  itops.release.release_package:
    src: /build/shop
    workspace: /build/workspace
    media_library: /srv/media
    evidence: [sbom, provenance]
    sign:
      role: build
      private_key: /etc/ci/signing_key

- name: Attach a bill of materials that a scanner made
  itops.release.release_package:
    media_library: /srv/media
    release: shop:1.4.2
    state: signed
    sbom: /build/shop.cdx.json
    sign:
      role: build
      private_key: /etc/ci/signing_key

- name: Countersign a release with a key that the ssh-agent holds
  itops.release.release_package:
    media_library: /srv/media
    release: shop:1.4.2
    state: signed
    sign:
      role: release
      public_key: ~/.ssh/id_ed25519.pub

- name: Keep a release for as long as it is pinned
  itops.release.release_package:
    media_library: /srv/media
    release: shop:1.4.2
    mark: pinned

- name: Keep the ten newest of each application, the last quarter, and what a plan names
  itops.release.release_package:
    media_library: /srv/media
    state: pruned
    keep: 10
    min_age_days: 90
    in_use: [shop:1.3.0, "sha256:6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090"]
"""

RETURN = r"""
release:
  description: What was sealed or signed, or was so already.
  type: dict
  returned: when O(state=present) and O(mark) is not given, and when O(state=signed)
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
    pinned:
      description: Whether it is pinned in this library.
      type: bool
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
      description:
        - Each component's C(name), C(version), C(kind), C(path), C(files) and C(bytes).
        - Those that declare it have C(requires), C(provides), C(conflicts) and C(versions).
        - Those that were built have C(materials), a list of what they were built from, each as
          C(kind), C(place), C(revision), C(commit), C(sha256) and C(folder), as far as its kind has
          them.
      type: list
      elements: dict
      returned: always
    requires_hosts:
      description: What a host must be or have.
      type: dict
      returned: when it is declared
    scripts:
      description: For each use, C(build), C(hooks) and C(migrations), the C(path) and C(sha256) of
        each script.
      type: dict
      returned: when any are declared
signature:
  description: The signature that the release has now.
  type: dict
  returned: when O(sign) is given
  contains:
    role:
      description: The role that was signed in.
      type: str
      returned: always
    key:
      description: The fingerprint of the key, as C(ssh-keygen -l) shows it.
      type: str
      returned: always
evidence:
  description: The evidence that was asked for, in the order in which it was attached.
  type: list
  elements: dict
  returned: when O(sign) is given
  contains:
    predicate_type:
      description: What it is, such as V(https://cyclonedx.org/bom).
      type: str
      returned: always
    attached:
      description: Whether it was attached now, false where it was there already.
      type: bool
      returned: always
removed:
  description: The releases that pruning removed, each as C(name), C(version), C(serial) and
    C(digest), sorted by name and serial.
  type: list
  elements: dict
  returned: when O(state=pruned)
kept:
  description: The releases that stay, in the same form, each with C(reasons), a list of V(newest),
    V(recent), V(pinned) and V(in use).
  type: list
  elements: dict
  returned: when O(state=pruned)
damaged:
  description: The damaged releases, which stay, each as C(digest) (null when even that is unknown),
    C(called) and C(reason). While there is one, no space is freed, since it may share any.
  type: list
  elements: dict
  returned: when O(state=pruned)
msg:
  description: The same in a line.
  type: str
  returned: when O(state=pruned)
freed_bytes:
  description: How many bytes were freed, with those that a killed run had left.
  type: int
  returned: when O(state=pruned)
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.building import _as_built, _record
from ..module_utils.errors._release_error import ReleaseError
from ..module_utils.formats import _canonical, _codec, _message
from ..module_utils.options import _package
from ..module_utils.release import _manifest, _scan
from ..module_utils.sources import _kinds, _script_digests


def main() -> None:
    module = AnsibleModule(
        argument_spec={**_package.options(), **_message.OPTIONS},
        supports_check_mode=True,
    )
    try:
        told = answer(module.params, _message.unpack(module.params))
        module.exit_json(changed=False, format=_message.FORMAT, **told)
    except ReleaseError as error:
        module.fail_json(msg=str(error), code=error.code, hint=error.hint)
    except OSError as error:
        module.fail_json(msg=str(error))


def answer(params: dict[str, Any], call: dict[str, Any]) -> dict[str, Any]:
    """Do what *call* asks, with the options *params*, and return the answer."""
    src, workspace = params["src"], params["workspace"]
    if "read" in call:
        return copy_definition(src, workspace, call)
    if "scripts" in call:
        folder = os.path.join(src, call["folder"])
        return {"scripts": _script_digests.find(folder, call["scripts"])}
    return pack(src, workspace, call)


def copy_definition(src: str, workspace: str, call: dict[str, Any]) -> dict[str, Any]:
    """Copy ``release.yml``, and the record of a build, to where the controller may fetch them.

    What was built is looked at meanwhile.
    """
    path = os.path.join(src, call["read"])
    try:
        with open(_scan.to_os(path), "rb") as source:
            data = source.read()
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None
    write_readable(call["to"], data)
    if "record" not in call:
        return {}
    record = _record.read(workspace)
    write_readable(call["record"], _record.render(record))
    return {"problems": _as_built.find_changes(workspace, record)}


def pack(src: str, workspace: str, call: dict[str, Any]) -> dict[str, Any]:
    """Pack one component where its files are; leave layer and entries for the controller."""
    name = call["pack"]["name"]
    is_built = "tree" in call
    folder = os.path.join(workspace, name) if is_built else src
    root = os.path.join(folder, call["root"])
    kind = _kinds.KINDS[call["pack"]["kind"]]
    if not kind.is_source(_scan.to_os(root)):
        raise _scan.ScanError("component %s: %s is not %s" % (name, root, kind.SOURCE))
    codec = _codec.readable()[0]
    entries = kind.pack(root, call["pack"], call["layer"], codec)
    if is_built:
        _as_built.check_tree(name, entries, call["tree"], root, workspace)
    os.chmod(call["layer"], 0o644)
    plain = [_manifest.entry_to_plain(entry) for entry in entries]
    write_readable(call["entries"], _canonical.dumps(plain))
    return {"codec": codec}


def write_readable(path: str, data: bytes) -> None:
    """Write *data* to *path*, in a folder of Ansible's own, so that the login user can read it."""
    with open(path, "wb") as stream:
        stream.write(data)
        os.fchmod(stream.fileno(), 0o644)


if __name__ == "__main__":
    main()
