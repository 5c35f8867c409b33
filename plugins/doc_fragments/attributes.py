# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all modules say about themselves in the same words."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and return the status prediction without modifying anything.
  diff_mode:
    description: Returns details on what has changed, or would change, when run in diff mode.
  async:
    description: Can be run with the C(async) keyword of a task.
  platform:
    description: Target OS or families that can be operated against.
  action_group:
    description: Use C(group/itops.release.release) in C(module_defaults) to set options for all
      modules at once.
    support: full
    membership:
      - itops.release.release
"""
