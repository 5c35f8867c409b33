# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``releases_beside``: what is live on hosts, out of what they answered."""

from __future__ import annotations

DOCUMENTATION = r"""
name: releases_beside
short_description: Report what is live beside a deployment, and on which hosts that is unknown
description:
  - Makes the value of O(itops.release.release_deployment#module:beside) from what
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
      - What P(itops.release.hosts_beside#filter) lists, with C(tell_slips). Each host and root
        there that has no result is unknown.
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
  description:
    - A mapping for each of the hosts, as P(itops.release.environment_state#filter) has it in
      C(hosts), with what is live, what is on trial, and what the one that serves declares.
  type: list
  elements: dict
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..plugin_utils.environment import _answers


def releases_beside(
    results: Iterable[Mapping[str, Any]], asked: Iterable[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Return what serves on the hosts of *results*, and which of those *asked* are unknown."""
    state = _answers.from_loop(results, asked)
    return [there.only_serving().to_plain() for there in state.hosts]


class FilterModule:
    """What Ansible asks a file of filters for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"releases_beside": releases_beside}
