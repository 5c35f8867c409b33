#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_train
short_description: Deploy the domains of a plan in their order
description:
  - Deploys one environment of a plan with domains. Each domain is a job of ansible-runner on the
    controller that runs the playbook C(itops.release.deploy) with the inventory, the extra
    variables and the options of this run.
  - Stages all domains first, side by side. Then each domain is deployed once those that it needs
    are. When a domain fails, C(on_failure) of the plan decides.
  - Its state is in the ledger. The same task again goes on where the train stopped.
  - Works on the controller. Run it with C(run_once), without C(--limit).
version_added: 0.1.0
author: The itops.release authors (@itops)
requirements:
  - ansible-runner
  - jsonschema
  - sqlalchemy
  - netaddr
extends_documentation_fragment:
  - itops.release.attributes
  - itops.release.planning
attributes:
  check_mode:
    support: full
    details: The jobs run in check mode, and nothing is recorded.
  diff_mode:
    support: full
  async:
    support: none
  platform:
    support: full
    platforms: posix
options:
  as:
    description: With V(backed_out), all domains that the plan deployed are backed out, last first.
    type: str
    choices: [backed_out]
  output:
    description: The directory for the output of the jobs. By default C(trains) beside a ledger that
      is a file, where that is writable, else C(~/.local/state/itops-release/trains).
    type: path
  silence:
    description: How long a job may give no sign of life, such as V(30m), before it is ended and its
      domain is lost. The C(wave_soak) of the plan is added.
    type: str
    default: 30m
  takeover:
    description: The run of a train that has no end on record and is over, as the refusal names it.
      It is not needed where this machine knows that the run is over.
    type: str
seealso:
  - module: itops.release.release_plan
  - module: itops.release.release_gate
"""

EXAMPLES = r"""
- name: Run the train
  itops.release.release_train:
    plan: plans/checkout-2.yml
    env: production
    policy: policy.yml
    ledger: ledger.db
  run_once: true
  register: train

- name: Fail the run that did not end well
  ansible.builtin.fail:
    msg: "{{ train.msg }}"
  run_once: true
  when: train.verdict != 'done'
"""

RETURN = r"""
verdict:
  description: How the train ended - V(done), V(refused), V(held), V(backed_out) or V(failed).
  type: str
  returned: success
msg:
  description: The verdict and the reason, in a line.
  type: str
  returned: success
number:
  description: The number of the train, for its plan and environment.
  type: int
  returned: without check mode
output:
  description: The directory with the output of the jobs.
  type: str
  returned: success
domains:
  description: What became of each domain, by its name.
  type: dict
  returned: success
"""
