# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence of real builds; bills of materials, held to what pip, npm and dpkg say of real trees."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse

import pytest
import securesystemslib.dsse
import securesystemslib.signer
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from ansible_collections.itops.release.tests.fakes.estate import write_tree
from ansible_collections.itops.release.tests.fakes.signing import (
    key,
    public_key,
    trust_text,
    write_private_key,
)
from ansible_collections.itops.release.tests.integration.applications import (
    play,
    sealing,
    task,
)
from ansible_collections.itops.release.tests.integration.building import (
    building,
    commit,
    component,
    declare,
)
from ansible_collections.itops.release.tests.integration.docker_registry import DockerRegistry

pytestmark = pytest.mark.slow

WANTED = ("flask==3.1.2", "setuptools==80.9.0")  # the latter has packages of others within
PACKAGE = {
    "name": "shop-ui",
    "version": "1.0.0",
    "private": True,
    "dependencies": {
        "@babel/code-frame": "7.27.1",
        "@shop/ui": "file:packages/ui",
        "ansi-styles": "6.2.1",
        "chalk": "4.1.2",  # wants another ansi-styles, which npm puts below it
        "old-styles": "npm:ansi-styles@3.2.1",
    },
}
# One that is installed under another name has its own behind "npm:".
LISTED = re.compile(r"([^:]+):(?:[^:]*@npm:)?(@?[^@:]+)@([^@:]+)(?::(.*))?")
OWN = {"name": "@shop/ui", "version": "2.0.0", "license": "MIT"}


def run(*command, cwd=None):
    done = subprocess.run(
        command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def needed(program):
    if not shutil.which(program):
        reason = f"{program} is not installed"
        if os.environ.get("ITOPS_RELEASE_REQUIRE_HOSTS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return program


def pip(*arguments):
    return run(sys.executable, "-m", "pip", *arguments)


def bill_of(run_playbook, tmp_path, **globs):
    """Seal the component in ``src``, attest and write out its bill; return the packages in it."""
    component = {"name": "app", "kind": "files", "path": ".", "source": ".", **globs}
    release = {"name": "shop", "version": "1.0.0", "serial": 1, "components": [component]}
    write_tree(tmp_path / "src", {"release.yml": json.dumps(release)})
    (tmp_path / "trust.yml").write_text(trust_text(release=(1, key(1))))
    sign = {"role": "release", "private_key": str(write_private_key(tmp_path / "key", 1))}
    library, bill = tmp_path / "media", tmp_path / "bill.json"
    common = {"media_library": str(library), "release": "shop:1.0.0"}
    trusted = {**common, "trust": str(tmp_path / "trust.yml")}
    wanted = {**trusted, "predicate_type": "sbom", "dest": str(bill)}
    done = run_playbook(
        play(
            sealing("Seal", tmp_path / "src", library, sign=sign, evidence=["sbom"]),
            sealing("Seal again", tmp_path / "src", library, sign=sign, evidence=["sbom"]),
            task("Ask", "release_package_info", trusted),
            task("Write", "release_evidence", wanted),
            task("Write again", "release_evidence", wanted),
        ),
        "localhost,",
    )
    assert done.rc == 0, done.output
    changed = [done.result(title)["changed"] for title in ("Seal", "Seal again", "Write again")]
    assert changed == [True, False, False]
    (told,) = done.result("Ask")["evidence"]
    assert (told["signed_by"], told["problem"]) == (["key1"], "")
    text = bill.read_text(encoding="utf-8")
    assert JsonStrictValidator(max(SchemaVersion)).validate_str(text) is None
    (part,) = json.loads(text)["components"]
    return part.get("components", [])


def place_of(package):
    """Return the path of the file in the release that tells of a package in a bill."""
    (place,) = (item["value"] for item in package["properties"])
    return place.removeprefix("app/")


def licences_of(package):
    told = [choice.get("license", choice) for choice in package.get("licenses", [])]
    return {item.get("id") or item.get("name") or item.get("expression") for item in told}


def in_address(name):
    """Return the name of a Python project as package URLs have it, which keep its dots."""
    return name.lower().replace("_", "-")


def test_the_evidence_of_a_build_is_kept_in_a_registry(
    local_hosts, inventory, run_playbook, tmp_path
):
    metadata = "Name: Flask\nVersion: 3.0.0\n"
    head = commit(tmp_path / "repository", **{"setup.egg-info": metadata})
    origin = {"git": str(tmp_path / "repository"), "revision": "main"}
    src = declare(tmp_path / "src", component("web", origin, ["touch", "built"]))
    (tmp_path / "trust.yml").write_text(trust_text(release=(1, key(1))))
    sign = {"role": "release", "private_key": str(write_private_key(tmp_path / "key", 1))}
    wanted = {"release": "shop:1", "trust": str(tmp_path / "trust.yml")}
    with DockerRegistry(tmp_path / "registry") as registry:
        library = f"oci://{registry.host}/shop"
        seal = {"workspace": str(tmp_path / "workspace"), "evidence": ["sbom", "provenance"]}

        def written(title, kind, **options):
            options = {"predicate_type": kind, "dest": str(tmp_path / title), **options}
            return task(title, "release_evidence", {"media_library": library, **wanted, **options})

        done = run_playbook(
            play(
                building("Build", src, tmp_path / "workspace"),
                sealing("Seal", src, library, sign=sign, **seal),
                sealing("Seal again", src, library, sign=sign, **seal),
                written("bill", "sbom"),
                written("provenance", "provenance"),
                written("envelope", "provenance", form="envelope"),
            ),
            inventory(local_hosts(1)),
        )

    assert done.rc == 0, done.output
    assert [item["attached"] for item in done.result("Seal")["evidence"]] == [True, True]
    assert not done.result("Seal again")["changed"]
    (part,) = json.loads((tmp_path / "bill").read_bytes())["components"]
    assert [one["purl"] for one in part["components"]] == ["pkg:pypi/flask@3.0.0"]
    said = json.loads((tmp_path / "provenance").read_bytes())
    digests = [item.get("digest") for item in said["buildDefinition"]["resolvedDependencies"]]
    assert {"gitCommit": head} in digests
    (line,) = (tmp_path / "envelope").read_bytes().splitlines()
    theirs = securesystemslib.dsse.Envelope.from_dict(json.loads(line))
    fingerprint, raw = public_key(1).fingerprint, public_key(1).raw.hex()
    verifier = securesystemslib.signer.SSlibKey(fingerprint, "ed25519", "ed25519", {"public": raw})
    assert theirs.verify([verifier], 1)
    statement = json.loads(theirs.payload)
    assert statement["predicate"] == said
    (subject,) = statement["subject"]
    assert subject["digest"]["sha256"] == done.result("Seal")["release"]["digest"]


def test_a_python_tree_holds_what_pip_says_it_holds(run_playbook, tmp_path):
    target = tmp_path / "src"
    pip("install", "--no-compile", "--target", str(target), *WANTED)

    packages = bill_of(run_playbook, tmp_path)

    top = [package for package in packages if place_of(package).count("/") == 1]
    listed = json.loads(pip("list", "--path", str(target), "--format", "json"))
    assert len(listed) >= 8
    assert sorted((one["name"], one["version"]) for one in top) == sorted(
        (one["name"], one["version"]) for one in listed
    )
    for package in packages:
        address = f"pkg:pypi/{in_address(package['name'])}@{package['version']}"
        assert package["purl"] == address
    vendored = [package for package in packages if package not in top]
    places = [place_of(package) for package in vendored]
    assert any(place.startswith("setuptools/_vendor/") for place in places)
    assert all(place.startswith(("setuptools/", "pkg_resources/")) for place in places)
    inspected = json.loads(pip("inspect", "--path", str(target)))["installed"]
    said = {item["metadata"]["name"]: item["metadata"] for item in inspected}
    for package in top:
        metadata = said[package["name"]]
        if metadata.get("license_expression"):
            assert licences_of(package) == {metadata["license_expression"]}
        assert licences_of(package)


def test_downloaded_wheels_are_those_that_pip_would_install(run_playbook, tmp_path):
    pip("download", "--only-binary=:all:", "-d", str(tmp_path / "src/wheels"), WANTED[0])
    pip(
        *("install", "--no-index", "--find-links", str(tmp_path / "src/wheels")),
        *("--no-compile", "--target", str(tmp_path / "installed"), WANTED[0]),
    )

    packages = bill_of(run_playbook, tmp_path)

    listed = json.loads(pip("list", "--path", str(tmp_path / "installed"), "--format", "json"))
    assert sorted((one["name"], one["version"]) for one in packages) == sorted(
        (one["name"], one["version"]) for one in listed
    )
    assert all(map(licences_of, packages))


def test_a_node_tree_holds_what_npm_says_it_holds(run_playbook, tmp_path):
    npm, source = needed("npm"), tmp_path / "src"
    files = {"package.json": PACKAGE, "packages/ui/package.json": OWN}
    write_tree(source, {path: json.dumps(plain) for path, plain in files.items()})
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    run(npm, "install", *quiet, cwd=source)

    packages = bill_of(run_playbook, tmp_path)

    told = {(place_of(one), one["name"], one["version"]) for one in packages}
    lines = run(npm, "ls", "--all", "--parseable", "--long", *quiet, cwd=source).splitlines()
    assert told == {_installed(line, source) for line in lines[1:]}
    names = json.loads(run(npm, "ls", "--all", "--json", *quiet, cwd=source))
    assert {item[2] for item in told} == set(_versions(names["dependencies"]))
    assert [item[:2] for item in sorted(told) if item[1] == "ansi-styles"] == [
        (f"node_modules/{place}/package.json", "ansi-styles")
        for place in ("ansi-styles", "chalk/node_modules/ansi-styles", "old-styles")
    ]
    assert "pkg:npm/%40babel/code-frame@7.27.1" in {one["purl"] for one in packages}
    assert all(licences_of(one) for one in packages)


def _installed(line, source):
    """Return (path of package.json, name, version) of a line ``path:name@version[:target]``."""
    path, name, version, target = LISTED.fullmatch(line).groups()
    return f"{pathlib.Path(target or path).relative_to(source)}/package.json", name, version


def _versions(dependencies):
    for item in dependencies.values():
        yield item["version"]
        yield from _versions(item.get("dependencies", {}))


def test_a_debian_tree_holds_what_dpkg_says_it_holds(run_playbook, tmp_path):
    needed("dpkg-deb")
    root = tmp_path / "src"
    for folder in ("info", "updates", "triggers"):
        (root / "var/lib/dpkg" / folder).mkdir(parents=True)
    write_tree(root, {"var/lib/dpkg/status": "", "etc/os-release": "ID=debian\n"})
    dpkg = ("dpkg", f"--root={root}", "--force-not-root", "--log=/dev/null")
    for name, version in (("shop-web", "1:2.0-1+deb12u1"), ("shop-lib", "1.5~rc1"), ("old", "1")):
        run(*dpkg, "--install", _package(tmp_path / "pool", name, version))
    run(*dpkg, "--remove", "old")  # which leaves its configuration

    packages = bill_of(run_playbook, tmp_path, include=["etc/**", "usr/**", "var/lib/dpkg/status"])

    form = "${db:Status-Status} ${Package} ${Version} ${Architecture}\n"
    query = run("dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W", "-f", form)
    states = [line.split() for line in query.splitlines()]
    assert ["config-files", "old", "1", "all"] in states
    assert {(one["name"], one["version"]) for one in packages} == {
        (name, version) for state, name, version, _all in states if state == "installed"
    }
    assert {one["purl"] for one in packages} == {
        f"pkg:deb/debian/{name}@{urllib.parse.quote(version, safe=':')}?arch={architecture}"
        for state, name, version, architecture in states
        if state == "installed"
    }
    assert [licences_of(one) for one in packages] == [{"GPL-3.0-or-later"}] * 2


def _package(pool, name, version):
    """Make a Debian package; return its path."""
    tree = pool / name
    control = f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: A <a@b.c>\n"
    form = "https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
    write_tree(
        tree,
        {
            "DEBIAN/control": f"{control}Description: small\n in two lines\n",
            "DEBIAN/conffiles": f"/etc/{name}.conf\n",
            f"etc/{name}.conf": "x\n",
            f"usr/share/doc/{name}/copyright": f"Format: {form}\n\nLicense: GPL-3.0-or-later\n",
        },
    )
    run("dpkg-deb", "--root-owner-group", "--build", str(tree), str(pool / f"{name}.deb"))
    return str(pool / f"{name}.deb")
