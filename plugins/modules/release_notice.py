#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_notice
short_description: Send notices about plans
description:
  - Sends the notices that the ledger asks for and that were not sent yet, by the C(channels) of
    C(policy.yml), to the audiences in C(notify) of each plan. Each channel that takes a notice is
    recorded in the ledger, by the name of the channel.
  - Notices are about plans that are proposed or wait for approvals, and about deployments that
    start, are done, backed out, held or postponed. Those older than 14 days are not sent.
  - A channel that fails is a warning. A later run sends its notices again, with the same id.
  - All channels together get ten seconds. The task does not fail.
  - In check mode nothing is sent.
  - Works on the controller. Run it with C(run_once).
version_added: 0.1.0
author: The itops.release authors (@itops)
requirements:
  - apprise
  - jsonschema
  - sqlalchemy
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
  state:
    description: V(sent) sends the notices that wait.
    type: str
    choices: [sent]
    default: sent
  policy:
    description: C(policy.yml) of the organisation, on the controller. Without it, or without
      O(ledger), nothing is sent.
    type: path
  ledger:
    description: The ledger on the controller - the path of an SQLite file, or a C(postgresql://)
      URL.
    type: str
  pages:
    description: The directory of pages. Notices name the page of the plan in it.
    type: path
  variables:
    description: The prefix of the playbook's variables that are the options of this task, so that
      messages name them.
    type: str
seealso:
  - module: itops.release.release_plan
"""

EXAMPLES = r"""
- name: Send the notices that wait
  itops.release.release_notice:
    policy: policy.yml
    ledger: ledger.db
  run_once: true
"""

RETURN = r"""
sent:
  description: The ids of the notices that were sent.
  type: list
  elements: str
  returned: success
  sample: [3f2a90c1d4e5-31-approval-wanted-mail]
waiting:
  description: The ids of the notices that wait for a later run.
  type: list
  elements: str
  returned: success
"""
