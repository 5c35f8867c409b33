# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which CI job this is, by the variables that CI systems set for their jobs.

Sources: docs.github.com/actions/reference/workflows-and-actions/variables,
docs.gitlab.com/ci/variables/predefined_variables, www.jenkins.io/doc/book/pipeline/jenkinsfile
(BUILD_URL and others), docs.ansible.com/automation-controller (awx_… extra variables).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...module_utils.git import _address

PLAIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d+)?(?:/.*)?", re.I)


class Job(NamedTuple):
    """A job of a CI system, as that names it; what it does not say is ""."""

    system: str
    job: str
    number: str
    url: str
    actor: str
    revision: str


def recognise(environment: Mapping[str, str], variables: Mapping[str, Any]) -> Job | None:
    """Return the Job in the mappings *environment* and Ansible's *variables*, or None.

    Nothing of it is proven: whoever sets the variables says what they like. An address is told
    without what may be secret in it.
    """
    for is_there, system, job, number, url, actor, revision in (
        (
            environment.get("GITHUB_ACTIONS") == "true",
            "GitHub Actions",
            _joined(environment, " / ", "GITHUB_WORKFLOW", "GITHUB_JOB"),
            _joined(environment, ".", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"),
            _github_url(environment),
            environment.get("GITHUB_ACTOR"),
            environment.get("GITHUB_SHA"),
        ),
        (
            environment.get("GITLAB_CI") == "true",
            "GitLab CI",
            _joined(environment, " / ", "CI_PROJECT_PATH", "CI_JOB_NAME"),
            environment.get("CI_JOB_ID"),
            environment.get("CI_JOB_URL"),
            environment.get("GITLAB_USER_LOGIN"),
            environment.get("CI_COMMIT_SHA"),
        ),
        (
            bool(environment.get("JENKINS_URL") and environment.get("BUILD_NUMBER")),
            "Jenkins",
            environment.get("JOB_NAME"),
            environment.get("BUILD_NUMBER"),
            environment.get("BUILD_URL"),
            environment.get("BUILD_USER_ID"),
            environment.get("GIT_COMMIT"),
        ),
        (
            bool(variables.get("awx_job_id") or variables.get("tower_job_id")),
            "AWX",
            _either(variables, "job_template_name"),
            _either(variables, "job_id"),
            "",  # a job is not told the address of its AWX
            _either(variables, "user_name"),
            _either(variables, "project_revision"),
        ),
    ):
        if is_there:
            told = (job, number, _plain(url), actor, revision)
            return Job(system, *(str(value or "") for value in told))
    return None


def _joined(environment: Mapping[str, str], separator: str, *names: str) -> str:
    return separator.join(environment[name] for name in names if environment.get(name))


def _github_url(environment: Mapping[str, str]) -> str:
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    if not all(environment.get(name) for name in names):
        return ""
    server, repository, run = (environment[name] for name in names)
    plain = _plain(server)
    return plain and f"{plain}/{repository}/actions/runs/{run}"


def _plain(url: object) -> str:
    """Return an address without user, password, query and fragment; "" for what is none."""
    url = _address.shown(str(url or ""))
    return url if PLAIN.fullmatch(url) else ""


def _either(variables: Mapping[str, Any], name: str) -> Any:
    return variables.get("awx_" + name) or variables.get("tower_" + name)
