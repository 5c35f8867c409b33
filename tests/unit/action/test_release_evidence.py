# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_evidence``: what is believed becomes a file, in one step, and nothing else does."""

from __future__ import annotations

import json
import os
import resource
import signal

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import connection_loader
from ansible.template import Templar

from ansible_collections.itops.release.plugins.action.release_evidence import ActionModule
from ansible_collections.itops.release.plugins.plugin_utils.evidence import _attachments, _dsse
from ansible_collections.itops.release.tests.fakes.processes import in_child
from ansible_collections.itops.release.tests.fakes.signing import (
    key,
    public_key,
    signer,
    trust_text,
)

SBOM = "https://cyclonedx.org/bom"


@pytest.fixture
def write(estate, tmp_path):
    """Return ``write(**options)``: what the action answers; ``out`` is where it writes to."""
    (tmp_path / "trust.yml").write_text(trust_text(("build",), build=(1, key(1))))

    def write(check_mode=False, diff=False, **options):
        task = Task()
        task.check_mode, task.diff = check_mode, diff
        task.args = {
            "media_library": str(estate.folder / "library"),
            "release": "shop:1.0",
            "predicate_type": "sbom",
            "dest": str(tmp_path / "out"),
            "trust": str(tmp_path / "trust.yml"),
            **options,
        }
        data = DataLoader()
        connection = connection_loader.get("local", PlayContext())
        return ActionModule(task, connection, PlayContext(), data, Templar(data), None).run()

    return write


def attach(estate, label, said, number=1, predicate_type=SBOM):
    _attachments.attach(estate.library, label, predicate_type, said, signer(number))


def test_what_a_trusted_key_verifies_is_written_and_a_second_time_changes_nothing(
    estate, write, tmp_path
):
    label = estate.seal("1.0", {"app": "one"})
    attach(estate, label, {"components": ["ä"]})
    attach(estate, label, {"components": ["forged"]}, number=2)

    foreseen = write(check_mode=True, diff=True)
    assert not (tmp_path / "out").exists()
    done = write(diff=True)

    assert done["changed"]
    assert {**done, "invocation": None} == {**foreseen, "invocation": None}
    assert done["signed_by"] == ["key1"]
    assert done["diff"]["after"].startswith(f"{SBOM} sha256 ")
    assert json.loads((tmp_path / "out").read_bytes()) == {"components": ["ä"]}
    assert not write()["changed"]
    (tmp_path / "out").write_text("other")
    assert write()["changed"]
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == ["out"]


def test_the_envelope_is_what_other_tools_verify(estate, write, tmp_path):
    label = estate.seal("1.0", {"app": "one"})
    attach(estate, label, {"a": 1}, predicate_type="https://slsa.dev/provenance/v1")

    assert "failed" not in write(predicate_type="provenance", form="envelope")

    (line,) = (tmp_path / "out").read_bytes().splitlines()
    found = _dsse.parse(line)
    signed = _dsse.pae(found.payload_type, found.payload)
    assert public_key(1).verifies(found.signatures[0].value, signed)


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_nothing_else(estate, write, tmp_path):
    attach(estate, estate.seal("1.0", {"app": "one"}), {"a": "x" * 5000})
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/out").write_text("old")

    def act():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        assert "File too large" in write(dest=str(tmp_path / "folder/out"))["msg"]

    in_child(act)
    assert (tmp_path / "folder/out").read_text() == "old"
    assert os.listdir(tmp_path / "folder") == ["out"]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("sbom", "bill of materials attached; attach one with release_package evidence: [sbom]"),
        ("provenance", "provenance attached; attach it with release_package"),
        ("build_note", "build note attached; attach one with release_notes"),
    ],
)
@pytest.mark.parametrize("trusted", [{}, {"trust": ""}])
def test_what_is_not_attached_is_told_with_what_attaches_it(estate, write, kind, words, trusted):
    estate.seal("1.0", {"app": "one"})

    refused = write(predicate_type=kind, **trusted)["msg"]

    assert refused.startswith(f"shop:1.0 has no {words}")


def test_without_trust_it_is_nobody_s_word(estate, write):
    attach(estate, estate.seal("1.0", {"app": "one"}), {"a": 1}, number=2)

    assert write(trust="")["signed_by"] == []
    refused = write()["msg"]
    assert refused.startswith(f"shop:1.0 has no evidence {SBOM} to be believed: sha256:")
    assert f"verified it; it names {public_key(2).fingerprint}" in refused


def test_where_several_differ_one_is_chosen_by_its_digest(estate, write, tmp_path):
    label = estate.seal("1.0", {"app": "one"})
    attach(estate, label, {"a": 1})
    attach(estate, label, {"a": 2})
    one, two = (item.digest for item in _attachments.read(estate.library, label))

    refused = write()["msg"]
    assert refused == (
        f"shop:1.0 has 2 of {SBOM} that differ: choose by digest, one of {one}, {two}"
    )
    assert "failed" not in write(digest=two)
    assert json.loads((tmp_path / "out").read_bytes()) == {"a": 2}
    assert "has no evidence" in write(digest="sha256:0")["msg"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"predicate_type": "urn:x"}, "shop:1.0 has no evidence urn:x attached"),
        ({"release": "shop:9"}, "has no release shop:9"),
        ({"dest": "/"}, "/ is a directory"),
        ({"dest": "/nowhere/at/all"}, "No such file or directory: '/nowhere/at"),
        ({"trust": "/nowhere"}, "/nowhere: No such file"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(estate, write, options, reason):
    attach(estate, estate.seal("1.0", {"app": "one"}), {"a": 1})

    answer = write(**options)

    assert answer["failed"]
    assert reason in answer["msg"]
    assert "\n" not in answer["msg"]
