# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``releases_beside``: what is live on hosts, out of what they answered."""

from __future__ import annotations

DOCUMENTATION = r"""
name: releases_beside
short_description: Tell what is live beside a deployment, and of which hosts that is not known
description:
  - Makes the option O(itops.release.release_deployment#module:beside) of what
    M(itops.release.release_deployment_info) answered with C(declared), in a task with a loop over
    what P(itops.release.hosts_beside#filter) lists.
  - What is on trial there counts as live, because it serves.
version_added: 0.1.0
author: The itops.release authors (@itops)
positional: asked
options:
  _input:
    description: The results of such a loop.
    type: list
    elements: dict
    required: true
  asked:
    description:
      - What P(itops.release.hosts_beside#filter) lists, with C(tell_slips). Of each host and root
        there that has no result it is told that nobody knows.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Deploy what works beside the others
  itops.release.release_deployment:
    root: /srv/web
    release: shop-web:2.4.0
    media_library: /srv/media
    beside: "{{ answers.results | itops.release.releases_beside }}"
"""

RETURN = r"""
_value:
  description: What is live on each host.
  type: list
  elements: dict
"""

from ..plugin_utils.compatibility import _beside


class FilterModule:
    """What Ansible asks a file of filters for."""

    def filters(self):
        return {"releases_beside": _beside.from_answers}
