# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CI jobs are recognised by the variables of their systems."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.run import _ci

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_WORKFLOW": "Release",
    "GITHUB_JOB": "build",
    "GITHUB_RUN_ID": "7",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "example/shop",
    "GITHUB_ACTOR": "ada",
    "GITHUB_SHA": "4f" * 20,
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_PROJECT_PATH": "example/shop",
    "CI_JOB_NAME": "build",
    "CI_JOB_ID": "7",
    "CI_JOB_URL": "https://gitlab.example.org/example/shop/-/jobs/7",
    "GITLAB_USER_LOGIN": "ada",
    "CI_COMMIT_SHA": "4f" * 20,
}
JENKINS = {
    "JENKINS_URL": "https://ci.example.org/",
    "JOB_NAME": "shop/main",
    "BUILD_NUMBER": "7",
    "BUILD_URL": "https://ci.example.org/job/shop/7/",
    "GIT_COMMIT": "4f" * 20,
}
AWX = {"job_id": 7, "job_template_name": "Build shop", "user_name": "ada", "project_revision": "4f"}


@pytest.mark.parametrize(
    ("environment", "variables", "job"),
    [
        (
            GITHUB,
            {},
            (
                "GitHub Actions",
                "Release / build",
                "7.2",
                "https://github.com/example/shop/actions/runs/7",
                "ada",
                "4f" * 20,
            ),
        ),
        (
            GITLAB,
            {},
            ("GitLab CI", "example/shop / build", "7", GITLAB["CI_JOB_URL"], "ada", "4f" * 20),
        ),
        (JENKINS, {}, ("Jenkins", "shop/main", "7", JENKINS["BUILD_URL"], "", "4f" * 20)),
        (
            {},
            {"awx_" + key: value for key, value in AWX.items()},
            ("AWX", "Build shop", "7", "", "ada", "4f"),
        ),
        (
            {},
            {"tower_" + key: value for key, value in AWX.items()},
            ("AWX", "Build shop", "7", "", "ada", "4f"),
        ),
        ({"GITHUB_ACTIONS": "true"}, {}, ("GitHub Actions", "", "", "", "", "")),
    ],
)
def test_a_job_is_recognised(environment, variables, job):
    assert _ci.recognise(environment, variables) == job


@pytest.mark.parametrize(
    "environment", [{}, {"CI": "true"}, {"BUILD_NUMBER": "7"}, {"JENKINS_URL": "https://x"}]
)
def test_what_is_no_job_is_none(environment):
    assert _ci.recognise(environment, {"awx_job_id": ""}) is None


@pytest.mark.parametrize("who", ["bob:s3cr3t@", "s3cr3t@", "bob:s3@cr3t@", "bob:s3#cr3t@"])
@pytest.mark.parametrize("asked", ["", "?token=s3cr3t", "#s3cr3t"])
@pytest.mark.parametrize(
    ("environment", "address", "variables"),
    [
        (GITHUB, "GITHUB_SERVER_URL", {}),
        (GITLAB, "CI_JOB_URL", {}),
        (JENKINS, "BUILD_URL", {}),
        ({}, "", {"awx_" + key: value for key, value in AWX.items()}),
    ],
)
def test_no_secret_of_an_address_is_in_a_job(environment, address, variables, who, asked):
    plain = _ci.recognise(environment, variables)
    secret = environment.get(address, "").replace("://", "://" + who) + asked

    assert _ci.recognise({**environment, address: secret}, variables) == plain


@pytest.mark.parametrize("url", ["bob:s3cr3t@ci", "https://bob:s3/cr3t@ci/7", "https://", "7"])
def test_what_is_no_address_is_left_out(url):
    assert _ci.recognise({**JENKINS, "BUILD_URL": url}, {}).url == ""
    assert _ci.recognise({**GITHUB, "GITHUB_SERVER_URL": url}, {}).url == ""
