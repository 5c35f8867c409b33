#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_gate
short_description: Check the gates of a plan before a deployment
description:
  - Asks all gates of one environment of a plan, records the answers in the ledger, and fails with
    the reasons unless all are open.
  - Without O(plan), refuses hosts of an environment that requires one by O(policy).
  - The role P(itops.release.deploy#role) runs it before each batch.
  - In check mode it is the prognosis - the same gates, nothing recorded.
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
  release:
    description: The release that the play would deploy without a plan. It must be that of the plan.
    type: str
  domain:
    description: The domain that is deployed, of a plan with domains; required with such a plan, and
      refused with another.
    type: str
  as:
    description: How the run is to end, as M(itops.release.release_fleet) has it. With V(staged) the
      gate C(domains) does not wait for other domains, and M(itops.release.release_deployment) makes
      nothing live in the run.
    type: str
    choices: [staged, backed_out]
  takeover:
    description: Another run that the ledger has no end of, and that is over. Those of this machine
      need not be named.
    type: str
  in_waves:
    description: Whether the play is part of a deployment in waves, as the playbook
      C(itops.release.deploy) has it.
    type: bool
    default: false
  at:
    description: The time for which the prognosis is, such as V(2026-12-01T22:00Z), or without a
      zone in that of the calendar. In check mode only.
    type: str
  override:
    description: Gates to override in this run, as the policy allows. It needs O(reason), and a
      person with the role that the policy names. Never V(signatures), V(plan), V(domains),
      V(lease).
    type: list
    elements: str
seealso:
  - module: itops.release.release_plan
"""

EXAMPLES = r"""
- name: Check the gates
  itops.release.release_gate:
    plan: plans/shop-1.5.yml
    env: production
    policy: policy.yml
    calendar: calendar.yml
    ledger: ledger.db
  run_once: true
  register: gated
"""

RETURN = r"""
answers:
  description: What each gate answered, with C(gate), C(open), and C(text), C(opens), C(needs),
    C(override) where there is something to say.
  type: list
  elements: dict
  returned: success
reference:
  description: The release of the plan, by its digest.
  type: str
  returned: with O(plan)
governed:
  description: For the option C(governed) of M(itops.release.release_deployment).
  type: dict
  returned: success
plan:
  description: Name and revision of the plan.
  type: dict
  returned: with O(plan)
"""
