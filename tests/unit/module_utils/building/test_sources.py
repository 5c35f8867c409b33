# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources of builds: just what was declared comes, from where it was declared, and stays inside."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import os
import shutil
import ssl
import subprocess
import tarfile
import threading
import time
import zipfile

import pytest

from ansible_collections.itops.release.plugins.module_utils.building import _fetch, _place, _sources
from ansible_collections.itops.release.plugins.module_utils.git import _command
from ansible_collections.itops.release.tests.fakes.build_host import BuildHost, component


@pytest.fixture
def host(tmp_path):
    return BuildHost(tmp_path)


def tar(*entries):
    """Return a gzipped tar of (name, mode, text, or the target of a link after ``@``)."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, mode, text in entries:
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = mode, len(text)
            if text.startswith("@"):
                entry.type, entry.linkname, entry.size = tarfile.SYMTYPE, text[1:], 0
            archive.addfile(entry, io.BytesIO(text.encode()))
    return data.getvalue()


VENDOR = tar(("top/bin/run", 0o755, "r"), ("top/key", 0o600, "k"), ("top/l", 0o777, "@bin/run"))
DIGEST = hashlib.sha256(VENDOR).hexdigest()


def test_an_archive_is_unpacked_with_what_its_modes_say(host):
    (host.src / "vendor.tgz").write_bytes(VENDOR)
    origin = {"archive": "vendor.tgz", "strip": 1, "sha256": DIGEST.upper()}

    ended = host.build(component("web", origin, ["true"], source="bin"))

    assert ended.get("changed"), ended
    web = host.workspace / "web"
    modes = {name: (web / name).stat().st_mode & 0o777 for name in ("bin", "bin/run", "key")}
    assert modes == {"bin": 0o755, "bin/run": 0o755, "key": 0o600}
    assert os.readlink(web / "l") == "bin/run"
    assert host.record()["components"][0]["origin"] == {
        "kind": "archive",
        "place": "vendor.tgz",
        "sha256": DIGEST,
    }


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (tar(("../../out", 0o644, "x")), "'../../out'"),
        (tar(("l", 0o777, "@/etc"), ("l/x", 0o644, "x")), "'l'"),
        (
            tar(
                ("l", 0o777, "@../../.."),
            ),
            "'l'",
        ),
        (b"no archive", "it is no archive"),
        (tar(("big", 0o644, "x" * 2**20))[:-100], "cut short"),
    ],
    # Each process has to call them alike, and in the archives is when they were made.
    ids=["out", "through a link", "a link", "none", "cut"],
)
def test_an_archive_that_leads_out_or_is_damaged_is_refused(host, data, words):
    (host.src / "vendor.tgz").write_bytes(data)

    ended = host.build(component("web", {"archive": "vendor.tgz"}))

    assert "vendor.tgz: " in ended["msg"]
    assert words in ended["msg"]
    assert not (host.workspace.parent / "out").exists()


def test_more_than_an_archive_may_hold_is_refused(host, monkeypatch):
    monkeypatch.setitem(_sources.LIMITS, "size", 1000)
    (host.src / "vendor.tgz").write_bytes(tar(("big", 0o644, "x" * 1001)))

    assert "limits.size" in host.build(component("web", {"archive": "vendor.tgz"}))["msg"]


def test_another_archive_than_declared_is_refused(host):
    (host.src / "vendor.tgz").write_bytes(VENDOR)

    ended = host.build(component("web", {"archive": "vendor.tgz", "sha256": "0" * 64}))

    assert f"vendor.tgz has the SHA-256 {DIGEST}, not 0000" in ended["msg"]


def test_a_directory_is_copied_as_it_is_and_no_link_followed(host):
    plain = host.src / "plain"
    (plain / "sub/.git").mkdir(parents=True)
    (plain / "sub/.git/config").write_text("")
    (plain / "sub/file").write_text("f")
    (plain / "run").write_text("r")
    (plain / "run").chmod(0o700)
    (plain / "link").symlink_to("sub/file")

    ended = host.build(component("web", {"directory": "plain"}, source="sub"))

    assert ended.get("changed"), ended
    web = host.workspace / "web"
    assert os.readlink(web / "link") == "sub/file"
    assert (web / "run").stat().st_mode & 0o777 == 0o700
    assert not (web / "sub/.git").exists()
    assert "is_dirty" not in host.record()["components"][0]["origin"]


@pytest.mark.parametrize(
    ("target", "declared", "words"),
    [
        ("../../secret", "plain", "'link'"),
        ("/etc/passwd", "plain", "points to the absolute path"),
        ("/etc", "plain/link", "is not below the folder of release.yml"),
        ("x", "../src2", "is not below the folder of release.yml"),
        ("x", "nowhere", "is not a directory"),
    ],
)
def test_a_directory_that_leads_out_is_refused(host, target, declared, words):
    (host.src / "plain").mkdir()
    (host.src.parent / "src2").mkdir()
    (host.src / "plain/link").symlink_to(target)

    ended = host.build(component("web", {"directory": declared}))

    assert words in ended["msg"]
    assert host.record() is None


def test_a_directory_tells_that_git_does_not_have_all_of_it(host):
    plain = host.src / "plain"
    plain.mkdir()
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    for command in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "--message=x"]):
        subprocess.run(["git", *identity, "-C", plain, *command], check=True)
    web = component("web", {"directory": "plain"})
    (plain / "a").write_text("1")

    assert host.build(web)["components"][0]["origin"]["is_dirty"] is True
    subprocess.run(["git", "-C", plain, "add", "a"], check=True)
    subprocess.run(["git", *identity, "-C", plain, "commit", "--quiet", "--message=y"], check=True)
    assert host.build(web)["components"][0]["origin"]["is_dirty"] is False


def test_a_commit_that_steps_changed_and_where_it_was_cloned_from_are_told(host):
    repository = host.src / "repository"
    repository.mkdir()
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    (repository / "a").write_text("1")
    for command in (["init", "--quiet"], ["add", "a"], ["commit", "--quiet", "--message=x"]):
        subprocess.run(["git", *identity, "-C", repository, *command], check=True)
    origin = {"git": "repository", "revision": "HEAD~0"}
    revision = subprocess.run(
        ["git", "-C", repository, "rev-parse", "HEAD"], check=True, stdout=subprocess.PIPE
    ).stdout.decode()
    origin["revision"] = revision.strip()

    plain = host.build(component("web", origin, ["cp", "a", "b"]))
    settings = ["config", "remote.origin.url", "https://ada:s3cr3t@git.example.org/shop.git"]
    subprocess.run(["git", "-C", repository, *settings], check=True)
    changed = host.build(component("web", origin, ["cp", "/dev/null", "a"]))

    assert plain["components"][0]["origin"]["is_dirty"] is False
    assert changed["components"][0]["origin"]["is_dirty"] is True
    assert changed["components"][0]["origin"]["commit"] == revision.strip()
    assert changed["components"][0]["origin"]["changed"] == ["a"]
    assert "address" not in plain["components"][0]["origin"]
    address = changed["components"][0]["origin"]["address"]
    assert address == "https://git.example.org/shop.git"


def test_submodules_that_are_left_out_are_told_with_every_build(host):
    repository = host.src / "repository"
    repository.mkdir()
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    inner = ["update-index", "--add", "--cacheinfo", "160000," + "1" * 40 + ",lib/x"]
    for command in (["init", "--quiet", "-bmain"], inner, ["commit", "--quiet", "--message=x"]):
        subprocess.run(["git", *identity, "-C", repository, *command], check=True)
    web = component("web", {"git": "repository", "revision": "main"}, ["touch", "a"])

    for options in ({"check": True}, {}, {}):
        warnings = host.build(web, **options)["warnings"]
        assert warnings == [
            "web: its submodules were left out: 'lib/x'; say submodules: true where they belong "
            "to it"
        ]
    assert host.record()["components"][0]["origin"]["left_out"] == ["lib/x"]


@pytest.mark.parametrize(
    ("place", "means"),
    [
        ("../x", "/srv/x"),
        (".", "/srv/app"),
        ("/abs/x", "/abs/x"),
        ("https://example.org/x.git", "https://example.org/x.git"),
        ("git@example.org:x.git", "git@example.org:x.git"),
    ],
)
def test_a_repository_is_an_address_or_relative_to_the_definition(place, means):
    origin = {"kind": "git", "place": place}

    assert _sources.place_of(origin, "/srv/app") == means


WHEEL = "thing-1.0-py3-none-any.whl"


@pytest.fixture
def index(host):
    """Return a folder in which pip finds packages: thing 1.0 as a wheel, other 1.0 as source."""
    folder = host.src.parent / "index"
    folder.mkdir()
    with zipfile.ZipFile(folder / WHEEL, "w") as archive:
        archive.writestr("thing.py", "x = 1\n")
        archive.writestr("thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(
            "thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n"
        )
        archive.writestr("thing-1.0.dist-info/RECORD", "")
    backend = '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'
    own = ("other-1.0/own.py", 0o644, f"open({str(folder / 'ran')!r}, 'w')\n1/0\n")
    (folder / "other-1.0.tar.gz").write_bytes(
        tar(("other-1.0/pyproject.toml", 0o644, backend), own)
    )
    host.variables.update(PIP_NO_INDEX="1", PIP_FIND_LINKS=str(folder))
    return folder


def test_a_wheel_is_unpacked_as_it_is(host, index):
    digest = hashlib.sha256((index / WHEEL).read_bytes()).hexdigest()

    ended = host.build(component("web", {"wheel": "thing==1.0"}))

    assert ended.get("changed"), ended
    assert host.text("web/thing.py") == "x = 1\n"
    assert (host.workspace / "web/thing.py").stat().st_mode & 0o777 == 0o644  # 0600 in the wheel
    assert ended["components"][0]["origin"] == {
        "kind": "wheel",
        "place": "thing==1.0",
        "sha256": digest,
    }
    (index / WHEEL).unlink()  # what is here already is not asked for
    ended = host.build(component("web", {"wheel": "thing==1.0", "sha256": digest}))
    assert ended.get("changed"), ended


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"wheel": "thing==2.0"}, "wheel thing==2.0 cannot be had: "),
        ({"wheel": "other==1.0"}, "wheel other==1.0 cannot be had: "),  # nothing of it may run
        ({"wheel": "thing==1.0", "sha256": "0" * 64}, "thing==1.0 has the SHA-256 "),
    ],
)
def test_a_wheel_that_is_none_or_another_one_is_refused(host, index, wanted, words):
    ended = host.build(component("web", wanted))

    assert words in ended["msg"]
    assert "\n" not in ended["msg"]
    assert not (index / "ran").exists()


@pytest.fixture
def package(host):
    """Return the file of the Debian package thing 1.0, which apt finds with this host's settings.

    It holds a file, another name of it, links that lead elsewhere, and one on a file's way.
    """
    if not all(map(shutil.which, ("apt-get", "dpkg-deb"))):
        pytest.skip("no apt-get and dpkg-deb here")
    top = host.src.parent / "apt"
    (top / "made/DEBIAN").mkdir(parents=True)
    (top / "made/usr/share").mkdir(parents=True)
    (top / "made/usr/share/a").write_text("a")
    (top / "made/usr/share/a").chmod(0o440)
    os.link(top / "made/usr/share/a", top / "made/usr/share/b")
    (top / "made/usr/share/localtime").symlink_to("/etc/localtime")
    (top / "made/usr/out").symlink_to("../../..")
    about = "Package: thing\nVersion: 1.0\nArchitecture: all\nMaintainer: A <a@example.org>\n"
    (top / "made/DEBIAN/control").write_text(about + "Description: x\n")
    built = ["dpkg-deb", "--build", "--root-owner-group", top / "made", top / "thing.deb"]
    subprocess.run(built, check=True, stdout=subprocess.DEVNULL)
    data = (top / "thing.deb").read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    more = f"Filename: ./thing.deb\nSize: {len(data)}\nSHA256: {digest}\n"
    (top / "Packages").write_text(about + more + "Description: x\n")
    (top / "sources").write_text(f"deb [trusted=yes] copy:{top} ./\n")
    for folder in ("state/lists/partial", "cache/archives/partial", "parts"):
        (top / folder).mkdir(parents=True)
    (top / "conf").write_text(
        f'Dir::State "{top}/state"; Dir::Cache "{top}/cache"; APT::Sandbox::User "root";'
        f'Dir::Etc::sourcelist "{top}/sources"; Dir::Etc::sourceparts "{top}/parts";'
    )
    host.variables["APT_CONFIG"] = str(top / "conf")
    subprocess.run(
        ["apt-get", "--quiet=2", "update"], env=host.variables, check=True, capture_output=True
    )
    return top / "thing.deb"


def test_a_deb_is_unpacked_wherever_its_links_lead(host, package):
    ended = host.build(component("web", {"deb": "thing=1.0"}, source="usr/share", exclude=["l*"]))

    assert ended.get("changed"), ended
    share = host.workspace / "web/usr/share"
    assert [(share / name).read_text() for name in "ab"] == ["a", "a"]
    assert os.readlink(share / "localtime") == "/etc/localtime"
    assert os.readlink(share.parent / "out") == "../../.."
    assert (share / "a").stat().st_mode & 0o777 == 0o644
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    assert ended["components"][0]["origin"]["sha256"] == digest

    ended = host.build(component("web", {"deb": "thing=1.0"}))
    assert "link 'usr/out'" in ended["msg"]


def test_a_deb_that_is_not_to_be_had_is_refused_in_a_line(host, package):
    ended = host.build(component("web", {"deb": "thing=2.0"}))

    assert ended["msg"].startswith("deb thing=2.0 cannot be had: ")
    assert "\n" not in ended["msg"]


def test_a_deb_that_is_none_or_too_large_is_refused(tmp_path, package):
    (tmp_path / "odd.deb").write_text("odd")

    with pytest.raises(_place.BuildError, match="it is no package of Debian"):
        _fetch.files_of_deb(str(tmp_path / "odd.deb"), str(tmp_path), time.monotonic)
    with pytest.raises(_place.BuildError, match="larger than 100 bytes"):
        _fetch.files_of_deb(str(package), str(tmp_path), time.monotonic, 100)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files, redirects what begins with /away, and says nothing."""

    def do_GET(self):
        if self.path.startswith("/away"):
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:1/plain")
            self.end_headers()
            return
        super().do_GET()

    def log_message(self, format, *arguments):
        pass


@pytest.fixture
def server(host):
    """Return the address of an https server for ``folder/served``, whom the build host trusts."""
    served = host.src.parent / "served"
    served.mkdir()
    certificate = host.src.parent / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    made += ["-nodes", "-days", "2", "-subj", "/CN=localhost"]
    made += ["-addext", "subjectAltName=DNS:localhost", "-keyout", certificate, "-out", "-"]
    done = subprocess.run(made, check=True, capture_output=True)
    certificate.write_bytes(certificate.read_bytes() + done.stdout)
    host.variables["SSL_CERT_FILE"] = str(certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=served)
    ) as listening:
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"https://localhost:{listening.server_port}"
        listening.shutdown()


def test_an_archive_is_fetched_by_https_once(host, server):
    served = host.src.parent / "served/vendor.tgz"
    served.write_bytes(VENDOR)
    web = component("web", {"archive": f"{server}/vendor.tgz", "sha256": DIGEST}, source="top/bin")

    ended = host.build(web)

    assert ended.get("changed"), ended
    assert (host.workspace / "web/top/bin/run").exists()
    served.unlink()
    assert not host.build(web)["changed"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nowhere", "cannot be fetched: "),
        ("away", "it leads to http://127.0.0.1:1/plain, which is not https"),
        ("other.tgz", "has the SHA-256 "),
    ],
)
def test_what_https_does_not_give_is_refused(host, server, path, words):
    (host.src.parent / "served/other.tgz").write_bytes(b"other")

    ended = host.build(component("web", {"archive": f"{server}/{path}", "sha256": DIGEST}))

    assert words in ended["msg"]
    assert host.record() is None


def test_more_than_may_be_fetched_is_refused(tmp_path):
    with pytest.raises(ValueError, match="larger than 9 bytes"):
        _fetch._copy(io.BytesIO(b"x" * 10), io.BytesIO(), lambda: 0, 9)
    ticks = iter([0, 10**6])
    with pytest.raises(ValueError, match=r"takes more than \d+ s"):
        _fetch._copy(io.BytesIO(b"x"), io.BytesIO(), lambda: next(ticks), 9)


def test_a_program_that_is_missing_is_told(tmp_path):
    with pytest.raises(_place.BuildError, match="apt-get is not installed here"):
        _fetch.deb("x=1", "", str(tmp_path / "f"), {"PATH": "/nonexistent"})
    with pytest.raises(_command.GitError):
        _command.run(str(tmp_path / "no"), {"PATH": os.environ["PATH"]}, "status")
