# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.module_utils.options import _deployment
from ansible_collections.itops.release.plugins.plugin_utils.adapter import _conversion

SPEC = _deployment.options()
ROOT = {"root": "/srv/shop"}


def convert(prefix="deploy_", **given):
    return _conversion.convert(SPEC, {**ROOT, **given}, prefix)


@pytest.mark.parametrize("blank", ["", " ", "\n", None])
@pytest.mark.parametrize("name", sorted(set(SPEC) - {"root"}))
def test_what_a_survey_leaves_empty_is_not_given(name, blank):
    assert name not in convert(**{name: blank})


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("keep", "5", 5),
        ("keep", " 5\n", 5),
        ("commit", "no", False),
        ("commit", "yes\n", True),
        ("verify", "True", True),
        ("linked_paths", "log/, config.ini", ["log/", "config.ini"]),
        ("linked_paths", '["log/"]', ["log/"]),
        ("restart", '["systemctl", "restart", "shop"]', ["systemctl", "restart", "shop"]),
        ("restart", "systemctl, restart, shop", ["systemctl", "restart", "shop"]),
        ("access", "group ", "group"),
        ("restart", "/usr/bin/restart-shop", ["/usr/bin/restart-shop"]),
        (
            "probe",
            '{"url": "http://127.0.0.1/", "status": "200"}',
            [{"url": "http://127.0.0.1/", "status": [200]}],
        ),
        ("probe", "url: http://127.0.0.1/", [{"url": "http://127.0.0.1/"}]),
        (
            "probe",
            "- {unit: shop, count: '3'}\n- command: [curl, -f]\n  observe: yes",
            [{"unit": "shop", "count": 3}, {"command": ["curl", "-f"], "observe": True}],
        ),
        ("probe", ['{"tcp": "127.0.0.1:80"}'], [{"tcp": "127.0.0.1:80"}]),
        ("probe", {"command": "/usr/bin/check, -f, "}, [{"command": ["/usr/bin/check", "-f", ""]}]),
        (
            "probe",
            {"url": "http://x/", "json": {"path": "a.0", "equals": True}, "headers": {"A": 1}},
            [{"url": "http://x/", "json": {"path": "a.0", "equals": True}, "headers": {"A": 1}}],
        ),
        ("baseline", "yes", True),
        ("release", 1.0, "1.0"),
        ("release", "shop:1.0 \n", "shop:1.0"),
        ("linked_paths", "log/, ", ["log/"]),
        (
            "probe",
            {"url": "http://x/", "contains": " ok\n"},
            [{"url": "http://x/", "contains": " ok\n"}],
        ),
    ],
)
def test_text_of_surveys_becomes_what_is_meant(name, value, wanted):
    assert convert(**{name: value})[name] == wanted


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("keep", "five", "keep (deploy_keep): 'five' is not a whole number"),
        ("commit", "maybe", "commit (deploy_commit): 'maybe' is not yes or no"),
        (
            "restart",
            "systemctl restart x",
            "restart (deploy_restart) is not a list of arguments: write [systemctl, restart, shop]",
        ),
        ("access", "all", "access (deploy_access): 'all' is not one of public, group"),
        ("hooks", "x.yml", "hooks (deploy_hooks): 'x.yml' is not a mapping"),
        (
            "probe",
            {"urll": "x"},
            "probe.urll (deploy_probe.urll) is not an option: did you mean url?",
        ),
        (
            "probe",
            {"url": "http://x/", "retries": "many"},
            "probe.retries (deploy_probe.retries) is not a whole number",
        ),
        (
            "probe",
            [{"unit": "shop"}, {"url": "http://x/", "count": "many"}],
            "probe[1].count (deploy_probe[1].count) is not a whole number",
        ),
        (
            "probe",
            [{"command": "curl -f http://x/"}],
            "probe[0].command (deploy_probe[0].command) is not a list of arguments: "
            "write [systemctl, restart, shop]",
        ),
        (
            "probe",
            {"url": "http://x/", "json": {"path": "a"}},
            "probe.json.equals (deploy_probe.json.equals) is required",
        ),
        ("probe", "http://x/", "probe (deploy_probe) is not a list of mappings"),
        (
            "hooks",
            {"after_comit": "x"},
            "hooks.after_comit (deploy_hooks.after_comit) is not an option: "
            "did you mean after_commit?",
        ),
    ],
)
def test_a_value_that_cannot_be_is_refused_in_the_name_of_the_variable(name, value, line):
    with pytest.raises(_conversion.OptionError) as caught:
        convert(**{name: value})

    assert str(caught.value) == line
    assert caught.value.code == "invalid_option"


@pytest.mark.parametrize(
    "given",
    [
        {"restart": "deployctl --token s3cr3t restart"},
        {"restart": ["deployctl", {"token": "s3cr3t"}]},
        {"probe": "https://user:s3cr3t@host/"},
        {"probe": "http://user:s3cr3t@host/?token=s3cr3t"},
        {"probe": {"http://user:s3cr3t@host/": 1}},
        {"probe": {"url": ["https://user:s3cr3t@host/"]}},
        {"probe": {"command": ["check", {"token": "s3cr3t"}]}},
        {"probe": ["http://user:s3cr3t@host/?token=s3cr3t"]},
        {"probe": "- url: http://user:s3cr3t@host/\n- s3cr3t"},
        {"probe": "url: 'http://user:s3cr3t@host/"},
        {"probe": [{"url": "http://x/", "headers": "Authorization=s3cr3t"}]},
        {"probe": [{"url": "http://x/", "headers": ["s3cr3t"]}]},
    ],
    ids=str,
)
def test_no_message_shows_what_may_be_secret(given):
    with pytest.raises(_conversion.OptionError) as caught:
        convert(**given)

    assert "s3cr3t" not in str(caught.value)


def test_a_root_ends_where_its_name_ends():
    """Else a text of several lines would make a second root beside the first."""
    assert convert(root="/srv/shop \n")["root"] == "/srv/shop"


def test_without_a_role_the_option_is_named():
    with pytest.raises(_conversion.OptionError, match=r"^keep: 'five' is"):
        convert(prefix="", keep="five")


def test_what_is_required_is_named():
    with pytest.raises(_conversion.OptionError, match=r"^root \(deploy_root\) is required$"):
        _conversion.convert(SPEC, {"root": " "}, "deploy_")


def test_a_variable_that_is_almost_an_option_is_told():
    options = ("keep", "keep_days", "root")
    variables = {"deploy_keeps": 3, "deploy_user": "me", "other_keep": 1, "deploy_root": "/srv"}

    assert _conversion.near_misses(options, variables, "deploy_") == [
        "variable deploy_keeps is not used: did you mean deploy_keep?"
    ]
    assert _conversion.near_misses(options, {"keeps": 3}, "") == []
