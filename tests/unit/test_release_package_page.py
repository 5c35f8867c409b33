# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/release-package.md tells every field of a release package, and none that is not there."""

import re
from pathlib import Path

import pytest

from ansible_collections.itops.release.plugins.module_utils.building import _record
from ansible_collections.itops.release.plugins.module_utils.release import _manifest
from ansible_collections.itops.release.plugins.plugin_utils.definition import _release_file
from ansible_collections.itops.release.plugins.plugin_utils.evidence import (
    _attachments,
    _provenance,
    _sbom,
    _signatures,
    _statement,
)
from ansible_collections.itops.release.plugins.plugin_utils.library import _catalogue, _store
from ansible_collections.itops.release.plugins.plugin_utils.notes import _build_note
from ansible_collections.itops.release.plugins.plugin_utils.oci import _index

ROOT = Path(__file__).resolve().parents[2]
RECORD = {
    "run": "ada@build1.1",
    "release": {"name": "shop", "version": "1.0.0", "serial": 1},
    "definition": {"path": "release.yml", "sha256": "ab" * 32},
    "started": "2026-01-02T00:00:00Z",
    "ended": "2026-01-02T00:01:00Z",
    "builder": {"host": "build1", "user": "ada", "versions": {}},
    "ci": None,
    "tools": [],
    "environment": {},
    "components": [],
}
PAGE = (ROOT / "docs/release-package.md").read_text()


def words(section):
    """Return what stands as code in the tables of a section of the page."""
    text = re.split(rf"^##+ {section}$", PAGE, flags=re.MULTILINE)[1]
    text = re.split(r"^##+ ", text, flags=re.MULTILINE)[0]
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("|")]
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize(
    ("section", "fields"),
    [
        ("The manifest", {"format", *_manifest.Manifest._fields, *_manifest.ABOUT_RELEASE}),
        ("A component", {*_manifest.Component._fields, *_manifest.ABOUT_COMPONENT}),
        ("An entry", set(_manifest.Entry._fields)),
        ("The record of a build", set(_record.KEYS)),
    ],
)
def test_the_page_has_each_field_and_no_other(section, fields):
    assert words(section) == fields - {"about"}


@pytest.mark.parametrize(
    "text",
    [
        _sbom.PREDICATE_TYPE,
        _build_note.PREDICATE_TYPE,
        _catalogue.COMPONENT_NAME,
        _catalogue.SERIAL,
        _catalogue.TITLE,
        _catalogue.VERSION,
        _attachments.ARTIFACT_TYPE,
        _attachments.PREDICATE_NOTE,
        _index.CREATED,
        _index.PINNED,
        _index.RELEASE_TYPE,
        _index.TAG,
        _store.COMPONENT_TYPE,
        _store.MANIFEST_TYPE,
        _provenance.BUILD_TYPE,
        _provenance.PREDICATE_TYPE,
        _signatures.KEY_NOTE,
        _signatures.ROLE_NOTE,
        _statement.PREDICATE_TYPE,
        *sorted(_record.COMPONENT_KEYS),  # in one order in all processes
    ],
)
def test_the_page_has_each_type_and_annotation(text):
    assert f"`{text}`" in PAGE


def test_the_page_has_what_a_release_may_ask_of_hosts_and_which_scripts_it_may_have():
    properties = _release_file.schema()["properties"]
    for name in ("requires_hosts", "scripts"):
        for key in properties[name]["properties"]:
            assert f"`{key}`" in PAGE


def test_the_page_has_each_field_of_provenance():
    plain = _provenance.predicate(RECORD)
    for group, fields in plain.items():
        for field in fields:
            assert f"`{group}.{field}`" in PAGE
