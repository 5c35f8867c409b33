# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``trust.yml``: what it says, or one line with file, line, key and expectation."""

from __future__ import annotations

import sys
from datetime import datetime, timezone

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.definition import _schema_file
from ansible_collections.itops.release.plugins.plugin_utils.evidence import _trust
from ansible_collections.itops.release.tests.fakes.signing import public_key, public_line

GOOD = f"""\
format: 1
roles:
  build:
    keys:
      - key: {public_line(1)}
  release:
    threshold: 2
    keys:
      - key: {public_line(2)}
        name: Ops, the first
        not_before: 2026-01-01
        not_after: "2026-12-31"
      - key: {public_line(3).removesuffix(" key3")}
        not_after: 2027-01-01T12:00:00Z
deploy: [build, release]
"""


def parse(old="", new=""):
    assert not old or GOOD.count(old) == 1
    return _trust.parse(GOOD.replace(old, new) if old else GOOD, "trust.yml")


def utc(*numbers):
    return datetime(*numbers, tzinfo=timezone.utc)


def test_roles_keys_dates_and_demands_are_read():
    trust = parse()

    assert trust.deploy == ("build", "release")
    assert trust.roles["build"].threshold == 1
    assert trust.roles["build"].keys == (_trust.TrustedKey(public_key(1), "key1", None, None),)
    assert trust.roles["release"].threshold == 2
    assert trust.roles["release"].keys == (
        _trust.TrustedKey(
            public_key(2), "Ops, the first", utc(2026, 1, 1), utc(2026, 12, 31, 23, 59, 59)
        ),
        _trust.TrustedKey(public_key(3), public_key(3).fingerprint, None, utc(2027, 1, 1, 12)),
    )
    assert set(trust.public_keys) == {public_key(number) for number in (1, 2, 3)}


def test_a_file_that_is_well_needs_no_library_for_schemas(monkeypatch):
    monkeypatch.setitem(sys.modules, "jsonschema", None)

    parse()

    with pytest.raises(_schema_file.MissingLibrary):
        parse("format: 1", "format: 2")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("format: 1", "format: yes", "1: format: true does not fit; expected one of 1"),
        ("format: 1", "format: 2", "1: format: 2 does not fit; expected one of 1"),
        ("format: 1\n", "", "1: the file: format is missing; expected format: The form of"),
        ("deploy: [build, release]", "", "1: the file: deploy is missing"),
        (
            "deploy: [build, release]",
            "deploy: []",
            "15: deploy: [] does not fit; expected at",
        ),
        (
            "deploy: [build, release]",
            "deploy: [approval]",
            "15: deploy[0]: .*expected one of build",
        ),
        ("  build:\n", "  builder:\n", "3: roles.builder: no such key; expected one of build"),
        (
            "  build:\n",
            "  approval:\n",
            "15: deploy[0]: no role build stands in roles; exp",
        ),
        (
            "threshold: 2",
            "threshold: 0",
            "7: roles.release.threshold: 0 does not fit; exp",
        ),
        ("threshold: 2", "threshold: yes", "7: roles.release.threshold: true does not fit"),
        (
            "threshold: 2",
            "threshold: 3",
            "7: roles.release.threshold: 3 of 2 keys; expected no",
        ),
        (
            public_line(1),
            "ssh-rsa AAAA",
            "5: roles.build.keys[0].key: a key of type 'ssh-rsa'",
        ),
        (public_line(1), "nonsense", "5: roles.build.keys[0].key: not a public key in"),
        (public_line(1), '""', '5: roles.build.keys[0].key: "" does not fit'),
        ("name: Ops, the first", 'name: "a\\nb"', "10: roles.release.keys[0].name: "),
        ("name: Ops, the first", "names: x", "10: roles.release.keys[0].names: no such key"),
        ("2026-01-01", "1.1.2026", "11: roles.release.keys[0].not_before: .*The first day on"),
        ("2026-01-01", "2026-02-30", "11: .*not_before: there is no 2026-02-30; expected a date"),
        ("2026-01-01", "2026-13-01T00:00:00Z", "11: .*not_before: there is no 2026-13-01T"),
        ("2026-01-01", "2027-01-01", "12: .*not_after: it ends before it begins; expected a date"),
        (
            public_line(3).removesuffix(" key3"),
            public_line(2).replace("key2", "another name"),
            "13: roles.release.keys[1].key: this key stands twice in the role; expected it once",
        ),
    ],
)
def test_what_is_wrong_is_told_with_file_line_key_and_expectation(old, new, reason):
    with pytest.raises(_trust.TrustError) as caught:
        parse(old, new)

    said = str(caught.value)
    assert said.startswith("trust.yml:")
    assert "\n" not in said
    before, _any, after = reason.partition(".*")
    assert said.removeprefix("trust.yml:").startswith(before)
    assert after in said


@pytest.mark.parametrize("text", ["", "[]", "x", "{", "format: 1\nformat: 1", "a: &a [*a]"])
def test_what_is_no_such_file_is_refused(text):
    with pytest.raises(_trust.TrustError, match=r"^trust\.yml:\d+: "):
        _trust.parse(text, "trust.yml")


def test_a_file_that_is_not_utf8_is_told_by_its_line(tmp_path):
    path = tmp_path / "trust.yml"
    path.write_bytes(b"format: 1\n# \xff\n")

    with pytest.raises(_trust.TrustError, match=f"^{path}:2: not UTF-8"):
        _trust.read(str(path))


def test_a_trust_file_that_is_not_there_is_told_with_the_option_that_names_it(tmp_path):
    with pytest.raises(_trust.TrustError) as refused:
        _trust.read(str(tmp_path / "none.yml"))

    assert str(refused.value) == (
        f"{tmp_path}/none.yml: No such file or directory; trust (deploy_trust in the role) names a "
        "file on the controller that says whose signatures a release needs"
    )
