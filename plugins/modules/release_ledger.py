#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_ledger
short_description: Record a run in the ledger
description:
  - Records in the ledger what a run is about to do (O(state=began)) and how it ended
    (O(state=ended)), and imports what hosts did that is not on record (O(state=found)).
  - The roles and playbooks of this collection record by themselves where C(release_ledger) is set.
    Use this module in plays that use M(itops.release.release_deployment) without a role.
  - Run it with C(run_once), so that each batch of hosts is one transaction.
  - Works on the controller. Creates the ledger if it is missing.
  - In check mode it reads the ledger and records nothing.
version_added: 0.1.0
author: The itops.release authors (@itops)
requirements:
  - sqlalchemy
  - psycopg, for PostgreSQL
extends_documentation_fragment:
  - itops.release.attributes
  - itops.release.ledger
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
      - V(began) records the intent, before anything is changed. It fails where the ledger cannot be
        written.
      - V(failed) notes why this host failed, in a rescue, for V(ended). It writes to no ledger.
      - V(ended) records the outcome on each host, by what the tasks of this collection returned
        since V(began), and settles earlier runs that were stopped before their end. Where the
        ledger cannot be written it warns, and the next run settles this one.
      - V(found) imports unrecorded changes, and settles runs that were stopped. It needs
        O(answers).
    type: str
    required: true
    choices: [began, failed, ended, found]
  act:
    description: What the run does. Required for O(state=began) and O(state=ended).
    type: str
    choices:
      [back_out, build, deploy, prune, reconcile, rollback, seal, uninstall, verify]
  root:
    description: The deployment root on the hosts.
    type: str
  release:
    description: The release that the run brings, as V(name:version) or V(sha256:<release digest>).
    type: str
  media_library:
    description: Where O(release) is looked up.
    type: path
  plan:
    description: The plan that the run follows, as M(itops.release.release_gate) returned it, with
      C(name) and C(revision).
    type: dict
  required:
    description: With V(false), O(state=began) only warns where the ledger cannot be written. A
      rollback must not depend on the ledger.
    type: bool
    default: true
  intent:
    description: What O(state=began) returned as RV(intent).
    type: dict
  failed:
    description: With O(state=ended), whether this host is about to fail. Nothing is recorded then
      while other hosts of the batch go on, as C(max_fail_percentage) of the play says.
    type: bool
    default: false
  noted:
    description: What a task with O(state=failed) returned earlier in the same rescue. The reason of
      that is kept, whatever failed since.
    type: dict
seealso:
  - module: itops.release.release_ledger_info
  - module: itops.release.release_deployment
"""

EXAMPLES = r"""
- name: Record what is about to be done
  itops.release.release_ledger:
    ledger: /srv/release/ledger.db
    state: began
    act: deploy
    release: shop:1.4.0
    media_library: /srv/media
    root: /srv/shop
  run_once: true
  register: began

- name: Deploy
  itops.release.release_deployment:
    release: shop:1.4.0
    media_library: /srv/media
    root: /srv/shop
    ledger_head: "{{ began.intent.head }}"

- name: Record how it ended
  itops.release.release_ledger:
    ledger: /srv/release/ledger.db
    state: ended
    act: deploy
    intent: "{{ began.intent }}"
  run_once: true
"""

RETURN = r"""
intent:
  description: What was recorded, for O(state=ended). C(head) is the end of the ledger after it, for
    O(itops.release.release_deployment#module:ledger_head).
  type: dict
  returned: with O(state=began)
verdict:
  description: How this part of the run ended - V(done), V(refused), V(held), V(backed_out) or
    V(failed).
  type: str
  returned: with O(state=ended)
reason:
  description: Why the run did not go well - the first host that failed, and how many more. With
    O(state=failed), why this host failed.
  type: str
  returned: with O(state=ended) and O(state=failed)
failed_code:
  description: The code of what failed, empty where it has none.
  type: str
  returned: with O(state=failed)
msg:
  description: What was imported and settled, in a line.
  type: str
  returned: with O(state=found)
imported:
  description: The changes that were not on record, each with C(host), C(root), C(at), C(run),
    C(event), C(tree) and C(user).
  type: list
  elements: dict
  returned: with O(state=found)
settled:
  description: The runs that were stopped before their end, and have one on record now.
  type: list
  elements: str
  returned: with O(state=found)
unknown:
  description: Why a host did not answer, by host.
  type: dict
  returned: with O(state=found)
"""
