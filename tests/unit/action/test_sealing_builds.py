# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sealing what was built: declared = built = packed, by name, or nothing is sealed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time

import pytest

from ansible_collections.itops.release.plugins.module_utils.building import _record
from ansible_collections.itops.release.plugins.plugin_utils.library import _store
from ansible_collections.itops.release.tests.fakes import builds
from ansible_collections.itops.release.tests.fakes.estate import write_tree
from ansible_collections.itops.release.tests.unit.action.test_release_package import by_ansible

WEB = {"name": "web", "kind": "files", "path": "web", "source": "ui"}
DOCS = {"name": "docs", "kind": "files", "path": "docs", "source": "docs"}


def declare(src, *components, version="1", **more):
    release = {"name": "shop", "version": version, "serial": 1, **more}
    release["components"] = list(components)
    write_tree(src, {"release.yml": json.dumps(release)})


def web(**changes):
    return {**WEB, "from": {"git": "../repository", "revision": "main"}, **changes}


class Site:
    """An application with a built component and one that is not, and its workspace."""

    def __init__(self, folder):
        self.folder = folder
        self.src, self.workspace = folder / "src", folder / "workspace"

    def build(self, **options):
        return builds.build(self.src, self.workspace, **options)

    def edit(self, change):
        """Change the record by ``change(record)``."""
        path = self.workspace / _record.NAME
        record = json.loads(path.read_text())
        change(record)
        path.write_bytes(_record.render(record))

    @property
    def options(self):
        return {"src": str(self.src), "workspace": str(self.workspace)}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return a folder with a built Site."""
    site = Site(tmp_path_factory.mktemp("built"))
    builds.commit(site.folder / "repository", {"ui/page": "1", "ui/lib/code": "1", "other": ""})
    write_tree(site.src, {"docs/manual": "1"})
    declare(site.src, web(), DOCS)
    site.build()
    return site.folder


@pytest.fixture
def site(built, tmp_path):
    """Return a Site that was built just now."""
    shutil.copytree(built, tmp_path, symlinks=True, dirs_exist_ok=True)
    time.sleep(0.02)  # the clock of a file system ticks so often
    site = Site(tmp_path)
    os.utime(site.workspace / _record.NAME)
    time.sleep(0.02)
    return site


def manifest(tmp_path, digest):
    return _store.Library(str(tmp_path / "library")).get(digest).manifest


def test_what_was_built_is_sealed_with_what_it_was_built_from(tmp_path, site, call):
    predicted = call(**site.options, check_mode=True, diff=True)
    answer = call(**site.options, diff=True)

    assert {**answer, "release": {**answer["release"], "stored_bytes": 0}} == {
        **predicted,
        "release": {**predicted["release"], "stored_bytes": 0},
    }
    sealed = manifest(tmp_path, answer["release"]["digest"])
    docs, web_ = sealed.components
    assert [entry.path for entry in web_.entries] == ["lib", "lib/code", "page"]
    assert dict(web_.about) == {
        "materials": [
            {
                "kind": "git",
                "place": "../repository",
                "revision": "main",
                "commit": builds.git(tmp_path / "repository", "rev-parse", "HEAD"),
                "folder": "ui",
            }
        ]
    }
    assert docs.about == sealed.about == ()
    assert not call(**site.options)["changed"]


def test_a_build_host_seals_the_same_release(tmp_path, site, call):
    declare(site.src, web(), DOCS, scripts={"hooks": ["docs/*"]})
    site.build()
    answer = call(**site.options)

    options = {**site.options, "remote_src": True, "media_library": str(tmp_path / "other")}

    assert by_ansible(options) == answer


def test_who_built_where_and_when_does_not_change_the_digest(tmp_path, site, call):
    digest = call(**site.options)["release"]["digest"]
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(site.src, elsewhere / "src")
    shutil.copytree(tmp_path / "repository", elsewhere / "repository")
    changes = {
        "run": "other",
        "started": "2031-01-01T00:00:00Z",
        "ended": "2031-01-01T00:00:00Z",
        "builder": {**builds.BUILDER, "host": "laptop", "user": "me", "python": "3.13.1"},
        "ci": {"system": "GitLab CI", "job": "build", "url": "https://ci.example.org/1"},
        "tools": [{"name": "git", "version": "2.50", "path": "/opt/git", "sha256": "0" * 64}],
        "environment": {"LANG": "de_DE.UTF-8"},
    }
    builds.build(elsewhere / "src", elsewhere / "a workspace", **changes)

    options = {"src": str(elsewhere / "src"), "workspace": str(elsewhere / "a workspace")}

    assert call(**options)["release"]["digest"] == digest


def test_the_secret_of_an_address_is_not_sealed(tmp_path, site, call):
    place = "https://ci:t0ken@git.example.org/web.git"
    declare(site.src, web(**{"from": {"git": place, "revision": "main"}}), DOCS)
    definition = hashlib.sha256((site.src / "release.yml").read_bytes()).hexdigest()

    def say_so(record):
        record["components"][0]["origin"]["place"] = place
        record["definition"]["sha256"] = definition

    site.edit(say_so)

    answer = call(**site.options)

    (material,) = dict(manifest(tmp_path, answer["release"]["digest"]).components[1].about)[
        "materials"
    ]
    assert material["place"] == "https://git.example.org/web.git"


def _drop(record):
    record["components"].clear()


def _rename(record):
    record["components"][0]["name"] = "old"


REFUSED = {
    "not built": (
        lambda site: site.edit(_drop),
        "component web is declared and was not built: build again",
    ),
    "left over": (
        lambda site: declare(site.src, DOCS),
        "component web was built and is not declared: build again, or declare it with from",
    ),
    "another revision": (
        lambda site: declare(
            site.src, web(**{"from": {"git": "../repository", "revision": "v1"}}), DOCS
        ),
        "component web was built from git ../repository revision main, and git ../repository "
        "revision v1 is declared: build again",
    ),
    "another place": (
        lambda site: declare(
            site.src, web(**{"from": {"git": "../other", "revision": "main"}}), DOCS
        ),
        "component web was built from git ../repository revision main, and git ../other "
        "revision main is declared: build again",
    ),
    "another kind": (
        lambda site: declare(site.src, web(**{"from": {"directory": "ui"}}), DOCS),
        "component web was built from git ../repository, and directory ui is declared: build again",
    ),
    "another version": (
        lambda site: declare(site.src, web(), DOCS, version="2"),
        "the workspace holds the build of shop 1 serial 1, not of shop 2 serial 1: build again",
    ),
    "another definition": (
        lambda site: declare(site.src, web(exclude=["lib"]), DOCS),
        "release.yml was changed after the build: build again",
    ),
    "a file changed": (
        lambda site: write_tree(site.workspace, {"web/ui/page": "2"}),
        "component web was changed after it was built ('page'): build again",
    ),
    "a file more": (
        lambda site: write_tree(site.workspace, {"web/ui/lib/more": "2"}),
        "component web was changed after it was built ('lib/more'): build again",
    ),
    "a file less": (
        lambda site: (site.workspace / "web/ui/lib/code").unlink(),
        "component web was changed after it was built ('lib/'): build again",
    ),
    "a mode": (
        lambda site: (site.workspace / "web/ui/page").chmod(0o755),
        "component web was changed after it was built ('page'): build again",
    ),
    "another commit": (
        lambda site: builds.git(site.workspace / "web", "checkout", "--quiet", "-b", "work"),
        "component web: its checkout is at 'ref: refs/heads/work', and it was built from ",
    ),
    "no checkout": (
        lambda site: shutil.rmtree(site.workspace / "web/.git"),
        "component web: its checkout cannot be read (No such file or directory): build again",
    ),
    "no sources": (
        lambda site: shutil.rmtree(site.workspace / "web/ui"),
        "component web: {workspace}/web/ui is not a directory",
    ),
    "an unfinished build": (
        lambda site: (site.workspace / "build.json").unlink(),
        "{workspace}/build.json: No such file or directory; build with release_build first",
    ),
    "an odd record": (
        lambda site: site.edit(lambda record: record["release"].clear()),
        "{workspace}/build.json is not the record of a build: 'name'",
    ),
    "an odd commit": (
        lambda site: site.edit(
            lambda record: record["components"][-1]["origin"].update(commit="--output=x\ny")
        ),
        "{workspace}/build.json is not the record of a build: component web has no name of a ",
    ),
    "an odd component": (
        lambda site: site.edit(lambda record: record["components"][0].update(name=7)),
        "{workspace}/build.json is not the record of a build: ",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_declared_built_and_packed_alike_is_refused_by_name(tmp_path, site, call, what):
    break_it, reason = REFUSED[what]
    break_it(site)

    for check_mode in (True, False):
        answer = call(**site.options, check_mode=check_mode)
        assert answer.get("failed"), what
        assert answer["msg"].startswith(reason.format(workspace=site.workspace))
        assert "\n" not in answer["msg"]
    assert _store.Library(str(tmp_path / "library")).labels() == []


@pytest.mark.parametrize("what", ["a file changed", "another commit", "an unfinished build"])
def test_a_build_host_refuses_in_the_same_words(tmp_path, site, what):
    break_it, reason = REFUSED[what]
    break_it(site)
    options = {**site.options, "remote_src": True, "media_library": str(tmp_path / "library")}

    answer = by_ansible(options)

    assert answer["msg"].startswith(reason.format(workspace=site.workspace))


def test_all_that_does_not_agree_is_told_at_once(site, call):
    declare(site.src, web(name="ui"), DOCS, version="2")

    message = call(**site.options)["msg"]

    assert message.count("build again") == 3
    for part in ("shop 1 serial 1", "component ui is declared", "component web was built"):
        assert part in message


def test_what_is_built_is_not_sealed_from_elsewhere(site, call):
    assert call(src=str(site.src))["msg"] == (
        "component web is built: give workspace, the folder that release_build built in"
    )


def test_artifacts_that_are_gone_are_named(site, call):
    build = {"steps": [["mkdir", "-p", "ui/dist"], ["touch", "ui/dist/a", "ui/dist/b"]]}
    declare(site.src, web(build={**build, "artifacts": ["ui/dist/*"]}, include=["page"]), DOCS)
    site.build()
    (site.workspace / "web/ui/dist/b").unlink()

    assert call(**site.options)["msg"] == (
        "component web: what it must leave is gone: 'ui/dist/b': build again"
    )
    site.edit(lambda record: record["components"][0].update(artifacts=[]))
    assert call(**site.options)["msg"] == (
        "component web: its build left nothing that 'ui/dist/*' names: build again"
    )


def test_an_archive_that_a_build_left_is_sealed_as_what_it_holds(tmp_path, site, call):
    steps = ["tar", "--create", "--file=app.tar", "--directory=ui", "page", "lib"]
    archive = {"kind": "archive", "source": "app.tar", "build": {"steps": [steps]}}
    declare(site.src, web(**archive), DOCS)
    site.build()

    sealed = manifest(tmp_path, call(**site.options)["release"]["digest"])

    assert [entry.path for entry in sealed.components[1].entries] == ["lib", "lib/code", "page"]
    builds.git(site.workspace / "web", "archive", "--output=app.tar", "HEAD", "other")
    assert call(**site.options)["msg"] == (
        "component web was changed after it was built: build again"
    )


def test_a_source_that_leads_out_of_its_component_is_refused(site, call):
    shutil.rmtree(site.workspace / "web/ui")
    (site.workspace / "web/ui").symlink_to(site.folder)

    assert call(**site.options)["msg"] == (
        f"component web: its source 'ui' leads out of {site.workspace}/web: name a folder of its "
        "own"
    )


def test_a_workspace_may_hold_more_than_is_sealed(site, call):
    write_tree(site.workspace, {"web/other": "changed", "web/ui/__pycache__/x": ""})

    assert call(**site.options)["changed"]


def test_releases_without_builds_need_no_workspace_and_keep_their_digest(tmp_path, call):
    write_tree(tmp_path / "src", {"docs/manual": "1"})
    declare(tmp_path / "src", DOCS)

    assert call(src=str(tmp_path / "src"))["release"]["digest"] == (
        "f6b57897ae5bdd9053412caffedb36a5e4a82b00251449f8ea144cbf3eb00362"
    )
