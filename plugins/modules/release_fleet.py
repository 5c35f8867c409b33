#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_fleet
short_description: Decide between the batches of a deployment what comes next
description:
  - Reads what the hosts of a batch answered to M(itops.release.release_deployment), records it in
    the ledger in one transaction, and decides - go on, stop, hold or back out.
  - A run that is backed out, or fails, opens an issue that blocks the release.
  - The playbooks C(itops.release.deploy) and C(itops.release.reconcile) run it
    with C(run_once) after each batch.
  - In check mode nothing is recorded.
version_added: 0.1.0
author: The itops.release authors (@itops)
requirements:
  - jsonschema
  - sqlalchemy
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
  state:
    description:
      - What the hosts of the play were asked to do before.
      - V(staged) computes the waves. V(switched) and V(committed) end a wave. V(reverted) ends a
        batch of the way back.
      - V(found) finds what a run changed, to back it out. V(reconciled) finds hosts that lack the
        release of their fleet.
    type: str
    choices: [staged, switched, committed, found, reverted, reconciled]
    required: true
  as:
    description: How the run is to end. V(staged) ends after staging, V(backed_out) undoes what an
      earlier run changed. By default the release goes live.
    type: str
    choices: [staged, backed_out]
  domain:
    description: The domain, of a plan with domains.
    type: str
  run:
    description: With V(as=backed_out), the run to undo. By default every run that brought the
      release of the plan.
    type: str
  answers:
    description: The variable in which hosts registered what
      M(itops.release.release_deployment_info) returned, for V(state=found) and
      V(state=reconciled).
    type: str
seealso:
  - module: itops.release.release_gate
"""

EXAMPLES = r"""
- name: Decide what comes next
  itops.release.release_fleet:
    state: switched
    plan: plans/shop-1.5.yml
    env: production
    ledger: ledger.db
  run_once: true
  register: fleet
"""

RETURN = r"""
next:
  description: What comes next - V(go), V(soak), which is over, V(back_out), V(done), or V(end)
    for a run that is to fail.
  type: str
  returned: success
waves:
  description: The batches in which hosts change, each with C(wave), C(hosts) and C(soaks).
  type: list
  elements: dict
  returned: with O(state=staged)
soaks:
  description: Whether a wave is on trial for a while before it is committed.
  type: bool
  returned: with O(state=staged)
verdict:
  description: How the run ended - V(done), V(refused), V(held), V(backed_out) or V(failed).
  type: str
  returned: when the run is at its end
reason:
  description: Why the run did not end as V(done), in a line.
  type: str
  returned: when the run is at its end
msg:
  description: Verdict and reason, in a line.
  type: str
  returned: when the run is at its end
"""
