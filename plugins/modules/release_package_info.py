#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_package_info
short_description: Tell which releases the media library holds, and how two of them differ
description:
  - Lists the releases in the media library, those that are damaged apart, or describes one.
  - Tells who signed a release, and whether that is enough, and which evidence is attached to it.
  - Compares two releases component by component and file by file.
  - Works on the controller, and changes nothing.
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
  media_library:
    description: The directory of the media library on the controller, or C(oci://host[:port]/name),
      a repository in an OCI registry.
    type: path
    required: true
  release:
    description: The release to describe, as V(name:version) or V(sha256:<release digest>). All by
      default.
    type: str
  compare_to:
    description: The release that O(release) is compared with, the earlier one as a rule.
    type: str
  trust:
    description: The path of C(trust.yml) on the controller. The signatures of O(release) are
      verified by it.
    type: path
  hooks:
    description:
      - Files on the controller that are to run as hooks of O(release). Where hooks were sealed with
        it, each must hold what one of those held.
      - Hosts may hold a release, named by its digest, that the library does not hold any more.
        Nothing is known of its hooks, then, and nothing is said.
    type: list
    elements: path
    version_added: 0.1.0
  scripts_from:
    description: A directory on the controller that must have all scripts that were sealed with
      O(release), as they were. It is the one of C(release.yml), or a copy.
    type: path
    version_added: 0.1.0
seealso:
  - module: itops.release.release_package
"""

EXAMPLES = r"""
- name: List all releases
  itops.release.release_package_info:
    media_library: /srv/media
  register: library

- name: See what 1.1.0 brings over 1.0.0
  itops.release.release_package_info:
    media_library: /srv/media
    release: shop:1.1.0
    compare_to: shop:1.0.0
  register: news

- name: See whether 1.1.0 is signed as the trust file demands
  itops.release.release_package_info:
    media_library: /srv/media
    release: shop:1.1.0
    trust: /srv/trust.yml
  register: signed

- name: See whether the scripts in this checkout are those that were sealed
  itops.release.release_package_info:
    media_library: /srv/media
    release: shop:1.1.0
    scripts_from: "{{ playbook_dir }}/shop"
  register: scripts
  failed_when: scripts.script_problems | length > 0
"""

RETURN = r"""
releases:
  description: The releases, sorted by name and serial, each as M(itops.release.release_package)
    returns it. What a release declares is there, too - C(requires_hosts) and C(scripts) of itself,
    and C(requires), C(provides), C(conflicts), C(versions) and C(materials) of a component.
  type: list
  elements: dict
  returned: success
damaged:
  description: The releases that cannot be read. Sealing one again mends it.
  type: list
  elements: dict
  returned: when O(release) is not given
  contains:
    digest:
      description: The release digest, or null when that is not known any more.
      type: str
      returned: always
    name:
      description: The application's name, or null.
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
    called:
      description: The name and version, else the tag in the library, else the digest.
      type: str
      returned: always
    pinned:
      description: Whether it is pinned.
      type: bool
      returned: always
    reason:
      description: What is wrong with it.
      type: str
      returned: always
script_problems:
  description: A line for each of O(hooks) that is none of the hooks sealed with O(release), and for
    each script sealed with it that O(scripts_from) does not have as it was.
  type: list
  elements: str
  returned: when O(hooks) or O(scripts_from) is given
signatures:
  description: The signatures that are attached to O(release).
  type: list
  elements: dict
  returned: when O(release) is given
  contains:
    digest:
      description: The digest of the envelope in the library.
      type: str
      returned: always
    role:
      description: The role that the library claims it is for, or null. That proves nothing.
      type: str
      returned: always
    key:
      description: The fingerprint of the key that the library claims made it, or null.
      type: str
      returned: always
    signed_by:
      description: The names of the keys that verify it.
      type: list
      elements: str
      returned: when O(trust) is given
    problem:
      description: Why it counts for nothing, empty when nothing is wrong.
      type: str
      returned: when O(trust) is given
evidence:
  description: The evidence that is attached to O(release). M(itops.release.release_evidence) writes
    it to files.
  type: list
  elements: dict
  returned: when O(release) is given
  contains:
    digest:
      description: The digest of the envelope in the library.
      type: str
      returned: always
    predicate_type:
      description: What it is, such as V(https://cyclonedx.org/bom) for a bill of materials, or
        null. Where nothing verified it, that is what the library claims.
      type: str
      returned: always
    signed_by:
      description: The names of the keys of the roles build and release that verify it.
      type: list
      elements: str
      returned: when O(trust) is given
    problem:
      description: Why it is not believed, empty when nothing is wrong.
      type: str
      returned: when O(trust) is given
roles:
  description: Each role that releases are signed in, and whether O(release) is signed in it.
  type: list
  elements: dict
  returned: when O(trust) is given
  contains:
    role:
      description: The role's name in C(trust.yml).
      type: str
      returned: always
    met:
      description: Whether as many keys signed as the role's threshold asks for.
      type: bool
      returned: always
    threshold:
      description: How many different keys have to sign.
      type: int
      returned: always
    keys:
      description: The names of the keys whose signatures count.
      type: list
      elements: str
      returned: always
    line:
      description: The same in a line, and what to do where the role is not met.
      type: str
      returned: always
comparison:
  description: How O(release) differs from O(compare_to).
  type: dict
  returned: when O(compare_to) is given
  contains:
    from:
      description: The release digest of O(compare_to).
      type: str
      returned: always
    to:
      description: The release digest of O(release).
      type: str
      returned: always
    components:
      description: Each component of either, with C(name), C(change) (V(added), V(removed),
        V(modified) or V(unchanged)), C(from_version), C(to_version), and the lists of paths
        C(added), C(removed), C(modified) and C(exec_changed).
      type: list
      elements: dict
      returned: always
"""
