#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_ledger_info
short_description: Report what is live where, who did what when, and what is unrecorded
description:
  - Answers a question by the ledger, by what hosts answered, or by both.
  - Works on the controller, and changes nothing but the file O(dest).
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
  question:
    description:
      - V(status) - what is live where, by application and environment, what is on trial or locked,
        runs without an end on record, unrecorded changes, and the last runs with their verdict. It
        needs O(ledger), O(answers) or both.
      - V(unrecorded) - what hosts did that the ledger does not have. It needs O(answers).
      - V(events) - the events themselves, oldest first.
      - V(audit) - whether an event was changed, deleted or reordered, or the tail cut off. With
        O(answers) the heads that hosts keep are compared, too. The task fails where anything is
        wrong.
      - V(export) - all events as JSON Lines, or a change record for each run as CSV.
    type: str
    default: status
    choices: [status, unrecorded, events, audit, export]
  calendar:
    description: C(calendar.yml), for windows and freezes ahead in O(question=status).
    type: path
  application:
    description: With O(question=events), only events of this application.
    type: str
  kind:
    description: With O(question=events), only events of this kind, such as V(run_ended).
    type: str
  after:
    description: Only events after the one with this number.
    type: int
    default: 0
  most:
    description: With O(question=events), how many events at most; without O(after) the last ones.
    type: int
  format:
    description: The format of O(question=export).
    type: str
    default: jsonl
    choices: [jsonl, csv]
  dest:
    description: A file on the controller for the answer. It is JSON, or what O(format) says.
    type: path
  pages:
    description: The directory of M(itops.release.release_report), which O(question=status) names.
    type: path
  show:
    description: Whether to print the answer to the terminal, as lines for people.
    type: bool
    default: false
seealso:
  - module: itops.release.release_ledger
  - module: itops.release.release_deployment_info
"""

EXAMPLES = r"""
- name: Show the last 20 events of shop
  itops.release.release_ledger_info:
    ledger: /srv/release/ledger.db
    question: events
    application: shop
    most: 20
    show: true

- name: Write change records for the auditor
  itops.release.release_ledger_info:
    ledger: /srv/release/ledger.db
    question: export
    format: csv
    dest: /srv/release/changes.csv

- name: Verify the ledger
  itops.release.release_ledger_info:
    ledger: /srv/release/ledger.db
    question: audit
"""

RETURN = r"""
status:
  description: The status, as C(dest) has it - C(matrix), C(deployments), C(held), C(locked),
    C(open), C(runs), C(unrecorded), C(unknown), and C(history) by host and root.
  type: dict
  returned: with O(question=status)
unrecorded:
  description: The changes that are not on record.
  type: list
  elements: dict
  returned: with O(question=unrecorded)
events:
  description: The events.
  type: list
  elements: dict
  returned: with O(question=events)
findings:
  description: What is wrong with the ledger, each with C(code), C(sequence) and C(text).
  type: list
  elements: dict
  returned: with O(question=audit)
head:
  description: The end of the ledger - its id as C(ledger), C(sequence) and C(hash).
  type: dict
  returned: with O(question=audit)
accepted_heads:
  description: How many heads of another or an older ledger C(ledger_import) accepted.
  type: int
  returned: with O(question=audit)
unknown:
  description: Why a host did not answer, by host.
  type: dict
  returned: with O(question=audit) and O(question=unrecorded)
count:
  description: How many lines were exported.
  type: int
  returned: with O(question=export)
lines:
  description: The answer for people.
  type: list
  elements: str
  returned: success
"""
