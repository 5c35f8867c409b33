#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_evidence_pack
short_description: Write the evidence pack of a plan
description:
  - Writes one tar with all evidence of a plan - the plan and its revisions, approvals with their
    signatures, events of the ledger and the hashes of all events, the policy, manifests, bills of
    materials, provenance and signatures of its releases, and its pages.
  - C(index.json) in it lists each file with its SHA-256. The person who makes the pack signs it,
    with O(key).
  - C(release_verify_evidence), one file in C(scripts) of the collection, verifies the pack with
    Python and C(ssh-keygen) alone.
  - A pack that is undamaged, and would differ only in its pages and time, stays as it is.
  - Works on the controller. Run it with C(run_once).
version_added: 0.1.0
author: The itops.release authors (@itops)
requirements:
  - jsonschema
  - sqlalchemy
  - netaddr
  - ssh-keygen of OpenSSH 8.7 or later
extends_documentation_fragment:
  - itops.release.attributes
  - itops.release.planning
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
  dest:
    description: The file to write. In a directory, or with a C(/) at its end, C(<plan>.tar) in it.
      Directories are made.
    type: path
    required: true
  review:
    description: A review of the plan in Markdown, which becomes C(review.md) in the pack.
    type: path
  whole_ledger:
    description: Whether all events of the ledger are in the pack, not only those about the plan.
      The pack then proves by itself that its events are those of the ledger with this head, and
      shows what other plans did.
    type: bool
    default: false
seealso:
  - module: itops.release.release_plan
  - module: itops.release.release_evidence
"""

EXAMPLES = r"""
- name: Write the evidence pack
  itops.release.release_evidence_pack:
    plan: plans/shop-1.5.yml
    policy: policy.yml
    ledger: ledger.db
    media_library: /srv/media
    dest: evidence/
  run_once: true
"""

RETURN = r"""
dest:
  description: The path of the pack.
  type: str
  returned: success
plan:
  description: The name of the plan.
  type: str
  returned: success
files:
  description: How many files the pack has, beside the index.
  type: int
  returned: success
head:
  description: The last event of the ledger, with C(ledger), C(sequence) and C(hash). Keep the hash
    elsewhere.
  type: dict
  returned: success
signed_by:
  description: The person who signed; empty for a pack that is not signed.
  type: str
  returned: success
left_out:
  description: Signatures and evidence of releases that O(trust) does not believe, a line each.
  type: list
  elements: str
  returned: success
"""
