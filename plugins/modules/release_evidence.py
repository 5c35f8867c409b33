#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_evidence
short_description: Write the bill of materials, provenance or build note of a release to a file
description:
  - Writes what is attached to a release in the media library, by
    M(itops.release.release_package) or by others, to a file on the controller.
  - With O(trust), only what a key of the roles C(build) and C(release) verifies is written.
    Without, nobody vouches for it.
  - What a release has is told by M(itops.release.release_package_info).
version_added: 0.1.0
author: The itops.release authors (@itops)
extends_documentation_fragment:
  - itops.release.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  async:
    support: none
  platform:
    support: full
    platforms: posix
options:
  media_library:
    description: The directory of the media library on the controller, or C(oci://host/name) for
      one in a registry.
    type: path
    required: true
  release:
    description: The release, as V(name:version) or V(sha256:<release digest>).
    type: str
    required: true
  predicate_type:
    description:
      - What is wanted, by the type of its predicate, such as V(https://cyclonedx.org/bom).
      - V(sbom), V(provenance) and V(build_note) stand for the types of those.
    type: str
    required: true
  dest:
    description: The file on the controller. It is replaced in one step, and only where it differs.
    type: path
    required: true
  form:
    description:
      - V(predicate) is what the evidence says, such as the bill of materials itself.
      - V(envelope) is the signed in-toto statement in its DSSE envelope, in a line, for tools that
        verify it themselves.
    type: str
    choices: [predicate, envelope]
    default: predicate
  trust:
    description: The path of C(trust.yml) on the controller.
    type: path
  digest:
    description: The digest of the envelope, V(sha256:<hex>), where a release has several that say
      different things of one type.
    type: str
seealso:
  - module: itops.release.release_package
  - module: itops.release.release_package_info
"""

EXAMPLES = r"""
- name: Hand the bill of materials of a release to a scanner
  itops.release.release_evidence:
    media_library: /srv/media
    release: shop:1.4.2
    trust: /srv/trust.yml
    predicate_type: sbom
    dest: /var/lib/scanner/shop-1.4.2.cdx.json

- name: Keep the signed provenance as it is
  itops.release.release_evidence:
    media_library: /srv/media
    release: shop:1.4.2
    predicate_type: provenance
    form: envelope
    dest: /srv/audit/shop-1.4.2.intoto.jsonl
"""

RETURN = r"""
dest:
  description: The file.
  type: str
  returned: success
predicate_type:
  description: The type of the predicate, in full.
  type: str
  returned: success
digest:
  description: The digest of the envelope in the library.
  type: str
  returned: success
signed_by:
  description: The names of the keys that verify it, none without O(trust).
  type: list
  elements: str
  returned: success
"""
