# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bills of materials made elsewhere: valid ones are read, others are refused by their places."""

from __future__ import annotations

import collections
import json
import os
import pathlib
import subprocess
import sys

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonValidator

from ansible_collections.itops.release.plugins.plugin_utils.evidence import _attachments, _sbom_file

CHECKOUT = pathlib.Path(__file__).resolve().parents[4]
VERSIONS = ("1.2", "1.3", "1.4", "1.5", "1.6", "1.7")
LIBRARY = {"type": "library", "name": "six", "version": "1.17.0"}


def bill(version="1.6", **changes):
    plain = {"bomFormat": "CycloneDX", "specVersion": version, "version": 1}
    return {**plain, "components": [LIBRARY], **changes}


def write(tmp_path, content):
    path = tmp_path / "bom.json"
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    path.write_bytes(data)
    return str(path)


def refused(tmp_path, content):
    path = write(tmp_path, content)
    with pytest.raises(_sbom_file.SbomError) as refusal:
        _sbom_file.read(path)
    line = str(refusal.value)
    assert line.startswith(f"{path}: ")
    assert line.isprintable()
    assert len(line) < 800
    return line.removeprefix(f"{path}: ")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_bill_of_each_version_is_read_and_judged_by_the_schema_of_that(tmp_path, version):
    good = bill(version)
    wrong = bill(version, components=[{**LIBRARY, "type": "spoon"}])

    assert _sbom_file.read(write(tmp_path, good)) == good
    assert JsonValidator(SchemaVersion.from_version(version)).validate_str(json.dumps(good)) is None
    line = refused(tmp_path, wrong)
    assert line.startswith(f"not as the schema of CycloneDX {version} says: components[0].type: ")


def test_all_versions_that_the_library_knows_are_known():
    assert tuple(_sbom_file._schemas().versions) == VERSIONS


def test_what_others_refer_to_is_at_hand(tmp_path):
    licensed = {**LIBRARY, "licenses": [{"license": {"id": "No-Such-Licence"}}]}

    assert "components[0].licenses" in refused(tmp_path, bill(components=[licensed]))
    assert "signature" in refused(tmp_path, bill(signature={"algorithm": 7}))


def test_numbers_that_are_no_integers_are_kept(tmp_path):
    rating = {"id": "CVE-1", "ratings": [{"score": 9.8}]}

    assert _sbom_file.read(write(tmp_path, bill(vulnerabilities=[rating])))["vulnerabilities"] == [
        rating
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<bom/>", "not JSON"),
        (b"\xff", "not JSON"),
        (b'{"a": 1, "a": 2}', "key 'a' is repeated"),
        (b'{"a": NaN}', "number NaN"),
        (b"[" * 100_000, "nested too deep"),
        ([], "it has no bomFormat of CycloneDX; expected CycloneDX in JSON"),
        ({"bomFormat": "x"}, "it has no bomFormat of CycloneDX"),
        ({"spdxVersion": "SPDX-2.3"}, "it is of SPDX; expected CycloneDX in JSON"),
        (bill("1.1"), "specVersion is '1.1'; expected one of 1.2, 1.3, 1.4, 1.5, 1.6, 1.7"),
        (bill("9\x1b"), "specVersion is '9\\x1b'; expected one of"),
        (bill(["1.6"]), "specVersion is ['1.6']"),
        ({**bill(), "version": -1}, "version: -1 is less than the minimum of 1"),
        (bill(components=[LIBRARY, LIBRARY]), "components: an item stands twice"),
        (bill(more="\x1b[2J" * 100), "more"),
    ],
)
def test_what_is_no_bill_is_refused_in_a_line(tmp_path, content, reason):
    assert reason in refused(tmp_path, content)


def test_the_first_places_are_named_and_the_others_counted(tmp_path):
    wrong = [{"type": "library", "name": [f"{number}\x1b" * 100]} for number in range(5)]

    line = refused(tmp_path, bill(components=wrong))

    assert all(f"components[{number}].name: " in line for number in range(3))
    assert line.endswith("; and 2 more")
    good = [{**LIBRARY, "name": str(number)} for number in range(9)]
    line = refused(tmp_path, bill(components=[*good, *wrong[:1], *wrong * 30]))
    assert "components[9].name: " in line
    assert line.endswith("; and many more")


def test_components_within_components_without_end_are_refused(tmp_path):
    deep = LIBRARY
    for _level in range(300):
        deep = {**LIBRARY, "components": [deep]}

    assert "nested too deep" in refused(tmp_path, bill(components=[deep]))


def test_a_bill_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_attachments, "LARGEST_STATEMENT", 50)

    assert refused(tmp_path, bill()) == "larger than 50 bytes"


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(_sbom_file.SbomError, match="bom: No such file or directory; sbom names a"):
        _sbom_file.read(str(tmp_path / "bom"))


def test_twice_as_many_components_take_about_twice_as_many_steps(tmp_path):
    def steps(count):
        path = write(tmp_path, bill(components=[{**LIBRARY, "name": str(n)} for n in range(count)]))
        calls = collections.Counter()
        sys.setprofile(lambda _frame, event, _argument: calls.update([event]))
        try:
            _sbom_file.read(path)
        finally:
            sys.setprofile(None)
        return sum(calls.values())

    steps(10)
    assert steps(200) < 2.5 * steps(100)


def test_nothing_is_imported_before_it_is_needed():
    code = (
        "import sys, ansible_collections.itops.release.plugins.plugin_utils.evidence._attesting;"
        "print({'cyclonedx', 'jsonschema', 'referencing', 'packageurl'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT / ".dev")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "set()"
