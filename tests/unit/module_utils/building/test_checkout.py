# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkouts: exactly the commit that was asked for, whatever the repository and its users do."""

from __future__ import annotations

import os
import subprocess

import pytest

from ansible_collections.itops.release.plugins.module_utils.building import _checkout
from ansible_collections.itops.release.plugins.module_utils.git import _command

ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
DATES = {"GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2026-01-02T00:00:00Z"}


class Repository:
    """A git repository in a folder, and what a build makes of it."""

    def __init__(self, folder, workspace):
        self.folder = folder
        self.workspace = workspace
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments):
        settings = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        settings += ["-c", "protocol.file.allow=always"]
        done = subprocess.run(
            ["git", *settings, "-C", self.folder, *arguments],
            env={**ENVIRONMENT, **DATES},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, **files):
        for name, text in files.items():
            (self.folder / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=x", "--allow-empty")
        return self.git("rev-parse", "HEAD")

    def resolve(self, revision):
        cache = _checkout.cache_of(str(self.folder), str(self.workspace))
        _checkout.fetch(str(self.folder), cache, ENVIRONMENT)
        return _checkout.look_up(str(self.folder), revision, cache, ENVIRONMENT)

    def check_out(self, revision, name="out", submodules=False):
        source = self.resolve(revision)
        folder = self.workspace / name
        cache = _checkout.cache_of(str(self.folder), str(self.workspace))
        repository = str(self.folder) if submodules else None
        _checkout.check_out(source, cache, str(folder), ENVIRONMENT, repository)
        return source, folder


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "workspace").mkdir()
    return Repository(tmp_path / "repository", tmp_path / "workspace")


def test_a_tag_a_branch_and_a_commit_are_checked_out(repository):
    first = repository.commit(a="1")
    repository.git("tag", "--annotate", "--message=x", "v1")
    second = repository.commit(a="2")

    for name, revision, commit, text in (
        ("tag", "v1", first, "1"),
        ("branch", "main", second, "2"),
        ("commit", first, first, "1"),
        ("short", first[:10], first, "1"),
    ):
        source, folder = repository.check_out(revision, name)
        assert source == _checkout.Source(commit, 1767312000)
        assert (folder / "a").read_text() == text


def test_what_came_since_is_fetched_and_what_was_moved_is_followed(repository):
    repository.commit(a="1")
    repository.git("tag", "moving")
    repository.check_out("moving")

    second = repository.commit(a="2")
    repository.git("tag", "--force", "moving")
    assert repository.resolve("moving").commit == second


def test_a_commit_that_no_branch_has_any_more_is_fetched_by_its_name(repository):
    repository.commit(a="1")
    lost = repository.commit(a="2")
    repository.git("config", "uploadpack.allowAnySHA1InWant", "true")
    repository.git("reset", "--quiet", "--hard", "HEAD^")

    assert repository.resolve(lost).commit == lost


@pytest.mark.parametrize("revision", ["v2", "0" * 40, "HEAD~9", "v1:a", "main..v1"])
def test_a_revision_that_is_no_commit_is_refused_in_a_line(repository, revision):
    repository.commit(a="1")
    repository.git("tag", "v1")

    with pytest.raises(_command.GitError) as caught:
        repository.resolve(revision)
    assert str(repository.folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_repository_that_is_not_there_is_refused_without_the_secret_in_its_address(tmp_path):
    address = "https://user:s3cr3t@127.0.0.1:1/x.git"

    with pytest.raises(_command.GitError) as caught:
        _checkout.fetch(address, str(tmp_path / "cache"), ENVIRONMENT)
    assert str(caught.value).startswith("https://127.0.0.1:1/x.git cannot be fetched: ")
    assert "s3cr3t" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nothing_is_run_that_a_repository_or_a_user_has_put_there(repository, tmp_path):
    home = tmp_path / "home"
    hooks = home / "hooks"
    hooks.mkdir(parents=True)
    (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (hooks / "post-checkout").chmod(0o755)
    (home / ".gitconfig").write_text(
        f"[core]\n\thooksPath = {hooks}\n\tautocrlf = true\n"
        f'[filter "odd"]\n\tsmudge = touch {tmp_path}/ran; cat\n\trequired = true\n'
    )
    repository.commit(**{"a": "1\n2\r\n", ".gitattributes": "a filter=odd\n"})
    theirs = {**ENVIRONMENT, "HOME": str(home)}
    cache = str(tmp_path / "cache")

    _checkout.fetch(str(repository.folder), cache, theirs)
    source = _checkout.look_up(str(repository.folder), "main", cache, theirs)
    _checkout.check_out(source, cache, str(tmp_path / "out"), theirs)

    assert (tmp_path / "out/a").read_bytes() == b"1\n2\r\n"
    assert not (tmp_path / "ran").exists()


def test_an_address_that_is_a_program_is_not_run(tmp_path):
    address = f"ext::sh -c touch% {tmp_path}/ran"

    with pytest.raises(_command.GitError):
        _checkout.fetch(address, str(tmp_path / "cache"), ENVIRONMENT)
    assert not (tmp_path / "ran").exists()


def test_submodules_come_along_where_they_are_asked_for(repository, tmp_path):
    other = Repository(tmp_path / "other", tmp_path / "workspace")
    other.commit(b="inside")
    repository.git("submodule", "--quiet", "add", "../other", "part")
    repository.commit(a="1")

    assert not (repository.check_out("main", "without")[1] / "part/b").exists()
    assert (repository.check_out("main", "with", True)[1] / "part/b").read_text() == "inside"


def test_a_repository_from_elsewhere_reads_none_of_this_machine(repository, tmp_path):
    other = Repository(tmp_path / "other", tmp_path / "workspace")
    other.commit(b="inside")
    repository.git("submodule", "--quiet", "add", str(other.folder), "part")
    repository.commit(a="1")
    cache = _checkout.cache_of(str(repository.folder), str(repository.workspace))
    source = repository.resolve("main")

    with pytest.raises(_command.GitError, match="transport 'file' not allowed"):
        _checkout.check_out(
            source, cache, str(tmp_path / "out"), ENVIRONMENT, "https://git.example.org/x.git"
        )


def test_a_checkout_that_was_changed_or_moved_on_is_refused_by_name(repository):
    repository.commit(**dict.fromkeys("abcdefg", "1"))
    source, folder = repository.check_out("main")

    (folder / "new").write_text("what a build leaves")
    _checkout.check_clean(source, str(folder), ENVIRONMENT)
    for name in "abcdefg":
        (folder / name).write_text("2")
    with pytest.raises(_command.GitError, match=r"changed files: 'a', .* and 2 more"):
        _checkout.check_clean(source, str(folder), ENVIRONMENT)
    with pytest.raises(_command.GitError, match=r" is at .*, not at 000000000000"):
        _checkout.check_clean(source._replace(commit="0" * 40), str(folder), ENVIRONMENT)


def test_a_lock_that_a_killed_git_left_keeps_nobody_from_the_cache(repository):
    repository.commit(a="1")
    repository.resolve("main")
    cache = _checkout.cache_of(str(repository.folder), str(repository.workspace))
    for lock in ("packed-refs.lock", "refs/heads/main.lock", "config.lock"):
        (repository.workspace / cache / lock).write_text("")

    second = repository.commit(a="2")

    assert repository.resolve("main").commit == second


def test_a_shallow_repository_is_taken_as_it_is(repository, tmp_path):
    repository.commit(a="1")
    commit = repository.commit(a="2")
    shallow = Repository(tmp_path / "shallow", repository.workspace)
    shallow.git("fetch", "--quiet", "--depth=1", f"file://{repository.folder}", "main:other")

    source, folder = shallow.check_out("other")

    assert (source.commit, (folder / "a").read_text()) == (commit, "2")


def test_an_empty_repository_says_what_it_lacks(repository):
    with pytest.raises(_command.GitError, match="has no commit, tag or branch 'main'"):
        repository.resolve("main")


def test_odd_names_in_a_repository_are_names_and_nothing_else(repository, tmp_path):
    commit = repository.commit(a="1")
    for branch in ("-u", "--upload-pack=touch", "ünï"):
        (repository.folder / ".git/refs/heads" / branch).write_text(commit + "\n")
    name = os.path.join(os.fsencode(repository.folder), b"\xff\xfe")
    with open(name, "wb"):
        pass
    os.symlink("/etc/passwd", repository.folder / "out")
    repository.commit(b="2")

    _source, folder = repository.check_out("main")

    assert os.path.exists(os.path.join(os.fsencode(folder), b"\xff\xfe"))
    assert os.readlink(folder / "out") == "/etc/passwd"


def test_merges_are_commits_like_others(repository):
    repository.commit(a="1")
    repository.git("checkout", "--quiet", "-b", "side")
    repository.commit(b="2")
    repository.git("checkout", "--quiet", "main")
    repository.commit(c="3")
    repository.git("merge", "--quiet", "--no-edit", "side")

    assert sorted(path.name for path in repository.check_out("main")[1].glob("[a-z]")) == list(
        "abc"
    )


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("https://ada:s3cr3t@git.example.org:8443/shop.git?token=s3cr3t#s3", 1),
        ("https://ada:s3@cr3t@git.example.org:8443/shop.git", 1),
        ("git@git.example.org:shop.git", "ssh://git.example.org/shop.git"),
        ("git.example.org:/srv/shop.git", "ssh://git.example.org/srv/shop.git"),
        ("ssh://git@git.example.org/shop.git", "ssh://git.example.org/shop.git"),
        ("/srv/git/shop.git", None),
        ("../shop:1.git", None),
        ("file:///srv/git/shop.git", None),
        ("ext::sh -c x", None),
        ("https://git.example.org/a\x1b[31m", None),
        (None, None),
    ],
)
def test_a_repository_at_a_path_is_known_by_where_it_was_cloned_from(repository, told, address):
    if told:
        repository.git("config", "remote.origin.url", told)

    found = _checkout.address_of(str(repository.folder), ENVIRONMENT)

    assert found == ("https://git.example.org:8443/shop.git" if address == 1 else address)
