# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build hosts: what one answers is believed only as far as it has the form of an answer."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.module_utils.building import _record
from ansible_collections.itops.release.plugins.module_utils.formats import _codec
from ansible_collections.itops.release.plugins.module_utils.release import _layer, _manifest
from ansible_collections.itops.release.plugins.plugin_utils.build_host import _conversation
from ansible_collections.itops.release.plugins.plugin_utils.building import _source_hosts
from ansible_collections.itops.release.plugins.plugin_utils.definition import _release_file
from ansible_collections.itops.release.tests.fakes.build_host import Machine
from ansible_collections.itops.release.tests.fakes.estate import RULES

SCRIPT = {"path": "a", "sha256": "0" * 64}


@pytest.fixture
def host(tmp_path):
    """Return ``host(answer, **files)``: sources on a build host that answers all with *answer*.

    It has *files* to be fetched.
    """

    def host(answer, **files):
        for name in ("build.json", "entries", "layer"):
            (tmp_path / name).write_bytes(files.get(name.partition(".")[0], b""))
        machine = Machine({"module": lambda _arguments: answer})
        build_host = _conversation.BuildHost(machine, "module", {})
        folder = f"{tmp_path}/"
        return _source_hosts.OnBuildHost("/src", "release.yml", "/ws", folder, build_host)

    return host


@pytest.mark.parametrize(
    "scripts", [None, [], "text", {"hooks": [{**SCRIPT, "path": "/a"}]}, {"../": [SCRIPT]}]
)
def test_scripts_of_another_form_are_refused(host, scripts):
    with pytest.raises(_manifest.ManifestError):
        host({"scripts": scripts}).scripts([("hooks", ["*"])])


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b'{"format": 2}', b'{"format": 1}', b'{"format": 1, "components": 1}'],
)
def test_a_record_of_another_form_is_refused(host, data):
    with pytest.raises(_record.RecordError, match=r"^/ws/build\.json "):
        host({}, build=data).record()


@pytest.mark.parametrize("entries", [b"", b"[1]", b'[{"path": "../a", "type": "dir"}]'])
def test_entries_of_another_form_are_refused(host, tmp_path, entries):
    source = _release_file.ComponentSource("app", "1", "files", ".", ".", **RULES)

    with pytest.raises((_conversation.BuildHostError, _manifest.ManifestError)):
        host({"codec": "gzip"}, entries=entries).pack(source, str(tmp_path / "out"))


def test_a_layer_that_is_not_what_was_told_is_refused(host, tmp_path):
    source = _release_file.ComponentSource("app", "1", "files", ".", ".", **RULES)
    told = b'[{"path": "a", "type": "dir"}]'

    with pytest.raises((_layer.LayerError, _codec.CodecError)):
        host({"codec": "gzip"}, entries=told, layer=b"odd").pack(source, str(tmp_path / "out"))
