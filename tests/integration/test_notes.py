# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes of builds and releases, from repositories whose authors wrote what they liked."""

from __future__ import annotations

import json
import os
import subprocess

import jsonschema
import pytest

from ansible_collections.itops.release.plugins.plugin_utils.definition import _schema_file
from ansible_collections.itops.release.plugins.plugin_utils.evidence import (
    _attachments,
    _signatures,
)
from ansible_collections.itops.release.plugins.plugin_utils.notes import _build_note
from ansible_collections.itops.release.tests.fakes import shops
from ansible_collections.itops.release.tests.fakes.signing import (
    key,
    signer,
    trust_text,
    write_private_key,
)
from ansible_collections.itops.release.tests.integration import building as b
from ansible_collections.itops.release.tests.integration.applications import (
    deploying,
    is_one_line,
    play,
    sealing,
    task,
)

pytestmark = pytest.mark.slow

BRANCH = "release/1_x"
HOSTILE = (
    "fix({{ 7*7 }}): {{ lookup('pipe','touch {canary}') }} <script>alert(1)</script> "
    "](javascript:alert(1)) \x1b[31mred \u202egnp.exe #3"
)
NOTES = "itops.release.notes"
TELL = "Tell what the release changes"


class Shop:
    """A shop that is built on this machine, with a key that vouches for it."""

    def __init__(self, folder):
        self.folder = folder
        self.repository = folder / "repository"
        self.library = folder / "library"
        self.workspace = folder / "workspace"
        self.key = write_private_key(folder / "key", 1)

    def commit(self, message, author="Ada", settings=(), **files):
        for name, text in files.items():
            (self.repository / name).write_text(text)
        b.git(self.repository, "add", "--all")
        message = message if isinstance(message, bytes) else message.encode()
        committing = ["commit", "--quiet", "--allow-empty", "--cleanup=verbatim", "--file=-"]
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
        subprocess.run(
            ["git", *b.IDENTITY, *settings, "-C", self.repository, *committing],
            env={**environment, "GIT_AUTHOR_NAME": author, "GIT_AUTHOR_EMAIL": "a@example.org"},
            input=message,
            check=True,
        )

    def release(self, version, serial, revision=BRANCH):
        """Return the tasks that build, seal and note a version, which is what is at *revision*."""
        origin = {"git": "../repository", "revision": revision}
        src = b.declare(
            self.folder / f"src{version}",
            b.component("web", origin),
            version=version,
            serial=serial,
        )
        sign = {"role": "build", "private_key": str(self.key)}
        there = {"workspace": str(self.workspace), "remote_src": True}
        return [
            b.building(f"Build {version}", src, self.workspace),
            sealing(f"Seal {version}", src, self.library, sign=sign, **there),
            self.noting(f"Note {version}", version, sign=sign, **there),
        ]

    def noting(self, title, version, keywords=None, **options):
        options = {"release": f"shop:{version}", "media_library": str(self.library), **options}
        return task(title, "release_notes", options, **(keywords or {}))


@pytest.fixture
def shop(tmp_path):
    shop = Shop(tmp_path)
    b.commit(shop.repository, a="1\n")
    b.git(shop.repository, "branch", "--move", BRANCH)
    return shop


def check(path, schema):
    note = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(_schema_file.schema(schema)).validate(note)
    return note


@pytest.mark.every_point
def test_the_note_of_a_build_tells_what_anybody_wrote_and_nothing_comes_of_it(
    shop, tmp_path, local_hosts, inventory, run_playbook
):
    here = inventory(local_hosts(1))
    first = shop.release("1.0", 1, b.git(shop.repository, "rev-parse", "HEAD"))
    canary = tmp_path / "canary"
    shop.commit(HOSTILE.replace("{canary}", str(canary)), author="{{ 7*7 }}", a="2\n")
    latin1 = ["-c", "i18n.commitEncoding=latin1"]
    shop.commit("naïve".encode("latin-1"), author=os.fsdecode(b"Ren\xe9"), settings=latin1, b="1")
    shop.commit("--upload-pack=x\n\n\x01" + "x " * 524288, c="1")
    shop.commit("=cmd|' /C calc'!A0", d="1")
    files = {"dest": str(tmp_path / "n.md"), "json_dest": str(tmp_path / "n.json")}
    build, seal, note = shop.release("1.1", 2)
    options = {**note["itops.release.release_notes"], **files}
    noting = task("Note", "release_notes", options, register="told", diff=True)
    copying = {"content": "{{ told.markdown }}", "dest": str(tmp_path / "copy.md")}

    run = run_playbook(
        play(
            *first,
            build,
            seal,
            {**noting, "name": "Foresee", "check_mode": True},
            noting,
            {**noting, "name": "Again"},
            {"name": "Copy", "ansible.builtin.copy": copying},
            {"name": "Show", "ansible.builtin.debug": {"var": "told"}},
        ),
        here,
    )

    assert run.rc == 0, run.output
    foreseen, told, again = (run.result(title) for title in ("Foresee", "Note", "Again"))
    assert (foreseen["changed"], told["changed"], again["changed"]) == (True, True, False)
    assert (foreseen["attached"], told["attached"], again["attached"]) == (True, True, False)
    assert [item["after_header"] for item in foreseen["diff"]] == [
        *files.values(),
        str(shop.library),
    ]
    assert foreseen["diff"] == told["diff"]
    markdown = (tmp_path / "n.md").read_text(encoding="utf-8")
    assert markdown == told["markdown"] == (tmp_path / "copy.md").read_text(encoding="utf-8")
    assert "{{ 7\\*7 }}" in markdown
    assert "\\<script\\>alert(1)\\</script\\> \\](javascript" in markdown
    assert not canary.exists()
    everything = run.output + markdown + (tmp_path / "n.json").read_text(encoding="utf-8")
    assert not {"\x1b[31m", "\u202e", "\x01"} & set(everything)
    assert "\x1b[31mred" not in everything
    written = check(tmp_path / "n.json", "build-note")
    assert [c["text"] for c in written["commits"]][:3] == [
        "=cmd|' /C calc'!A0",
        "--upload-pack=x",
        "naïve",
    ]
    assert written["commits"][3]["author"] == "{{ 7*7 }}"
    assert written["components"][0]["source"]["revision"] == BRANCH
    assert written["issues"] == told["issues"] == ["#3"]
    assert written["previous"]["version"] == "1.0"
    assert written["built"]["builder"]["versions"]
    assert written["findings"] == written["lacks"] == []


def test_a_note_for_an_environment_counts_from_what_its_hosts_have(
    tmp_path, local_hosts, inventory, run_playbook
):
    hosts = one, two, three = local_hosts(3)
    built = shops.Shop(tmp_path)
    for serial in range(1, 4):
        built.commit(f"feat: in {serial} (#{serial})", **{f"f{serial}": "x"})
        label = built.seal(f"1.{serial}", serial)
        note = built.notes().of_build(label).to_plain()
        kind = _build_note.PREDICATE_TYPE
        _attachments.attach(built.library, label, kind, note, signer(1))
        _signatures.sign(built.library, label.digest, "build", signer(1))
    library = built.library.path
    trust = tmp_path / "trust.yml"
    trust.write_text(trust_text(["build"], build=(1, key(1))))
    estate = inventory(
        hosts,
        deploy_root="{{ srv }}/shop",
        deploy_media_library=library,
        deploy_trust=str(trust),
    )
    setting_up = play(
        deploying("All have 1.1", "shop:1.1", library),
        deploying(
            "One has 1.2 as well",
            "shop:1.2",
            library,
            {"when": "inventory_hostname != 'local3'"},
        ),
        deploying(
            "And another had", "previous", library, {"when": "inventory_hostname == 'local2'"}
        ),
    )
    run = run_playbook(setting_up, estate)
    assert run.rc == 0, run.output

    def note(**variables):
        files = {"notes_dest": str(tmp_path / "n.md"), "notes_json_dest": str(tmp_path / "n.json")}
        given = {"notes_release": "shop:1.3", "notes_environment": "production", **files}
        return run_playbook(NOTES, estate, extra_vars={**given, **variables})

    run = note()
    assert run.rc == 0, run.output
    written = check(tmp_path / "n.json", "consolidated-note")
    assert [(item["release"]["version"], item["hosts"]) for item in written["since"]] == [
        ("1.1", [two.name, three.name]),
        ("1.2", [one.name]),
    ]
    assert written["issues"] == ["#2", "#3"]
    assert written["lacks"] == []
    markdown = (tmp_path / "n.md").read_text(encoding="utf-8")
    assert f"- {two.name}, {three.name}: from 1.1 (serial 1)\n" in markdown
    assert not note().result(TELL)["changed"]

    template = tmp_path / "own.md.j2"
    template.write_text("{% for commit in groups.features.shown %}{{ commit.text }}\n{% endfor %}")
    shown = note(notes_dest="", notes_json_dest="", notes_template=str(template))
    assert shown.result("Show the note")["msg"] == ["in 3 (#3)", "in 2 (#2)"]

    (three.seen / "shop/.release/state.json").write_text("{")
    partly = note(notes_release="shop:1.1", notes_audience="users")
    assert partly.rc == 0, partly.output
    told = partly.result(TELL)
    assert "## No more there\n\n- in 2 (#2)" in told["markdown"]
    assert told["lacks"][0].startswith(f"{three.name}: it is not known what changes there")

    wrong = note(notes_dest=str(tmp_path / "no/where.md"))
    assert wrong.rc != 0
    assert is_one_line(wrong.result(TELL)["msg"])
    assert f"there is no directory {tmp_path}/no" in wrong.result(TELL)["msg"]
    unasked = run_playbook(NOTES, estate)
    assert unasked.result(TELL)["msg"] == "release is required"


def test_a_workspace_is_read_where_it_is_as_who_built_there(
    tmp_path, fleet, ssh_hosts, inventory, run_playbook
):
    (host,) = ssh_hosts(1, user="deploy", become=True)
    built = shops.Shop(tmp_path)
    files = tmp_path / "src/files"
    files.mkdir(parents=True)
    (files / "a").write_text("1")
    built.seal("1", 1, [("web", ".", {"from": {"directory": "files"}})])
    there = host.seen / "workspace"
    there.mkdir()
    (there / "build.json").write_bytes((built.workspace / "build.json").read_bytes())
    (there / "build.json").chmod(0o600)
    fleet.run(host.host, ["chown", "--recursive", "app:", f"{host.srv}/workspace"])

    def noting(title, **keywords):
        options = {"release": "shop:1", "media_library": built.library.path, "remote_src": True}
        options["workspace"] = f"{host.srv}/workspace"
        return task(title, "release_notes", options, ignore_errors=True, **keywords)

    run = run_playbook(
        play(
            noting("As app", become_user="app"),
            noting("As deploy", vars={"ansible_become": False}),
        ),
        inventory([host]),
    )

    lacks = run.result("As app").get("lacks")
    assert lacks == ["web: its sources are a directory: no commits are known"], run.output
    assert "- Built by ci on build1 " in run.result("As app")["markdown"]
    refused = run.result("As deploy")["msg"]
    assert is_one_line(refused)
    assert "Permission denied" in refused
    left = fleet.run(host.host, ["ls", "/var/tmp"]).stdout
    assert "itops-release-notes" not in left
