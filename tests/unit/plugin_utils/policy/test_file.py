# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""policy.yml: what is read, and how a mistake in it is reported."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
import yaml

from ansible_collections.itops.release.plugins.module_utils.errors._release_error import (
    ReleaseError,
)
from ansible_collections.itops.release.plugins.plugin_utils.policy import _file
from ansible_collections.itops.release.tests.fakes import plans
from ansible_collections.itops.release.tests.fakes.plans import POLICY, changed

KEY = plans.public_key("other")


def test_a_policy_has_people_and_environments_in_order():
    policy = plans.policy()

    assert policy.names() == ("test", "staging", "production")
    assert policy.people["ada"].roles == ("release_manager", "operations")
    assert policy.environment("production").approvals == {"operations": 1, "product": 1}
    assert policy.environment("production").strength == "signed"
    assert policy.holder(f"{plans.KEYS['ben'].rpartition(' ')[0]} somebody").id == "ben"
    assert policy.holder(KEY) is None
    assert policy.expires == timedelta(days=30)


@pytest.mark.parametrize(
    ("path", "values", "expected"),
    [
        ((), {"people": None}, "people is missing"),
        ((), {"peple": {}}, "peple: no such key"),
        (("people", "ada"), {"keys": ["ssh-dss"]}, "people.ada.keys[0]: not a public key"),
        (("people", "ada"), {"keys": ["ssh-ed25519 AAAA… ada"]}, "not a public key"),
        (("people", "ada"), {"keys": [KEY.replace(" other", "")[:-4]]}, "not a public key"),
        (("people", "ada"), {"keys": [KEY.replace("ed25519", "rsa", 1)]}, "not a public key"),
        (("people", "ben"), {"os_user": "ada"}, "people.ben.os_user: ada has the same"),
        (("people", "ben"), {"keys": [plans.KEYS["ada"]]}, "people.ben.keys: ada has the same"),
        (("environments", "production"), {"approvals": {"boss": 1}}, "no person has the role boss"),
        (("environments", "production"), {"strength": "weak"}, "one of signed, awx, claimed"),
        (("environments", "production"), {"networks": ["10.0.0.5/8"]}, "networks[0]"),
        (("environments", "staging"), {"promote_from": ["production"]}, "is not before staging"),
        (("override",), {"signatures": ["operations"]}, "signatures can never be overridden"),
        (("override",), {"plan": ["operations"]}, "plan can never be overridden"),
        (("override",), {"lease": ["operations"]}, "lease can never be overridden"),
        (("override",), {"windows": ["operations"]}, "windows is not a gate"),
        (("override",), {"window": ["boss"]}, "no person has the role boss"),
        ((), {"changes": ["boss"]}, "no person has the role boss"),
        (("emergency",), {"within": "soon"}, "emergency.within"),
        ((), {"gates": {"window": {"command": ["true"]}}}, "a built-in gate has this name"),
        ((), {"gates": {"own": {}}}, "expected a command or a url"),
        ((), {"gates": {"own": {"url": "http://example.org"}}}, "expected https://"),
        ((), {"gates": {"own": {"command": ["x"], "timeout": "1h"}}}, "10m at most"),
        ((), {"gates": {"own": {"command": ["x"], "environments": ["moon"]}}}, "not in env"),
    ],
)
def test_a_mistake_is_reported_with_file_line_and_key(path, values, expected):
    with pytest.raises(ReleaseError) as caught:
        plans.policy(changed(POLICY, *path, **values))

    assert str(caught.value).startswith("policy.yml:")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_role_that_nobody_has_is_refused_where_it_ratifies():
    with pytest.raises(ReleaseError, match="no person has the role boss"):
        plans.policy(changed(POLICY, "emergency", ratify={"boss": 1}))


@pytest.mark.parametrize(
    ("key", "day", "expected"),
    [
        ({"not_after": "2026-12-01"}, 1, ""),
        ({"not_after": "2026-12-01"}, 2, "the key expired on 2026-12-02"),
        ({"not_before": "2026-12-02"}, 1, "the key is valid from 2026-12-02"),
        ({"not_before": "2026-12-02"}, 2, ""),
        ({"revoked": True}, 1, "the key is revoked"),
    ],
)
def test_a_key_counts_in_its_time_unless_it_is_revoked(key, day, expected):
    policy = plans.policy(changed(POLICY, "people", "ben", keys=[{"key": KEY, **key}]))
    at = datetime(2026, 12, day, 12, tzinfo=timezone.utc)

    assert policy.people["ben"].keys[0].why_not(at) == expected


def test_two_texts_have_two_digests():
    text = yaml.safe_dump(POLICY)

    assert _file.parse(text, "p").digest != _file.parse(text + "# \n", "p").digest


def test_a_missing_file_is_reported_with_its_variable(tmp_path):
    with pytest.raises(ReleaseError, match=r"^release_policy: .*policy.yml: No such file"):
        _file.read(str(tmp_path / "policy.yml"))


@pytest.mark.parametrize(
    "url",
    [
        "mailto://smtp.example.org:587?from=releases@example.org",
        "mailtos://ada:{{ vault_password }}@smtp.example.org",
        "json://ada@hooks.example.org:8080/a:b@c",
        "{{vault_url}}",
    ],
)
def test_a_channel_may_have_variables(url):
    assert plans.policy(changed(POLICY, channels={"chat": url})).channels == {"chat": url}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mailtos://ada:s3cret@smtp.example.org", "channels.chat: it has a password; expected {{"),
        ("json://{{ user }}:s3cret@example.org", "it has a password"),
        ("{{ lookup('pipe', 's3cret') }}", "channels.chat: expected {{ variable }}"),
        ("{% s3cret %}", "expected {{ variable }}"),
        ("json://{{ a.s3cret }}", "expected {{ variable }}"),
        ("", "channels.chat: "),
    ],
)
def test_a_channel_with_a_password_or_other_templates_is_refused(url, expected):
    with pytest.raises(ReleaseError) as caught:
        plans.policy(changed(POLICY, channels={"chat": url}))

    assert expected in str(caught.value)
    assert str(caught.value).startswith("policy.yml:")
    assert "s3cret" not in str(caught.value)
