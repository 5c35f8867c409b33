#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_plan
short_description: Propose a plan for a release, decide about it, end it
description:
  - A plan says what one release is to do, environment by environment. It is checked against the
    policy, resolved into hosts and digests, and recorded in the ledger as a revision.
  - For each environment and role that must approve, a statement is written to O(approvals).
    C(ssh-keygen -Y sign -n approval@itops.release) signs it; any later task takes it in.
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
    support: full
  async:
    support: none
  platform:
    support: full
    platforms: posix
options:
  state:
    description:
      - V(checked) shows what would be proposed.
      - V(proposed) records a new revision where something changed, and writes statements.
      - V(decided) records O(decision) of the person whose O(key) or account it is.
      - V(cancelled) ends the plan. It needs O(reason).
      - V(closed) ends the plan once all its environments have the release.
    type: str
    choices: [checked, proposed, decided, cancelled, closed]
    default: checked
  decision:
    description: What the person decides. A rejection closes the gate until it is withdrawn. An
      approval that was withdrawn can only be given again for a new revision. V(declare) declares an
      emergency.
    type: str
    choices: [approve, reject, withdraw, comment, declare]
    default: approve
  role:
    description: The role in which the person approves. By default the first role of the person that
      is needed.
    type: str
seealso:
  - module: itops.release.release_gate
  - module: itops.release.release_register
"""

EXAMPLES = r"""
- name: Propose the plan
  itops.release.release_plan:
    plan: plans/shop-1.5.yml
    policy: policy.yml
    ledger: ledger.db
    approvals: approvals
    state: proposed
  run_once: true

- name: Approve it for production
  itops.release.release_plan:
    plan: plans/shop-1.5.yml
    policy: policy.yml
    ledger: ledger.db
    env: production
    reason: Read it
    state: decided
  run_once: true
"""

RETURN = r"""
plan:
  description: The name of the plan.
  type: str
  returned: success
revision:
  description: The revision that stands.
  type: int
  returned: success
digest:
  description: The digest of the resolved plan, which approvals are about.
  type: str
  returned: with O(state=checked) or O(state=proposed)
statements:
  description: Statements that were written, to be signed.
  type: list
  elements: str
  returned: with O(state=checked) or O(state=proposed)
lines:
  description: The plan for people, in lines.
  type: list
  elements: str
  returned: with O(state=checked) or O(state=proposed)
approvals:
  description: What the gate C(approvals) answers after the decision.
  type: dict
  returned: with O(state=decided)
"""
