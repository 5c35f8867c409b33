# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that the modules of the ledger share."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of the options in ``module_utils/options/_ledger.py``."""

    DOCUMENTATION = r"""
options:
  ledger:
    description:
      - The ledger on the controller - the path of an SQLite file, or a C(postgresql://) URL.
      - A password in the URL is not shown in messages. Better keep it in C(PGPASSFILE).
    type: str
  env:
    description: The environment of all hosts, such as V(production). By default each host is in the
      first group of O(environments) that it is a member of.
    type: str
  environments:
    description: Names of groups in the inventory that are environments, in their order.
    type: list
    elements: str
    default: [development, test, acceptance, staging, production]
  answers:
    description: The name of the variable in which each host registered the result of
      M(itops.release.release_deployment_info) with C(history).
    type: str
  policy:
    description: C(policy.yml). Its environments are taken in place of O(environments).
    type: path
  variables:
    description: The prefix of the playbook's variables that are the options of this task, so that
      messages name them.
    type: str
  hosts:
    description: The hosts that this is about. By default those of the play.
    type: list
    elements: str
"""
