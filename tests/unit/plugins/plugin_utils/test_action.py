# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions share: how a run is named, where packs are kept, what the host's half gets."""

from __future__ import annotations

import os
import pwd
import re

import pytest

from ansible_collections.itops.release.plugins.plugin_utils import _action


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"awx_job_id": 7}, "AWX job 7"),
        ({"tower_job_id": "8"}, "AWX job 8"),
        ({"awx_job_id": "7", "tower_job_id": "8"}, "AWX job 7"),
    ],
)
def test_a_run_of_awx_is_named_by_its_job(variables, name):
    assert _action.run_name(variables) == name


def test_another_run_is_named_by_user_machine_and_process(monkeypatch):
    monkeypatch.setenv("LOGNAME", "olga")

    assert re.fullmatch(rf"olga@\S+ pid {os.getppid()}", _action.run_name({"awx_job_id": ""}))


def test_a_run_is_named_although_its_user_has_no_name(monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)

    def nobody(uid):
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)

    assert _action.run_name({}).startswith(f"uid {os.getuid()}@")


def test_packs_are_kept_in_the_users_cache(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/tmp/cache")
    assert _action.cache_directory() == "/var/tmp/cache/itops-release/packs"

    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", "/home/olga")
    assert _action.cache_directory() == "/home/olga/.cache/itops-release/packs"


def test_an_option_left_out_is_left_out_for_the_host_too():
    given = {"a": 0, "b": None, "c": False, "d": [], "probe": {"url": "u", "command": None}}

    assert _action.to_module(given) == {"a": 0, "c": False, "d": [], "probe": {"url": "u"}}
