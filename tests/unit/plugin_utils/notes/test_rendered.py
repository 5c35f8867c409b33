# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes for readers: grouped by what commits mean, cut where they are long, and never markup."""

from __future__ import annotations

import json

import pytest
from markdown_it import MarkdownIt

from ansible_collections.itops.release.plugins.plugin_utils.notes import _rendered
from ansible_collections.itops.release.plugins.plugin_utils.rendering import _markdown

LABEL = {"name": "shop", "version": "2", "serial": 2, "digest": "a" * 64}
HOSTILE = (
    "{{ 7*7 }} {% raw %} <script>alert(1)</script> ](javascript:alert(1)) ![x](//x.org/p) "
    "\x1b[31m \u202etxt.exe www.example.org https://example.org # - =cmd|' /C x'!A0 \x00"
)


def commit(number, **changes):
    plain = {
        "id": f"{number:040x}",
        "repository": "/git",
        "author": "Ada",
        "time": 1767312000,
        "is_merge": False,
        "is_taken_back": False,
        "type": "",
        "scope": "",
        "text": f"text {number}",
        "breaking": "",
        "issues": [],
        "reverts": "",
        "components": ["web"],
    }
    return {**plain, **changes}


def note(*commits, **changes):
    return {
        "format": 1,
        "release": LABEL,
        "previous": None,
        "built": None,
        "environment": "production",
        "since": [{"release": LABEL, "hosts": ["h1"], "why": "live", "is_newer": False}],
        "releases": [],
        "releases_taken_back": [],
        "components": [],
        "dependencies": [],
        "commits": list(commits),
        "issues": [],
        "issues_taken_back": [],
        "scripts": {},
        "findings": [],
        "lacks": [],
        **changes,
    }


def component(**changes):
    plain = {"name": "web", "change": "modified", "from_version": "1", "from_versions": ["1"]}
    paths = {"added": [], "removed": [], "modified": [], "exec_changed": []}
    return {**plain, "to_version": "2", **paths, "source": None, **changes}


def groups(*commits):
    values = _rendered.values(note(*commits))
    return {
        name: [item["text"] for item in group["shown"]]
        for name, group in values["groups"].items()
        if group["count"]
    }


def test_commits_are_grouped_by_what_they_mean():
    assert groups(
        commit(1, type="feat"),
        commit(2, type="perf"),
        commit(3, type="chore"),
        commit(4),
        commit(5, is_merge=True),
        commit(6, type="feat", breaking="why"),
        commit(7, type="feat", is_taken_back=True),
    ) == {
        "features": ["text 1", "text 6"],
        "fixes": ["text 2"],
        "internal": ["text 3", "text 5"],
        "others": ["text 4"],
        "breaking": ["text 6"],
        "taken_back": ["text 7"],
    }


def test_what_is_reverted_within_is_not_told_to_users():
    commits = [
        commit(1, type="feat"),
        commit(2, reverts=f"{1:040x}"[:40]),
        commit(3, reverts="f" * 40),
    ]

    assert groups(*commits) == {"reverted": ["text 1", "text 2"], "others": ["text 3"]}
    assert "text 1" not in _rendered.render(note(*commits), "users")


@pytest.mark.parametrize("audience", ["build", "operations", "users", "management"])
def test_what_anybody_wrote_shows_as_text(audience):
    hostile = note(
        commit(1, type="feat", text=HOSTILE, author=HOSTILE, scope=HOSTILE),
        components=[component(added=[HOSTILE], source={"kind": "git", "place": HOSTILE})],
        dependencies=[
            {
                "package": HOSTILE,
                "change": "added",
                "from_versions": [],
                "to_versions": [HOSTILE],
                "from_licences": [],
                "to_licences": [HOSTILE],
            }
        ],
        environment=HOSTILE,
        findings=[HOSTILE],
        lacks=[HOSTILE],
        issues=[HOSTILE],
    )

    text = _rendered.render(hostile, audience)
    tokens = MarkdownIt("gfm-like", {"html": True}).parse(text)
    kinds = {child.type for token in tokens for child in token.children or ()}
    assert kinds <= {"text", "text_special", "strong_open", "strong_close", "softbreak"}
    assert not {token.type for token in tokens} & {"html_block", "fence", "code_block"}
    assert not set("\x00\x1b\u202e") & set(text)
    shown = "".join(child.content for token in tokens for child in token.children or ())
    assert "{{ 7*7 }} {% raw %} <script>alert(1)</script>" in shown


def test_json_escapes_what_deceives_and_keeps_it():
    hostile = note(commit(1, text=HOSTILE + "naïve"))

    text = _rendered.to_json(hostile)
    assert json.loads(text) == hostile
    assert not set("\x00\x1b\u202e") & set(text)
    assert "naïve" in text


def test_long_lists_are_cut_and_counted(monkeypatch):
    monkeypatch.setattr(_rendered, "MOST_COMMITS", 2)
    monkeypatch.setattr(_rendered, "MOST_FILES", 1)
    long = note(*map(commit, range(5)), components=[component(added=["a", "b"], removed=["c"])])

    text = _rendered.render(long, "operations")
    assert "text 1" in text
    assert "text 2" not in text
    assert "- and 3 more" in text
    assert "- a: new\n- and 2 more" in text


def test_a_template_of_somebodys_own_is_used(tmp_path):
    template = tmp_path / "own.md.j2"
    template.write_text("{{ release.version }}: {{ groups.features.count }}\n")

    assert _rendered.render(note(commit(1, type="feat")), "users", str(template)) == "2: 1\n"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{{ nothing }}", "own.md.j2: 'nothing' is undefined"),
        (b"\n{% for %}", r"own\.md\.j2:2: "),
        (b"\xff", "own.md.j2: not UTF-8"),
        (b"x" * (1024 * 1024 + 1), "own.md.j2: larger than 1048576 bytes"),
    ],
)
def test_a_template_that_cannot_be_used_is_named(tmp_path, data, reason):
    template = tmp_path / "own.md.j2"
    template.write_bytes(data)

    with pytest.raises(_markdown.TemplateError, match=reason):
        _rendered.render(note(), "users", str(template))


def test_a_commit_without_a_message_says_so_and_nothing_to_users():
    empty = note(commit(1, text=""), commit(2, text="", is_taken_back=True))

    for audience in ("build", "operations"):
        assert _rendered.render(empty, audience).count("- (no message) (") == 2
    assert "\n- " not in (text := _rendered.render(empty, "users")), text
    assert "Nothing that you would notice." in text
    breaking = note(commit(1, text="", breaking="all is new"))
    assert "- all is new\n" in _rendered.render(breaking, "users")


def test_a_component_whose_files_are_the_same_is_not_told_as_modified():
    renamed = component()
    same = component(name="api", change="unchanged", to_version="1")
    changed = component(name="app", modified=["a"])
    told = note(components=[renamed, same, changed])

    for audience in ("build", "operations"):
        text = _rendered.render(told, audience)
        assert "- **web**: files unchanged, now called 2\n- " in text
        assert "- **api**: files unchanged, 1 now\n- " in text
        assert "- **app**: modified, 1 before, 2 now\n\n### Files of app\n" in text
    assert "- Components that change: 1 of 3\n" in _rendered.render(told, "management")


def test_the_build_note_has_the_declared_environment():
    built = {
        "builder": {"user": "ci", "host": "h", "system": "s", "architecture": "a"},
        "started": "x",
        "ended": "y",
        "ci": None,
        "tools": [],
        "environment": {"LANG": "C.UTF-8", "A": "{{ 1 }}"},
    }

    text = _rendered.render(note(built=built), "build")
    assert "\n## Environment of the steps\n\n- A: {{ 1 }}\n- LANG: C.UTF-8\n" in text


def test_hosts_are_counted_in_sentences():
    def since(count, **changes):
        hosts = [f"h{number}" for number in range(count)]
        return {"release": LABEL, "hosts": hosts, "why": "live", "is_newer": False, **changes}

    given = [since(1), since(2), since(1, is_newer=True), since(2, is_newer=True)]
    text = _rendered.render(note(since=[*given, since(1, why="earlier")]), "management")
    for line in (
        "1 host comes from 2",
        "2 hosts come from 2",
        "1 host goes back from 2",
        "2 hosts go back from 2",
        "1 host came from 2",
    ):
        assert f"- {line}\n" in text
