# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``release.yml`` says of builds: read with its defaults, or refused with its place."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.definition import _recipe, _release_file

HEAD = """\
name: shop
version: "1.0.0"
serial: 1
components:
  - name: web
    kind: files
"""
DIGEST = "4F" * 32


def component(text):
    lines = "".join(f"    {line}\n" for line in text.splitlines())
    return _release_file.parse(HEAD + lines, "release.yml").components[0]


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        (
            "git: https://git.example.org/web.git\n  revision: v1.0\n  submodules: true",
            _recipe.Origin("git", "https://git.example.org/web.git", "v1.0", True),
        ),
        ("directory: ../web", _recipe.Origin("directory", "../web")),
        (
            f"archive: vendor.tgz\n  strip: 1\n  sha256: {DIGEST}",
            _recipe.Origin("archive", "vendor.tgz", strip=1, sha256=DIGEST.lower()),
        ),
        ("wheel: flask==3.0.0", _recipe.Origin("wheel", "flask==3.0.0")),
        ("deb: nginx=1.22.1-9", _recipe.Origin("deb", "nginx=1.22.1-9")),
    ],
)
def test_sources_come_from_one_origin(text, origin):
    assert component(f"from:\n  {text}").origin == origin


def test_steps_are_lists_of_arguments_and_a_shell_only_where_it_is_asked_for():
    recipe = component(
        "from: {directory: .}\n"
        "build:\n"
        "  steps:\n"
        "    - [npm, ci]\n"
        "    - {run: [make, dist], directory: ui, timeout: 60, environment: {A: b}}\n"
        "    - shell: a | b\n"
        "  environment: {NODE_ENV: production}\n"
        "  pass: [NPM_TOKEN]\n"
        "  artifacts: [dist/**]\n"
    ).recipe

    assert recipe == _recipe.Recipe(
        (
            _recipe.Step(("npm", "ci"), ".", {}, 3600),
            _recipe.Step(("make", "dist"), "ui", {"A": "b"}, 60),
            _recipe.Step(("/bin/sh", "-euc", "a | b"), ".", {}, 3600),
        ),
        {"NODE_ENV": "production"},
        ("NPM_TOKEN",),
        ("dist/**",),
    )


def test_what_is_declared_of_others_is_sealed_as_it_stands_there():
    text = 'requires: ["api >=3,<4"]\nconflicts: [legacy]\nprovides: {web-api: "2"}'

    assert component(text).about == (
        ("conflicts", ["legacy"]),
        ("provides", {"web-api": "2"}),
        ("requires", ["api >=3,<4"]),
        ("versions", "pep440"),
    )
    assert component("").about == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "from: {}",
            "release.yml:7: components[0].from: none of them; expected exactly one of git",
        ),
        ("from: {git: x, directory: y}", "release.yml:7: components[0].from: git and directory"),
        ("from: {git: x}", "release.yml:7: components[0].from: revision is missing; expected the"),
        (
            "from: {directory: x, revision: y}",
            "release.yml:7: components[0].from.revision: not with directory; expected it with git",
        ),
        (
            "from: {git: x, revision: --upload-pack=x}",
            "release.yml:7: components[0].from.revision: ",
        ),
        (
            "from:\n  revision: x\n  git: ext::sh -c id",
            "release.yml:9: components[0].from.git: 'ext::sh -c id'; expected a URL or a path",
        ),
        ("from: {git: -x, revision: y}", "release.yml:7: components[0].from.git: '-x'; expected"),
        ("from: {archive: 'http://x/y', sha256: x}", "release.yml:7: components[0].from.sha256: "),
        (
            f"from: {{archive: 'http://x/y', sha256: {DIGEST}}}",
            "release.yml:7: components[0].from.archive: 'http://x/y'; expected a path or https://",
        ),
        ("from: {archive: 'https://x/y'}", "release.yml:7: components[0].from: sha256 is missing"),
        (
            "build: {steps: []}",
            "release.yml:7: components[0].build.steps: [] does not fit; expected",
        ),
        (
            "build: {steps: [[make]]}",
            "release.yml:7: components[0].build: without from; expected it too",
        ),
        ("build: {}", "release.yml:7: components[0].build: steps is missing; expected steps"),
        (
            "build:\n  steps: [make]",
            'release.yml:8: components[0].build.steps[0]: "make" does not fit; expected a value of '
            "type array or object",
        ),
        (
            "build:\n  steps:\n    - [a]\n    - {run: [a], shell: b}",
            "release.yml:10: components[0].build.steps[1]: expected exactly one of run and shell",
        ),
        (
            "requires: ['>=3']",
            "release.yml:7: components[0].requires[0]: '>=3'; expected a name",
        ),
        (
            'version: "1.2"\nversions: semver',
            "release.yml:8: components[0].versions: '1.2' is no version by SemVer, such as 3.1.4",
        ),
        (
            'provides: {web: "x.y"}',
            "release.yml:7: components[0].provides.web: 'x.y' is no version by PEP 440, such as",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(text, reason):
    with pytest.raises(_release_file.ReleaseFileError) as caught:
        component(text)

    assert str(caught.value).startswith(reason)
