# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extra variables that would redirect a run are refused; all others are not."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.adapter import _play
from ansible_collections.itops.release.plugins.plugin_utils.gates import _redirection
from ansible_collections.itops.release.plugins.plugin_utils.gates._sources import GateError

INVENTORY = {
    "release_policy": "{{ site }}/policy.yml",
    "site": "{{ base | default('/srv') }}/{{ inventory_dir }}",
    "release_ledger": "/srv/zone/ledger.db",
    "release_calendar": "{{ a }}",
    "deploy_trust": "{{ places.trust }}",
    "places": {"trust": ["{{ deep }}/trust.yml"]},
    "a": "{{ b }}",
    "b": "{{ a }}",  # a circle ends
}


def test_what_may_be_given_for_a_run_is_not_part_of_a_plan():
    assert set(_redirection.OF_A_RUN) == set(_play.NOT_FIXED)


@pytest.mark.parametrize(
    ("name", "with_plan", "is_refused"),
    [
        ("release_policy", False, True),
        ("release_ledger", False, True),
        ("deploy_trust", False, True),
        ("inventory_dir", False, True),
        ("__release_gated", False, True),
        ("__deploy_steps", False, True),
        ("site", False, True),
        ("base", False, True),
        ("b", False, True),
        ("deep", False, True),
        ("zone", False, False),  # a folder's name, and no variable
        ("release_plan", True, False),
        ("release_env", True, False),
        ("release_reason", True, False),
        ("ansible_user", True, False),
        ("ansible_become_password", True, False),
        ("awx_job_id", True, False),
        ("deploy_release", True, False),
        ("deploy_hosts", True, False),
        ("deploy_root", False, True),
        ("verify_hooks", False, True),
        ("rollback_trust", False, False),
        ("deploy_probe", False, False),
        ("deploy_probe", True, True),
        ("deploy_serial", True, True),
        ("ansible_host", False, True),
        ("ansible_port", False, True),
        ("ansible_python_interpreter", False, True),
        ("ansible_become_exe", False, True),
        ("ansible_host", True, True),
        ("ansible_connection", True, True),
        ("ansible_ssh_args", True, True),
        ("ansible_ssh_common_args", True, True),
        ("ansible_ssh_executable", True, True),
        ("ansible_ssh_private_key_file", True, False),
    ],
)
def test_what_would_redirect_a_run_is_refused(name, with_plan, is_refused):
    if not is_refused:
        _redirection.refuse({name: "x"}, INVENTORY, with_plan)
        return
    with pytest.raises(GateError, match=f"^{name}: not by --extra-vars") as caught:
        _redirection.refuse({name: "x"}, INVENTORY, with_plan)
    assert caught.value.code == "redirected"
