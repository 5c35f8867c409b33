# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.ledger import _actor, _event

GITLAB = {"GITLAB_CI": "true", "CI_JOB_ID": "17", "GITLAB_USER_LOGIN": "ada"}


@pytest.mark.parametrize(
    ("variables", "environment", "name", "strength"),
    [
        ({"awx_job_id": 7, "awx_user_name": "ada"}, {}, "ada (AWX 7)", "awx"),
        ({"awx_job_id": 7}, {}, "(AWX 7)", "awx"),  # a schedule has no user
        ({}, GITLAB, "ada (GitLab CI 17)", "claimed"),
        ({}, {**GITLAB, "GITLAB_USER_LOGIN": "ada\nroot"}, "ada\\nroot (GitLab CI 17)", "claimed"),
    ],
)
def test_a_job_is_its_system_s_and_its_user_s(variables, environment, name, strength):
    assert _actor.of_run(variables, environment) == _event.Actor(name, strength)
    assert strength in _event.STRENGTHS


def test_else_it_is_a_user_of_this_machine(monkeypatch):
    monkeypatch.setattr(_actor._identity, "user_name", lambda: "ada")
    monkeypatch.setattr(_actor.socket, "gethostname", lambda: "control")

    assert _actor.of_run({}, {}) == _event.Actor("ada@control", "claimed")
