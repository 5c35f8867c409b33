# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo-release` prints what it runs, and stops where the answer is another one."""

from __future__ import annotations

import io
import json
import re
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

SHOP = Path(__file__).resolve().parents[3] / "examples" / "shop"


@pytest.fixture
def program(monkeypatch):
    """Return the demo as a module."""
    monkeypatch.syspath_prepend(SHOP)
    for name in ("KEEP", "VERBOSE"):
        monkeypatch.delenv(name, raising=False)
    import demo_release

    yield demo_release
    for name in ("demo_release", "sandbox", "history"):
        sys.modules.pop(name, None)


@pytest.fixture
def demo(program, tmp_path):
    with open(tmp_path / "demo.log", "w", encoding="utf-8") as log:
        yield program.Demo(log, 20000, tmp_path)


def test_a_command_is_printed_with_the_lines_that_matter(demo, capsys):
    demo.run("Two words.", "\n    printf 'a\\nb\\n%s\\n' \\\n      $DEMO/c\n    ", "^b", "c$")

    assert capsys.readouterr().out.splitlines() == [
        "   Two words.",
        "   $ printf 'a\\nb\\n%s\\n' \\",
        "       $DEMO/c",
        "     b",
        "     c",
    ]


def test_verbose_prints_all_lines(demo, capsys, monkeypatch):
    monkeypatch.setenv("VERBOSE", "1")
    demo.run("All.", "printf 'a\\nb\\n'", "^b")

    assert capsys.readouterr().out.splitlines()[2:] == ["     a", "     b"]


def test_a_long_line_of_the_output_is_wrapped_to_80_columns(demo, capsys):
    demo.run("Long.", "printf '%s ' {1..99}", "99")

    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert " ".join(" ".join(lines[2:]).split()) == " ".join(map(str, range(1, 100)))


@pytest.mark.parametrize(
    ("command", "status", "reason"),
    [
        ("echo done; exit 1", 0, "exit status 1 instead of 0"),
        ("echo done", 2, "exit status 0 instead of 2"),
        ("echo refused", 0, "no line of the output matches ^done"),
    ],
)
def test_another_answer_than_the_story_has_is_an_error(program, demo, command, status, reason):
    with pytest.raises(program.NotShownError, match=re.escape(reason)):
        demo.run("Wrong.", command, "^done", status=status)


def test_a_step_that_shows_something_else_ends_the_demo(
    program, demo, capsys, monkeypatch, tmp_path
):
    steps = [("Works", lambda demo: demo.run("", "true")), ("Fails", lambda d: d.run("", "false"))]
    monkeypatch.setattr(program, "STEPS", [*steps, ("Never", lambda demo: 1 / 0)])

    assert program.tell(demo, tmp_path / "pages") == 1
    out = capsys.readouterr().out
    assert "\nNOT SHOWN: step 1: exit status 1 instead of 0\n" in out
    assert "All of it was shown" not in out


def test_a_command_of_the_runbook_keeps_its_meaning_in_several_lines(program, tmp_path):
    line = "ansible-playbook itops.release.verify -i '/a b/hosts.yml' -e 'deploy_hosts=shop:&x'"
    page = tmp_path / "shop.md"
    page.write_text(f"# Runbook: shop\n\n## x\n\n### Verify every file\n\n```\n{line}\n```\n")

    command = program.runbook(page)["x", "Verify"]
    assert command == line
    shown = program.wrapped(command)
    assert shown.count("\n") == 2
    assert shown.replace(" \\\n  ", " ") == line


def test_the_byte_that_is_changed_is_in_a_statement_of_that_person(program, tmp_path):
    with tarfile.open(tmp_path / "pack.tar", "w") as tar:
        for name, person in (("3.json", "ada"), ("4.json", "ben"), ("4.json.sig", "ben")):
            data = json.dumps({"person": person}).encode()
            member = tarfile.TarInfo(f"shop-1/statements/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))

    name, place = program.byte_of(tmp_path / "pack.tar", "ben")
    assert name == "statements/4.json"
    with tarfile.open(tmp_path / "pack.tar") as tar:
        member = tar.getmember(f"shop-1/{name}")
    assert member.offset_data <= place < member.offset_data + member.size


def test_only_the_folder_of_a_demo_is_removed(program, tmp_path):
    with pytest.raises(SystemExit, match="is not the folder of a demo"):
        program.remove_kept(tmp_path)
    folder = tmp_path / f"{program.PREFIX}x"
    folder.mkdir()
    with pytest.raises(SystemExit, match="is not the folder of a demo"):
        program.remove_kept(folder)
    assert folder.is_dir()


def test_pages_take_the_place_of_earlier_ones(program, tmp_path):
    for text in ("old", "new"):
        made = tmp_path / text
        made.mkdir()
        (made / "index.html").write_text(text)
        (made / text).touch()
        program.keep_pages(made, tmp_path / "kept" / "pages")

    kept = tmp_path / "kept"
    assert [path.name for path in kept.iterdir()] == ["pages"]
    assert sorted(path.name for path in (kept / "pages").iterdir()) == ["index.html", "new"]


def test_early_life_in_the_plan_is_what_the_demo_waits_for(program):
    plan = yaml.safe_load((SHOP / "release/plans/shop-1.2.1.yml").read_text(encoding="utf-8"))

    assert plan["early_life"] == f"{program.EARLY_LIFE}s"
