# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that the modules about plans share."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of the options in ``module_utils/options/_planning.py``."""

    DOCUMENTATION = r"""
options:
  plan:
    description: The file of the plan, on the controller.
    type: path
  policy:
    description: C(policy.yml) of the organisation, on the controller. Set C(release_policy) in the
      inventory - extra variables are refused.
    type: path
  calendar:
    description: C(calendar.yml) of the organisation, on the controller.
    type: path
  ledger:
    description: The ledger on the controller - the path of an SQLite file, or a C(postgresql://)
      URL.
    type: str
  media_library:
    description: The media library. By default C(deploy_media_library) of the plan's hosts.
    type: path
  trust:
    description: The trust file. By default C(deploy_trust) of the plan's hosts.
    type: path
  approvals:
    description: The directory of statements to be signed, with a directory for each plan. Those
      that are signed are taken into the ledger.
    type: path
  key:
    description: An SSH key of the person who acts - the private key, or the public key of one that
      an ssh-agent holds. By default C(~/.ssh/id_ed25519), if it is a key of a person in O(policy).
    type: path
  env:
    description: The environment.
    type: str
  reason:
    description: The reason, in a line.
    type: str
  variables:
    description: The prefix of the playbook's variables that are the options of this task, so that
      messages name them.
    type: str
"""
