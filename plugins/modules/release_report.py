#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_report
short_description: Write pages about releases, plans and hosts
description:
  - Writes static pages to a directory - C(index.html) with what needs attention, what is live,
    the next 14 days, the last runs and measures; a page for each plan, and one for each host.
  - The pages need no server and no script. Markdown and JSON are written beside them.
  - Pages that would not change are not written.
  - Works on the controller, and asks no host.
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
  pages:
    description: The directory for the pages. It is made where it is missing.
    type: path
  calendar:
    description: C(calendar.yml), for windows and freezes ahead, and for the time zone of the pages.
    type: path
  media_library:
    description: The media library, for components and evidence on the pages of plans.
    type: path
  trust:
    description: The trust file. Without it, signatures and evidence are listed and not verified.
    type: path
  record:
    description: The record of the callback P(itops.release.metrics#callback), from which pages tell
      where the time of a run went.
    type: path
  required:
    description: Whether the task fails where pages cannot be written. Else that is a warning.
    type: bool
    default: true
seealso:
  - module: itops.release.release_ledger_info
"""

EXAMPLES = r"""
- name: Write the pages
  itops.release.release_report:
    ledger: /srv/release/ledger.db
    pages: /srv/release/pages
    policy: policy.yml
    calendar: calendar.yml
"""

RETURN = r"""
index:
  description: The path of C(index.html).
  type: str
  returned: success
pages:
  description: How many pages there are.
  type: int
  returned: success
written:
  description: How many of them were written, or would be.
  type: int
  returned: success
"""
