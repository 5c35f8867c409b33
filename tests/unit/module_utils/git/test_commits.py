# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commits between two builds: each once, with its files, whatever their authors wrote."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from ansible_collections.itops.release.plugins.module_utils.git import _command, _commits

ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
IDENTITY = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
DATE = "2026-01-02T00:00:00Z"


class Repository:
    """A git repository in which tests commit."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments, stdin=b"", settings=()):
        done = subprocess.run(
            ["git", *IDENTITY, *settings, "-C", self.folder, *arguments],
            env={**ENVIRONMENT, "GIT_COMMITTER_DATE": DATE},
            input=stdin,
            check=True,
            stdout=subprocess.PIPE,
        )
        return done.stdout.decode().strip()

    def commit(self, message="x", settings=(), **files):
        for name, text in files.items():
            path = self.folder / name
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
        self.git("add", "--all")
        said = message if isinstance(message, bytes) else message.encode()
        committing = ["commit", "--quiet", "--file=-", "--allow-empty", "--cleanup=verbatim"]
        self.git(*committing, stdin=said, settings=settings)
        return self.git("rev-parse", "HEAD")

    def between(self, old, new="HEAD"):
        commit = self.git("rev-parse", new)
        return _commits.between(old, commit, str(self.folder), ENVIRONMENT)


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "repository")


def test_commits_since_the_build_before_come_newest_first_with_their_files(repository):
    old = repository.commit(a="1", b="1", c="1")
    first = repository.commit("fix: one\n\nwhy", a="2", b=None)
    second = repository.commit("two", **{"d e": "1"})

    span = repository.between(old)
    assert span == (
        (
            _commits.Commit(second, 1, "Ada", 1767312000, "two", (("A", "d e"),)),
            _commits.Commit(
                first, 1, "Ada", 1767312000, "fix: one\n\nwhy", (("M", "a"), ("D", "b"))
            ),
        ),
        (),
        (),
    )


def test_without_a_build_before_there_is_all_history(repository):
    commits = [repository.commit(a=str(number)) for number in range(3)]

    assert [commit.id for commit in repository.between(None).commits] == commits[::-1]
    assert repository.between(commits[-1]).commits == ()


def test_merges_and_empty_commits_are_commits_and_a_merge_has_only_what_is_its_own(repository):
    old = repository.commit(a="1", b="1")
    repository.git("checkout", "--quiet", "-b", "side")
    side = repository.commit("side", a="side")
    repository.git("checkout", "--quiet", "main")
    main = repository.commit("main", a="main")
    empty = repository.commit("empty")
    repository.git("merge", "--quiet", "--no-commit", "--strategy=ours", "side")
    merge = repository.commit("merge", a="evil")

    found = {commit.id: commit for commit in repository.between(old).commits}
    assert set(found) == {side, main, empty, merge}
    assert found[merge].files == (("MM", "a"),)
    assert found[merge].parents == 2
    assert found[empty].files == ()


def test_a_build_that_goes_back_tells_what_it_has_no_more(repository):
    new = repository.commit(a="1")
    old = repository.commit("gone", a="2")

    span = repository.between(old, new)
    assert span.commits == ()
    assert [commit.message for commit in span.removed] == ["gone"]


def test_rewritten_history_is_told_from_both_sides(repository):
    repository.commit(a="1")
    old = repository.commit("as it was", a="2")
    repository.git("reset", "--quiet", "--hard", "HEAD^")
    repository.commit("as it is", a="3")

    span = repository.between(old)
    assert [commit.message for commit in span.commits] == ["as it is"]
    assert [commit.message for commit in span.removed] == ["as it was"]


def test_a_build_before_that_is_not_there_is_told(repository):
    repository.commit("one", a="1")

    span = repository.between("4f" * 20)
    assert [commit.message for commit in span.commits] == ["one"]
    assert span.lacks == (
        "commit 4f4f4f4f4f4f of the build before is not in the repository, so that all of its "
        "history is listed",
    )


def test_a_shallow_clone_is_told(repository, tmp_path):
    repository.commit("one", a="1")
    repository.commit("two", a="2")
    there = f"file://{repository.folder}"
    cloning = ["git", "clone", "--quiet", "--depth=1", there, str(tmp_path / "clone")]
    subprocess.run(cloning, env=ENVIRONMENT, check=True)
    head = repository.git("rev-parse", "HEAD")

    span = _commits.between(None, head, str(tmp_path / "clone"), ENVIRONMENT)
    assert [commit.message for commit in span.commits] == ["two"]
    assert span.lacks == (
        "the repository is a shallow clone: commits before its beginning are missing",
    )


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (b"{{ lookup('pipe', 'id') }}", "{{ lookup('pipe', 'id') }}"),
        (b"--upload-pack=x", "--upload-pack=x"),
        (b"\x1b[31mred\x1b[0m \x07", "\ufffd[31mred\ufffd[0m \ufffd"),
        ("\u202egnp.exe".encode(), "\ufffdgnp.exe"),
        (b"one\r\ntwo\r\n", "one\ntwo"),
        (b"\x01" + b"4f" * 20, "\ufffd" + "4f" * 20),
        (b"na\xefve", "naïve"),  # git takes it for Latin-1
        ("tab\tkept, é too".encode(), "tab\tkept, é too"),
    ],
)
def test_what_an_author_wrote_is_text_and_no_more(repository, message, shown):
    old = repository.commit(a="1")
    repository.commit(message, a="2")

    (commit,) = repository.between(old).commits
    assert commit.message == shown
    assert commit.files == (("M", "a"),)


def test_a_message_in_another_encoding_is_read_by_it(repository):
    old = repository.commit(a="1")
    repository.commit(b"na\xefve", settings=["-c", "i18n.commitEncoding=latin1"], a="2")

    assert repository.between(old).commits[0].message == "naïve"


@pytest.mark.parametrize("name", ["\x01x", "-c", "a\nb", "ü", "M", " "])
def test_a_file_of_any_name_is_told(repository, name):
    old = repository.commit(a="1")
    repository.commit(**{name: "1", "z": "1"})

    assert ("A", name) in repository.between(old).commits[0].files


def gather(repository, folders, old=None, **changes):
    group = {
        "places": ["."],
        "old": old,
        "new": changes.get("new") or repository.git("rev-parse", "HEAD"),
        "folders": folders,
        **changes,
    }
    return _commits.gather(str(repository.folder), group, ENVIRONMENT)


def test_commits_are_told_with_the_components_whose_folders_they_touch(repository):
    for folder in ("web/ui", "web-2", "api"):
        (repository.folder / folder).mkdir(parents=True)
    old = repository.commit(a="1")
    repository.commit("web", **{"web/ui/x": "1", "web-2/x": "1"})
    repository.commit("api", **{"api/x": "1", "web/y": "1"})
    repository.commit("none", a="2")

    folders = {"web": "web", "ui": "web/ui", "api": "api", "one": "a", "all": "."}
    history = gather(repository, folders, old)
    assert [(c.message, sorted(c.components)) for c in history.commits] == [
        ("none", ["all", "one"]),
        ("api", ["all", "api", "web"]),
        ("web", ["all", "ui", "web"]),
    ]
    assert history.touched == {
        "web": ["web/ui/x", "web/y"],
        "ui": ["web/ui/x"],
        "api": ["api/x"],
        "one": ["a"],
        "all": ["a", "api/x", "web-2/x", "web/ui/x", "web/y"],
    }
    assert _commits.from_plain(json.loads(json.dumps(_commits.to_plain([history])))) == [history]


def test_of_very_many_commits_the_newest_are_told_and_all_files_count(repository, monkeypatch):
    for number in range(4):
        repository.commit(f"{number}", **{f"f{number}": "1"})
    monkeypatch.setattr(_commits, "MOST_TOLD", 2)

    history = gather(repository, {"web": "."})
    assert [commit.message for commit in history.commits] == ["3", "2"]
    assert history.more == 2
    assert history.touched == {"web": ["f0", "f1", "f2", "f3"]}


def test_a_path_as_deep_as_it_can_be_is_told(repository):
    path = "/".join("d" * 2000)
    blob = repository.git("hash-object", "-w", "--stdin", stdin=b"1")
    repository.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}/f")
    repository.git("commit", "--quiet", "--message=deep")

    assert gather(repository, {"web": "d/d"}).touched == {"web": [f"{path}/f"]}


def test_a_message_of_a_megabyte_is_cut(repository):
    repository.commit("feat: much\n\n" + "x " * 524288)

    (commit,) = gather(repository, {"web": "."}).commits
    assert commit.message.startswith("feat: much\n\nx x")
    assert len(commit.message) == _commits.LONGEST_MESSAGE


def test_the_first_place_that_is_there_is_read(repository):
    repository.commit("one", a="1")

    history = gather(repository, {"web": "."}, places=["gone", "."])
    assert [commit.message for commit in history.commits] == ["one"]
    with pytest.raises(_command.GitError, match=r"there is no repository at .*/gone"):
        gather(repository, {"web": "."}, places=["gone"])


@pytest.mark.parametrize(
    "odd", ["--output={}/taken", "HEAD", "main\n", "4f" * 20 + "\n", "4F" * 20]
)
def test_what_names_no_commit_is_never_given_to_git(repository, tmp_path, odd):
    head = repository.commit("one", a="1")
    odd = odd.format(tmp_path)

    for old, new in ((None, odd), (odd, head)):
        with pytest.raises(_command.GitError, match="is no name of a commit") as refusal:
            _commits.between(old, new, str(repository.folder), ENVIRONMENT)
        assert str(refusal.value).isprintable()
    assert os.listdir(tmp_path) == ["repository"]


def test_a_repository_without_commits_is_an_error_in_a_line(repository):
    with pytest.raises(_command.GitError) as caught:
        _commits.between(None, "4f" * 20, str(repository.folder), ENVIRONMENT)
    assert "\n" not in str(caught.value)


@pytest.mark.every_point
@pytest.mark.slow
def test_fifty_thousand_commits_are_read_and_the_newest_are_told(repository):
    count = 50_000
    lines = ["blob\nmark :1\ndata 1\nx\n"]
    for number in range(count):
        who = f"A <a@example.org> {1767312000 + number} +0000"
        lines.append(f"commit refs/heads/many\ncommitter {who}\ndata 5\n{number:05}\n")
        lines.append(f"M {('100644', '100755')[number // 99 % 2]} :1 f{number % 99}\n\n")
    repository.git("fast-import", "--quiet", stdin="".join(lines).encode())

    history = gather(repository, {"web": "."}, new=repository.git("rev-parse", "many"))
    assert [int(commit.message) for commit in history.commits] == [
        *range(count - 1, count - 1 - _commits.MOST_TOLD, -1)
    ]
    assert history.more == count - _commits.MOST_TOLD
    assert len(history.touched["web"]) == 99
