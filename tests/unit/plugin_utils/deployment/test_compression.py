# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ssh's compression is left to packs, unless somebody chose the arguments of ssh."""

from __future__ import annotations

import pytest
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.itops.release.plugins.plugin_utils.deployment import _compression


def connection(name="ssh", **variables):
    """Return Ansible's own connection plugin, with its options as a task with *variables* has."""
    plugin = connection_loader.get(name, PlayContext())
    plugin.set_options(var_options=variables)
    return plugin


def test_ansibles_default_is_made_to_compress_nothing():
    plugin = connection()
    assert "-C" in plugin.get_option("ssh_args").split()

    _compression.leave_to_packs(plugin)

    assert plugin.get_option("ssh_args") == "-o ControlMaster=auto -o ControlPersist=60s"


@pytest.mark.parametrize("arguments", ["-C -o ControlMaster=auto -o ControlPersist=60s", "-C", ""])
def test_what_somebody_chose_is_left_alone(arguments):
    plugin = connection(ansible_ssh_args=arguments)

    _compression.leave_to_packs(plugin)

    assert plugin.get_option("ssh_args") == arguments


def test_a_connection_that_is_not_ssh_has_no_such_option():
    _compression.leave_to_packs(connection("local"))
