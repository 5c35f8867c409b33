# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build hosts: what one answers is believed only as far as it has the form of an answer."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.module_utils.building import _record
from ansible_collections.itops.release.plugins.module_utils.formats import _codec
from ansible_collections.itops.release.plugins.module_utils.release import _layer, _manifest
from ansible_collections.itops.release.plugins.plugin_utils.building import _source_hosts
from ansible_collections.itops.release.plugins.plugin_utils.definition import _release_file
from ansible_collections.itops.release.tests.fakes.estate import RULES

SCRIPT = {"path": "a", "sha256": "0" * 64}


def host(answer, **files):
    """Return a BuildHost that answers all with *answer*, and has *files* to be fetched."""

    def fetch(there, path):
        with open(path, "wb") as stream:
            stream.write(files.get(there.rpartition("/")[2].partition(".")[0], b""))

    return _source_hosts.BuildHost("/src", "release.yml", "/ws", "/tmp/x/", lambda _: answer, fetch)


@pytest.mark.parametrize(
    "scripts", [None, [], "text", {"hooks": [{**SCRIPT, "path": "/a"}]}, {"../": [SCRIPT]}]
)
def test_scripts_of_another_form_are_refused(scripts):
    with pytest.raises(_manifest.ManifestError):
        host({"scripts": scripts}).scripts([("hooks", ["*"])])


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b'{"format": 2}', b'{"format": 1}', b'{"format": 1, "components": 1}'],
)
def test_a_record_of_another_form_is_refused(data):
    with pytest.raises(_record.RecordError, match=r"^/ws/build\.json "):
        host({}, build=data).record()


@pytest.mark.parametrize("entries", [b"", b"[1]", b'[{"path": "../a", "type": "dir"}]'])
def test_entries_of_another_form_are_refused(tmp_path, entries):
    source = _release_file.ComponentSource("app", "1", "files", ".", ".", **RULES)

    with pytest.raises((_source_hosts.BuildHostError, _manifest.ManifestError)):
        host({"codec": "gzip"}, entries=entries).pack(source, str(tmp_path / "layer"))


def test_a_layer_that_is_not_what_was_told_is_refused(tmp_path):
    source = _release_file.ComponentSource("app", "1", "files", ".", ".", **RULES)
    told = b'[{"path": "a", "type": "dir"}]'

    with pytest.raises((_layer.LayerError, _codec.CodecError)):
        host({"codec": "gzip"}, entries=told, layer=b"odd").pack(source, str(tmp_path / "layer"))
